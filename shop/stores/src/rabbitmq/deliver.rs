//! Messages on their way: published to queues, delivered to consumers, acknowledged or given back.

use std::sync::Arc;

use amq_protocol::protocol::{AMQPClass, basic};
use bytes::Bytes;

use super::broker::Broker;
use super::frames;
use super::journal::Record;
use super::policy::Overflow;
use super::queue::{ChannelKey, Consumer, Held, Message};
use super::trouble::Trouble;

/// A message that a channel has and has not acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Unacked {
    queue: String,
    /// `None` when it was fetched with `basic.get`.
    consumer: Option<String>,
    held: Held,
}

/// What became of a published message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Published {
    Routed,
    /// No queue takes such messages.
    Unroutable,
    /// A queue is full and refuses.
    Refused,
}

/// What becomes of messages that are not wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Done,
    GivenBack,
    Dropped,
}

impl Broker {
    pub(super) fn publish(&mut self, message: Message) -> Result<Published, Trouble> {
        let targets: Vec<String> = if message.exchange.is_empty() {
            self.queues
                .contains_key(&message.routing_key)
                .then(|| message.routing_key.clone())
                .into_iter()
                .collect()
        } else {
            let exchange = self
                .exchanges
                .get(&message.exchange)
                .ok_or_else(|| Trouble::not_found("exchange", &message.exchange))?;
            exchange
                .route(&message.routing_key)
                .into_iter()
                .map(str::to_owned)
                .collect()
        };
        self.totals.published += 1;
        if targets.is_empty() {
            self.totals.unroutable += 1;
            return Ok(Published::Unroutable);
        }
        let message = Arc::new(message);
        let mut refused = false;
        for name in &targets {
            refused |= !self.enqueue(name, &message);
        }
        for name in &targets {
            self.pump(name);
            self.shorten(name);
        }
        self.check_alarm();
        Ok(if refused {
            Published::Refused
        } else {
            Published::Routed
        })
    }

    /// Appends a message to a queue; whether the queue took it.
    fn enqueue(&mut self, name: &str, message: &Arc<Message>) -> bool {
        let Some(queue) = self.queues.get_mut(name) else {
            return true;
        };
        if queue.is_full() && queue.bounds.overflow() == Overflow::RejectPublish {
            queue.refused += 1;
            return false;
        }
        self.last_id += 1;
        let id = self.last_id;
        if queue.declared.durable && message.is_persistent() {
            self.journal.append(&Record::message(name, id, message));
        }
        self.bytes += message.body.len() as u64;
        queue.published += 1;
        queue.ready.push_back(Held {
            id,
            message: message.clone(),
            redelivered: false,
        });
        true
    }

    /// Drops the oldest messages of a queue that holds more than it may.
    fn shorten(&mut self, name: &str) {
        let mut gone = Vec::new();
        if let Some(queue) = self.queues.get_mut(name)
            && let Some(bound) = queue.bounds.max_length
        {
            while queue.ready.len() as u64 > bound {
                queue.dropped += 1;
                gone.extend(queue.ready.pop_front());
            }
        }
        gone.iter().for_each(|held| self.forget(name, held));
    }

    /// A message has left a queue for good.
    pub(super) fn forget(&mut self, name: &str, held: &Held) {
        self.bytes = self.bytes.saturating_sub(held.message.body.len() as u64);
        let durable = self
            .queues
            .get(name)
            .is_some_and(|queue| queue.declared.durable);
        if durable && held.message.is_persistent() {
            self.journal.append(&Record::Gone {
                queue: name.to_owned(),
                id: held.id,
            });
        }
    }

    /// Adds a consumer and begins to deliver; `answer` goes before the first message.
    pub(super) fn consume(
        &mut self,
        name: &str,
        consumer: Consumer,
        answer: Option<Bytes>,
    ) -> Result<(), Trouble> {
        let connection = consumer.key.connection;
        let taken = self
            .queues
            .values()
            .flat_map(|queue| &queue.consumers)
            .any(|other| other.key == consumer.key && other.tag == consumer.tag);
        if taken {
            return Err(Trouble::connection(
                530,
                format!(
                    "NOT_ALLOWED - attempt to reuse consumer tag '{}'",
                    consumer.tag
                ),
            ));
        }
        let prefetch = self
            .channels
            .get(&consumer.key)
            .map_or(0, |channel| channel.prefetch);
        let queue = self.queue_mut(connection, name)?;
        if queue.is_exclusively_consumed() || (consumer.exclusive && !queue.consumers.is_empty()) {
            return Err(Trouble::in_exclusive_use(name));
        }
        queue.had_consumers = true;
        queue.consumers.push_back(Consumer {
            prefetch,
            ..consumer
        });
        if let Some(answer) = answer {
            self.tell(connection, answer);
        }
        self.pump(name);
        Ok(())
    }

    /// Removes a consumer; what it has in hand stays there.
    pub(super) fn cancel(&mut self, key: ChannelKey, tag: &str) {
        self.remove_consumers(|consumer| consumer.key == key && consumer.tag == tag);
    }

    fn remove_consumers(&mut self, gone: impl Fn(&Consumer) -> bool) {
        let mut unused = Vec::new();
        for (name, queue) in &mut self.queues {
            queue.consumers.retain(|consumer| !gone(consumer));
            if queue.declared.auto_delete && queue.had_consumers && queue.consumers.is_empty() {
                unused.push(name.clone());
            }
        }
        for name in unused {
            self.drop_queue(&name);
        }
    }

    /// Delivers what a queue has to the consumers that can take it, in turn.
    pub(super) fn pump(&mut self, name: &str) {
        while let Some((consumer, held)) = self.next_delivery(name) {
            let tag = self.take(consumer.key, name, Some(&consumer), &held);
            let deliver = basic::Deliver {
                consumer_tag: consumer.tag.as_str().into(),
                delivery_tag: tag,
                redelivered: held.redelivered,
                exchange: held.message.exchange.as_str().into(),
                routing_key: held.message.routing_key.as_str().into(),
            };
            let class = AMQPClass::Basic(basic::AMQPMethod::Deliver(deliver));
            let bytes = frames::content(
                consumer.key.channel,
                class,
                &held.message.properties,
                &held.message.body,
            );
            self.tell(consumer.key.connection, bytes);
        }
    }

    pub(super) fn pump_all(&mut self) {
        let waiting: Vec<String> = self
            .queues
            .iter()
            .filter(|(_, queue)| !queue.ready.is_empty() && !queue.consumers.is_empty())
            .map(|(name, _)| name.clone())
            .collect();
        for name in waiting {
            self.pump(&name);
        }
    }

    /// The next message and the consumer whose turn it is.
    fn next_delivery(&mut self, name: &str) -> Option<(Consumer, Held)> {
        let Self {
            queues,
            channels,
            peers,
            ..
        } = self;
        let queue = queues.get_mut(name)?;
        queue.ready.front()?;
        let able = |consumer: &Consumer| {
            let room = consumer.prefetch == 0 || consumer.unacked < u32::from(consumer.prefetch);
            let channel = channels.get(&consumer.key);
            let shared = channel.is_none_or(|channel| {
                channel.shared_prefetch == 0
                    || channel.unacked.len() < usize::from(channel.shared_prefetch)
            });
            let reachable = peers
                .get(&consumer.key.connection)
                .is_some_and(|peer| !peer.outbox.is_full());
            (consumer.no_ack || (room && shared)) && reachable
        };
        let at = queue.consumers.iter().position(able)?;
        let mut consumer = queue.consumers.remove(at)?;
        if !consumer.no_ack {
            consumer.unacked += 1;
        }
        queue.consumers.push_back(consumer.clone());
        queue.ready.pop_front().map(|held| (consumer, held))
    }

    /// Hands a message to a channel, under a new tag.
    fn take(
        &mut self,
        key: ChannelKey,
        name: &str,
        consumer: Option<&Consumer>,
        held: &Held,
    ) -> u64 {
        let no_ack = consumer.is_some_and(|consumer| consumer.no_ack);
        if let Some(queue) = self.queues.get_mut(name) {
            queue.delivered += 1;
            queue.redelivered += u64::from(held.redelivered);
            queue.unacked += u64::from(!no_ack);
        }
        let channel = self.channels.entry(key).or_default();
        channel.last_tag += 1;
        let tag = channel.last_tag;
        if no_ack {
            self.forget(name, held);
        } else {
            let consumer = consumer.map(|consumer| consumer.tag.clone());
            channel.unacked.insert(
                tag,
                Unacked {
                    queue: name.to_owned(),
                    consumer,
                    held: held.clone(),
                },
            );
        }
        tag
    }

    /// `basic.get`: the tag, the message, and how many are left.
    pub(super) fn get(
        &mut self,
        key: ChannelKey,
        name: &str,
        no_ack: bool,
    ) -> Result<Option<(u64, Held, u32)>, Trouble> {
        let queue = self.queue_mut(key.connection, name)?;
        let Some(held) = queue.ready.pop_front() else {
            return Ok(None);
        };
        let left = u32::try_from(queue.ready.len()).unwrap_or(u32::MAX);
        let tag = self.take(key, name, None, &held);
        if no_ack {
            self.settle(key, tag, false, Settled::Done)?;
        }
        Ok(Some((tag, held, left)))
    }

    /// Acknowledges or refuses one message, or all up to it; tag 0 with `multiple` means all.
    pub(super) fn settle(
        &mut self,
        key: ChannelKey,
        tag: u64,
        multiple: bool,
        how: Settled,
    ) -> Result<(), Trouble> {
        let channel = self.channels.entry(key).or_default();
        let settled: Vec<Unacked> = if multiple {
            let rest = if tag == 0 {
                std::collections::BTreeMap::new()
            } else {
                channel.unacked.split_off(&(tag + 1))
            };
            std::mem::replace(&mut channel.unacked, rest)
                .into_values()
                .collect()
        } else {
            channel.unacked.remove(&tag).into_iter().collect()
        };
        if settled.is_empty() && !(multiple && tag == 0) {
            return Err(Trouble::unknown_tag(tag));
        }
        let shared = channel.shared_prefetch > 0;
        self.settle_all(key, settled, how);
        if shared {
            self.pump_all();
        }
        self.check_alarm();
        Ok(())
    }

    fn settle_all(&mut self, key: ChannelKey, settled: Vec<Unacked>, how: Settled) {
        let mut touched: Vec<String> = Vec::new();
        // The last first, so that each finds its old place.
        for Unacked {
            queue: name,
            consumer,
            held,
        } in settled.into_iter().rev()
        {
            let Some(queue) = self.queues.get_mut(&name) else {
                self.bytes = self.bytes.saturating_sub(held.message.body.len() as u64);
                continue;
            };
            let of =
                |other: &&mut Consumer| other.key == key && Some(&other.tag) == consumer.as_ref();
            if let Some(consumer) = queue.consumers.iter_mut().find(of) {
                consumer.unacked = consumer.unacked.saturating_sub(1);
            }
            if how == Settled::GivenBack {
                queue.give_back(held);
            } else {
                queue.unacked = queue.unacked.saturating_sub(1);
                queue.acked += u64::from(how == Settled::Done);
                self.forget(&name, &held);
            }
            if !touched.contains(&name) {
                touched.push(name);
            }
        }
        for name in touched {
            self.pump(&name);
        }
    }

    /// `basic.recover`: everything in hand goes back.
    pub(super) fn recover(&mut self, key: ChannelKey) {
        let unacked = self
            .channels
            .get_mut(&key)
            .map(|channel| std::mem::take(&mut channel.unacked))
            .unwrap_or_default();
        self.settle_all(key, unacked.into_values().collect(), Settled::GivenBack);
    }

    /// A channel has ended: its consumers go, its messages go back.
    pub(super) fn close_channel(&mut self, key: ChannelKey) {
        self.remove_consumers(|consumer| consumer.key == key);
        if let Some(channel) = self.channels.remove(&key) {
            self.settle_all(
                key,
                channel.unacked.into_values().collect(),
                Settled::GivenBack,
            );
        }
    }
}
