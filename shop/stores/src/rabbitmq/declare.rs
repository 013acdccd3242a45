//! Exchanges, queues and bindings: declared, compared with what was declared before, deleted.

use amq_protocol::protocol::{AMQPClass, basic};
use amq_protocol::types::FieldTable;

use super::broker::Broker;
use super::frames;
use super::journal::Record;
use super::policy::Bounds;
use super::queue::{Declared, Held, Queue};
use super::routing::{Exchange, Kind};
use super::trouble::{Trouble, shown};

impl Broker {
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
