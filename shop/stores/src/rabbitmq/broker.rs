//! The state of the server, and what declares, binds and deletes in it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use amq_protocol::protocol::{AMQPClass, basic};
use amq_protocol::types::FieldTable;
use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::deliver::Unacked;
use super::frames;
use super::journal::{Alive, Journal, Record};
use super::policy::{Bounds, Policy};
use super::queue::{ChannelKey, Declared, Held, Queue};
use super::routing::{Exchange, Kind};
use super::trouble::{Trouble, shown};

/// Bytes that may wait for a connection before it gets no more deliveries.
const WAITING: u64 = 1 << 20;

/// The way to a connection.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    sender: mpsc::UnboundedSender<Bytes>,
    waiting: Arc<AtomicU64>,
}

impl Outbox {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Bytes>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (
            Self {
                sender,
                waiting: Arc::default(),
            },
            receiver,
        )
    }

    pub(super) fn send(&self, bytes: Bytes) {
        self.waiting
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        // The connection may just have ended; its messages go back then.
        let _ = self.sender.send(bytes);
    }

    /// Says that bytes are on their way; whether deliveries may go on that could not before.
    pub(super) fn sent(&self, bytes: u64) -> bool {
        let before = self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        before >= WAITING && before - bytes < WAITING
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) >= WAITING
    }
}

/// A connection, as the management API shows it.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) outbox: Outbox,
    pub(super) address: String,
    pub(super) user: String,
}

/// What an open channel has in hand.
#[derive(Debug, Default)]
pub(super) struct ChannelState {
    pub(super) last_tag: u64,
    pub(super) unacked: BTreeMap<u64, Unacked>,
    /// Prefetch of consumers that are yet to come.
    pub(super) prefetch: u16,
    /// Prefetch of all consumers together.
    pub(super) shared_prefetch: u16,
}

/// Counts of the whole server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) published: u64,
    pub(super) unroutable: u64,
    pub(super) confirmed: u64,
    pub(super) connections: u64,
}

/// All that the server knows.
#[derive(Debug)]
pub(super) struct Broker {
    pub(super) exchanges: BTreeMap<String, Exchange>,
    pub(super) queues: BTreeMap<String, Queue>,
    pub(super) policies: BTreeMap<String, Policy>,
    pub(super) peers: BTreeMap<u64, Peer>,
    pub(super) channels: HashMap<ChannelKey, ChannelState>,
    pub(super) totals: Totals,
    /// Bytes of the messages that queues hold.
    pub(super) bytes: u64,
    pub(super) memory_limit: Option<u64>,
    /// Why publishers are blocked.
    pub(super) alarm: watch::Sender<Option<String>>,
    pub(super) journal: Journal,
    pub(super) last_id: u64,
}

impl Broker {
    pub(super) fn new(
        journal: Journal,
        alive: Alive,
        memory_limit: Option<u64>,
        blocked: Option<String>,
    ) -> Self {
        let mut exchanges = BTreeMap::new();
        for kind in [Kind::Direct, Kind::Fanout, Kind::Topic] {
            exchanges.insert(
                format!("amq.{}", kind.name()),
                Exchange::new(kind, true, false),
            );
        }
        let mut broker = Self {
            exchanges,
            queues: BTreeMap::new(),
            policies: alive.policies,
            peers: BTreeMap::new(),
            channels: HashMap::new(),
            totals: Totals::default(),
            bytes: 0,
            memory_limit,
            alarm: watch::Sender::new(blocked),
            journal,
            last_id: 0,
        };
        for (name, kind) in alive.exchanges {
            broker
                .exchanges
                .insert(name, Exchange::new(kind, true, false));
        }
        for (name, arguments) in alive.queues {
            let own = Bounds::of_arguments(&name, &arguments).unwrap_or_default();
            let declared = Declared {
                durable: true,
                arguments,
                ..Declared::default()
            };
            broker.queues.insert(
                name,
                Queue {
                    declared,
                    own,
                    ..Queue::default()
                },
            );
        }
        for (exchange, key, queue) in alive.bindings {
            if let Some(exchange) = broker.exchanges.get_mut(&exchange) {
                exchange.bindings.insert((key, queue));
            }
        }
        for (name, messages) in alive.messages {
            let Some(queue) = broker.queues.get_mut(&name) else {
                continue;
            };
            for (id, message) in messages {
                broker.last_id = broker.last_id.max(id);
                broker.bytes += message.body.len() as u64;
                queue.ready.push_back(Held {
                    id,
                    message: Arc::new(message),
                    redelivered: false,
                });
            }
        }
        broker.apply_policies();
        broker
    }

    /// The queue of a name, if this connection may use it.
    pub(super) fn queue_mut(&mut self, connection: u64, name: &str) -> Result<&mut Queue, Trouble> {
        let queue = self
            .queues
            .get_mut(name)
            .ok_or_else(|| Trouble::not_found("queue", name))?;
        match queue.declared.exclusive {
            Some(owner) if owner != connection => Err(Trouble::locked(name)),
            _ => Ok(queue),
        }
    }

    pub(super) fn declare_queue(
        &mut self,
        connection: u64,
        name: &str,
        passive: bool,
        declared: Declared,
    ) -> Result<(u32, u32), Trouble> {
        let counts = |queue: &Queue| {
            let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            (count(queue.ready.len()), count(queue.consumers.len()))
        };
        if passive {
            return self.queue_mut(connection, name).map(|queue| counts(queue));
        }
        if self.queues.contains_key(name) {
            let queue = self.queue_mut(connection, name)?;
            same(name, &queue.declared, &declared)?;
            return Ok(counts(queue));
        }
        let own = Bounds::of_arguments(name, &declared.arguments)?;
        if declared.durable && declared.exclusive.is_none() {
            self.journal.append(&Record::Queue {
                name: name.to_owned(),
                arguments: declared.arguments.clone(),
            });
        }
        self.queues.insert(
            name.to_owned(),
            Queue {
                declared,
                own,
                ..Queue::default()
            },
        );
        self.apply_policies();
        Ok((0, 0))
    }

    pub(super) fn delete_queue(
        &mut self,
        connection: u64,
        name: &str,
        if_unused: bool,
        if_empty: bool,
    ) -> Result<u32, Trouble> {
        // RabbitMQ agrees to delete what is not there.
        if !self.queues.contains_key(name) {
            return Ok(0);
        }
        let queue = self.queue_mut(connection, name)?;
        if if_unused && !queue.consumers.is_empty() {
            return Err(Trouble::in_use("queue", name));
        }
        if if_empty && !queue.ready.is_empty() {
            return Err(Trouble::not_empty(name));
        }
        Ok(self.drop_queue(name))
    }

    /// Removes a queue with all that hangs on it; its consumers are told. The count of its messages.
    pub(super) fn drop_queue(&mut self, name: &str) -> u32 {
        let Some(queue) = self.queues.remove(name) else {
            return 0;
        };
        self.bytes = self.bytes.saturating_sub(
            queue
                .ready
                .iter()
                .map(|held| held.message.body.len() as u64)
                .sum(),
        );
        for exchange in self.exchanges.values_mut() {
            exchange.bindings.retain(|(_, bound)| bound != name);
        }
        for consumer in &queue.consumers {
            let cancel = basic::Cancel {
                consumer_tag: consumer.tag.as_str().into(),
                nowait: true,
            };
            self.tell(
                consumer.key.connection,
                frames::method(
                    consumer.key.channel,
                    AMQPClass::Basic(basic::AMQPMethod::Cancel(cancel)),
                ),
            );
        }
        if queue.declared.durable {
            self.journal.append(&Record::DeleteQueue {
                name: name.to_owned(),
            });
        }
        self.check_alarm();
        u32::try_from(queue.ready.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn purge(&mut self, connection: u64, name: &str) -> Result<u32, Trouble> {
        let queue = self.queue_mut(connection, name)?;
        let gone: Vec<Held> = queue.ready.drain(..).collect();
        gone.iter().for_each(|held| self.forget(name, held));
        self.check_alarm();
        Ok(u32::try_from(gone.len()).unwrap_or(u32::MAX))
    }

    pub(super) fn declare_exchange(
        &mut self,
        name: &str,
        kind: Option<Kind>,
        durable: bool,
        auto_delete: bool,
    ) -> Result<(), Trouble> {
        match (self.exchanges.get(name), kind) {
            (None, None) => Err(Trouble::not_found("exchange", name)),
            (None, Some(_)) if name.starts_with("amq.") => Err(Trouble::reserved("exchange", name)),
            (None, Some(kind)) => {
                self.exchanges
                    .insert(name.to_owned(), Exchange::new(kind, durable, auto_delete));
                if durable {
                    self.journal.append(&Record::Exchange {
                        name: name.to_owned(),
                        kind,
                    });
                }
                Ok(())
            }
            (Some(_), None) => Ok(()),
            (Some(known), Some(kind)) if known.kind != kind => {
                let quoted = |kind: Kind| format!("'{}'", kind.name());
                Err(Trouble::differs(
                    "type",
                    "exchange",
                    name,
                    &quoted(kind),
                    &quoted(known.kind),
                ))
            }
            (Some(known), Some(_)) => {
                flag("durable", "exchange", name, durable, known.durable)?;
                flag(
                    "auto_delete",
                    "exchange",
                    name,
                    auto_delete,
                    known.auto_delete,
                )
            }
        }
    }

    pub(super) fn delete_exchange(&mut self, name: &str, if_unused: bool) -> Result<(), Trouble> {
        if name.is_empty() {
            return Err(Trouble::default_exchange());
        }
        if name.starts_with("amq.") {
            return Err(Trouble::reserved("exchange", name));
        }
        if if_unused
            && self
                .exchanges
                .get(name)
                .is_some_and(|exchange| !exchange.bindings.is_empty())
        {
            return Err(Trouble::in_use("exchange", name));
        }
        if self
            .exchanges
            .remove(name)
            .is_some_and(|exchange| exchange.durable)
        {
            self.journal.append(&Record::DeleteExchange {
                name: name.to_owned(),
            });
        }
        Ok(())
    }

    pub(super) fn bind(
        &mut self,
        connection: u64,
        exchange: &str,
        key: &str,
        queue: &str,
    ) -> Result<(), Trouble> {
        if exchange.is_empty() {
            return Err(Trouble::default_exchange());
        }
        let durable = self.queue_mut(connection, queue)?.declared.durable;
        let found = self
            .exchanges
            .get_mut(exchange)
            .ok_or_else(|| Trouble::not_found("exchange", exchange))?;
        if found.bindings.insert((key.to_owned(), queue.to_owned())) && durable && found.durable {
            self.journal.append(&Record::Bind {
                exchange: exchange.to_owned(),
                key: key.to_owned(),
                queue: queue.to_owned(),
            });
        }
        Ok(())
    }

    pub(super) fn unbind(&mut self, exchange: &str, key: &str, queue: &str) -> Result<(), Trouble> {
        let Some(found) = self.exchanges.get_mut(exchange) else {
            return Ok(());
        };
        if found.bindings.remove(&(key.to_owned(), queue.to_owned())) {
            self.journal.append(&Record::Unbind {
                exchange: exchange.to_owned(),
                key: key.to_owned(),
                queue: queue.to_owned(),
            });
        }
        if found.auto_delete && found.bindings.is_empty() {
            self.exchanges.remove(exchange);
        }
        Ok(())
    }

    /// Sets a policy, or with `None` removes it; whether there was one before.
    pub(super) fn set_policy(&mut self, name: &str, policy: Option<Policy>) -> bool {
        let known = match policy {
            Some(policy) => {
                self.journal.append(&Record::Policy {
                    name: name.to_owned(),
                    policy: policy.clone(),
                });
                self.policies.insert(name.to_owned(), policy).is_some()
            }
            None => {
                self.journal.append(&Record::DeletePolicy {
                    name: name.to_owned(),
                });
                self.policies.remove(name).is_some()
            }
        };
        self.apply_policies();
        known
    }

    /// The policy that applies to a queue: the one of highest priority.
    pub(super) fn policy_of(&self, queue: &str) -> Option<&str> {
        let about = self
            .policies
            .iter()
            .filter(|(_, policy)| policy.bounds(queue).is_some());
        about
            .max_by_key(|(_, policy)| policy.priority)
            .map(|(name, _)| name.as_str())
    }

    fn apply_policies(&mut self) {
        let names: Vec<String> = self.queues.keys().cloned().collect();
        for name in names {
            let set = self
                .policy_of(&name)
                .and_then(|policy| self.policies.get(policy))
                .and_then(|policy| policy.bounds(&name));
            if let Some(queue) = self.queues.get_mut(&name) {
                queue.bounds = queue.own.or(set.unwrap_or_default());
            }
        }
    }

    /// Sends bytes to a connection that may have ended.
    pub(super) fn tell(&self, connection: u64, bytes: Bytes) {
        if let Some(peer) = self.peers.get(&connection) {
            peer.outbox.send(bytes);
        }
    }

    /// A connection has ended: its channels' messages go back, its own queues go.
    pub(super) fn disconnect(&mut self, connection: u64) {
        self.peers.remove(&connection);
        let channels: Vec<ChannelKey> = self
            .channels
            .keys()
            .filter(|key| key.connection == connection)
            .copied()
            .collect();
        for key in channels {
            self.close_channel(key);
        }
        let own: Vec<String> = self
            .queues
            .iter()
            .filter(|(_, queue)| queue.declared.exclusive == Some(connection))
            .map(|(name, _)| name.clone())
            .collect();
        for name in own {
            self.drop_queue(&name);
        }
    }

    /// Blocks publishers, or lets them go on.
    pub(super) fn check_alarm(&mut self) {
        let Some(limit) = self.memory_limit else {
            return;
        };
        let low = self.bytes > limit;
        self.alarm.send_if_modified(|alarm| {
            let changes = alarm.is_some() != low;
            if changes {
                tracing::warn!(
                    bytes = self.bytes,
                    limit,
                    "memory resource limit alarm {}",
                    if low { "set" } else { "cleared" }
                );
                *alarm = low.then(|| "low on memory".to_owned());
            }
            changes
        });
    }
}

/// Whether a queue is declared again as it was.
fn same(name: &str, current: &Declared, received: &Declared) -> Result<(), Trouble> {
    flag("durable", "queue", name, received.durable, current.durable)?;
    flag(
        "auto_delete",
        "queue",
        name,
        received.auto_delete,
        current.auto_delete,
    )?;
    if received.exclusive != current.exclusive {
        return Err(Trouble::locked(name));
    }
    let value = |table: &FieldTable, key: &str| table.inner().get(key).cloned();
    for key in [
        "x-max-length",
        "x-overflow",
        "x-message-ttl",
        "x-dead-letter-exchange",
        "x-dead-letter-routing-key",
        "x-queue-type",
    ] {
        let (before, now) = (
            value(&current.arguments, key),
            value(&received.arguments, key),
        );
        if shown(before.as_ref()) != shown(now.as_ref()) {
            return Err(Trouble::differs(
                key,
                "queue",
                name,
                &shown(now.as_ref()),
                &shown(before.as_ref()),
            ));
        }
    }
    Ok(())
}

fn flag(
    property: &str,
    kind: &str,
    name: &str,
    received: bool,
    current: bool,
) -> Result<(), Trouble> {
    if received == current {
        return Ok(());
    }
    Err(Trouble::differs(
        property,
        kind,
        name,
        &format!("'{received}'"),
        &format!("'{current}'"),
    ))
}
