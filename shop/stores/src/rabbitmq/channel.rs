//! The methods that a client calls on a channel.

use amq_protocol::frame::AMQPContentHeader;
use amq_protocol::protocol::{AMQPClass, basic, channel, confirm, exchange, queue};
use bytes::Bytes;
use uuid::Uuid;

use super::broker::{Broker, Outbox};
use super::deliver::{Published, Settled};
use super::frames;
use super::queue::{ChannelKey, Consumer, Declared, Message};
use super::routing::Kind;
use super::trouble::Trouble;

/// One channel of a connection.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) key: ChannelKey,
    outbox: Outbox,
    /// Publishes are confirmed; the number of the last one.
    confirms: Option<u64>,
    /// A message whose content is still on its way.
    incoming: Option<Incoming>,
    /// The queue that an empty name means.
    last_queue: String,
    /// The server has closed it, and waits for the client to agree.
    pub(super) closing: bool,
}

#[derive(Debug)]
struct Incoming {
    publish: basic::Publish,
    header: Option<AMQPContentHeader>,
    body: Vec<u8>,
}

/// What a published message did to its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Did {
    Publish,
    Other,
}

impl Channel {
    pub(super) fn new(key: ChannelKey, outbox: Outbox) -> Self {
        Self {
            key,
            outbox,
            confirms: None,
            incoming: None,
            last_queue: String::new(),
            closing: false,
        }
    }

    fn send(&self, class: AMQPClass) {
        self.outbox.send(frames::method(self.key.channel, class));
    }

    /// Calls a method; `refuses` is the fault in which publishes are refused.
    pub(super) fn call(&mut self, class: AMQPClass, broker: &mut Broker) -> Result<(), Trouble> {
        if self.incoming.is_some() {
            return Err(Trouble::connection(
                505,
                "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead",
            ));
        }
        match class {
            AMQPClass::Exchange(method) => self.exchange(method, broker),
            AMQPClass::Queue(method) => self.queue(method, broker),
            AMQPClass::Basic(method) => self.basic(method, broker),
            AMQPClass::Confirm(confirm::AMQPMethod::Select(select)) => {
                self.confirms.get_or_insert(0);
                if !select.nowait {
                    self.send(AMQPClass::Confirm(confirm::AMQPMethod::SelectOk(
                        confirm::SelectOk {},
                    )));
                }
                Ok(())
            }
            AMQPClass::Channel(channel::AMQPMethod::Flow(flow)) => {
                self.send(AMQPClass::Channel(channel::AMQPMethod::FlowOk(
                    channel::FlowOk {
                        active: flow.active,
                    },
                )));
                Ok(())
            }
            AMQPClass::Tx(_) => Err(Trouble::not_implemented(
                "transactions are not supported by this server; use publisher confirms",
            )),
            _ => Err(Trouble::connection(
                503,
                "COMMAND_INVALID - unexpected method on a channel",
            )),
        }
    }

    fn exchange(
        &mut self,
        method: exchange::AMQPMethod,
        broker: &mut Broker,
    ) -> Result<(), Trouble> {
        use exchange::AMQPMethod as Method;
        match method {
            Method::Declare(declare) => {
                let name = declare.exchange.as_str();
                let kind = if declare.passive {
                    None
                } else {
                    let unknown = || {
                        Trouble::connection(
                            503,
                            format!("COMMAND_INVALID - unknown exchange type '{}'", declare.kind),
                        )
                    };
                    Some(Kind::named(declare.kind.as_str()).ok_or_else(unknown)?)
                };
                if name.is_empty() {
                    return Err(Trouble::default_exchange());
                }
                broker.declare_exchange(name, kind, declare.durable, declare.auto_delete)?;
                self.unless(
                    declare.nowait,
                    AMQPClass::Exchange(Method::DeclareOk(exchange::DeclareOk {})),
                );
                Ok(())
            }
            Method::Delete(delete) => {
                broker.delete_exchange(delete.exchange.as_str(), delete.if_unused)?;
                self.unless(
                    delete.nowait,
                    AMQPClass::Exchange(Method::DeleteOk(exchange::DeleteOk {})),
                );
                Ok(())
            }
            _ => Err(Trouble::not_implemented(
                "bindings between exchanges are not supported by this server",
            )),
        }
    }

    fn unless(&self, nowait: bool, class: AMQPClass) {
        if !nowait {
            self.send(class);
        }
    }

    /// The queue of a name; an empty one means the queue declared last.
    fn named(&self, name: &str) -> Result<String, Trouble> {
        if !name.is_empty() {
            return Ok(name.to_owned());
        }
        if self.last_queue.is_empty() {
            return Err(Trouble::not_found("queue", ""));
        }
        Ok(self.last_queue.clone())
    }

    fn queue(&mut self, method: queue::AMQPMethod, broker: &mut Broker) -> Result<(), Trouble> {
        use queue::AMQPMethod as Method;
        let connection = self.key.connection;
        match method {
            Method::Declare(declare) => self.declare(declare, broker),
            Method::Bind(bind) => {
                let name = self.named(bind.queue.as_str())?;
                broker.bind(
                    connection,
                    bind.exchange.as_str(),
                    bind.routing_key.as_str(),
                    &name,
                )?;
                self.unless(
                    bind.nowait,
                    AMQPClass::Queue(Method::BindOk(queue::BindOk {})),
                );
                Ok(())
            }
            Method::Unbind(unbind) => {
                let name = self.named(unbind.queue.as_str())?;
                broker.unbind(unbind.exchange.as_str(), unbind.routing_key.as_str(), &name)?;
                self.send(AMQPClass::Queue(Method::UnbindOk(queue::UnbindOk {})));
                Ok(())
            }
            Method::Purge(purge) => {
                let message_count = broker.purge(connection, &self.named(purge.queue.as_str())?)?;
                self.unless(
                    purge.nowait,
                    AMQPClass::Queue(Method::PurgeOk(queue::PurgeOk { message_count })),
                );
                Ok(())
            }
            Method::Delete(delete) => {
                let name = self.named(delete.queue.as_str())?;
                let message_count =
                    broker.delete_queue(connection, &name, delete.if_unused, delete.if_empty)?;
                self.unless(
                    delete.nowait,
                    AMQPClass::Queue(Method::DeleteOk(queue::DeleteOk { message_count })),
                );
                Ok(())
            }
            _ => Err(Trouble::connection(
                503,
                "COMMAND_INVALID - unexpected method",
            )),
        }
    }

    fn declare(&mut self, declare: queue::Declare, broker: &mut Broker) -> Result<(), Trouble> {
        let name = if declare.queue.as_str().is_empty() {
            format!("amq.gen-{}", Uuid::new_v4().simple())
        } else {
            declare.queue.as_str().to_owned()
        };
        let reserved =
            declare.queue.as_str().starts_with("amq.") && !broker.queues.contains_key(&name);
        if reserved && !declare.passive {
            return Err(Trouble::reserved("queue", &name));
        }
        let declared = Declared {
            durable: declare.durable,
            auto_delete: declare.auto_delete,
            exclusive: declare.exclusive.then_some(self.key.connection),
            arguments: declare.arguments,
        };
        let (message_count, consumer_count) =
            broker.declare_queue(self.key.connection, &name, declare.passive, declared)?;
        self.last_queue.clone_from(&name);
        let ok = queue::DeclareOk {
            queue: name.as_str().into(),
            message_count,
            consumer_count,
        };
        self.unless(
            declare.nowait,
            AMQPClass::Queue(queue::AMQPMethod::DeclareOk(ok)),
        );
        Ok(())
    }

    fn basic(&mut self, method: basic::AMQPMethod, broker: &mut Broker) -> Result<(), Trouble> {
        use basic::AMQPMethod as Method;
        let key = self.key;
        match method {
            Method::Publish(publish) => {
                if publish.immediate {
                    return Err(Trouble::not_implemented("immediate=true"));
                }
                self.incoming = Some(Incoming {
                    publish,
                    header: None,
                    body: Vec::new(),
                });
                Ok(())
            }
            Method::Qos(qos) => {
                let channel = broker.channels.entry(key).or_default();
                let prefetch = if qos.global {
                    &mut channel.shared_prefetch
                } else {
                    &mut channel.prefetch
                };
                *prefetch = qos.prefetch_count;
                self.send(AMQPClass::Basic(Method::QosOk(basic::QosOk {})));
                broker.pump_all();
                Ok(())
            }
            Method::Consume(consume) => self.consume(consume, broker),
            Method::Cancel(cancel) => {
                broker.cancel(key, cancel.consumer_tag.as_str());
                self.unless(
                    cancel.nowait,
                    AMQPClass::Basic(Method::CancelOk(basic::CancelOk {
                        consumer_tag: cancel.consumer_tag,
                    })),
                );
                Ok(())
            }
            // The client has heard that its queue is gone.
            Method::CancelOk(_) => Ok(()),
            Method::Get(get) => self.get(&get, broker),
            Method::Ack(ack) => broker.settle(key, ack.delivery_tag, ack.multiple, Settled::Done),
            Method::Nack(nack) => broker.settle(
                key,
                nack.delivery_tag,
                nack.multiple,
                unwanted(nack.requeue),
            ),
            Method::Reject(reject) => {
                broker.settle(key, reject.delivery_tag, false, unwanted(reject.requeue))
            }
            Method::Recover(_) => {
                broker.recover(key);
                self.send(AMQPClass::Basic(Method::RecoverOk(basic::RecoverOk {})));
                Ok(())
            }
            Method::RecoverAsync(_) => {
                broker.recover(key);
                Ok(())
            }
            _ => Err(Trouble::connection(
                503,
                "COMMAND_INVALID - unexpected method",
            )),
        }
    }

    fn consume(&mut self, consume: basic::Consume, broker: &mut Broker) -> Result<(), Trouble> {
        let name = self.named(consume.queue.as_str())?;
        let tag = if consume.consumer_tag.as_str().is_empty() {
            format!("amq.ctag-{}", Uuid::new_v4().simple())
        } else {
            consume.consumer_tag.as_str().to_owned()
        };
        let ok = basic::ConsumeOk {
            consumer_tag: tag.as_str().into(),
        };
        let answer = frames::method(
            self.key.channel,
            AMQPClass::Basic(basic::AMQPMethod::ConsumeOk(ok)),
        );
        let consumer = Consumer {
            tag,
            key: self.key,
            no_ack: consume.no_ack,
            exclusive: consume.exclusive,
            prefetch: 0,
            unacked: 0,
        };
        broker.consume(&name, consumer, (!consume.nowait).then_some(answer))
    }

    fn get(&mut self, get: &basic::Get, broker: &mut Broker) -> Result<(), Trouble> {
        let name = self.named(get.queue.as_str())?;
        let Some((delivery_tag, held, message_count)) = broker.get(self.key, &name, get.no_ack)?
        else {
            self.send(AMQPClass::Basic(basic::AMQPMethod::GetEmpty(
                basic::GetEmpty {},
            )));
            return Ok(());
        };
        let ok = basic::GetOk {
            delivery_tag,
            redelivered: held.redelivered,
            exchange: held.message.exchange.as_str().into(),
            routing_key: held.message.routing_key.as_str().into(),
            message_count,
        };
        let class = AMQPClass::Basic(basic::AMQPMethod::GetOk(ok));
        self.outbox.send(frames::content(
            self.key.channel,
            class,
            &held.message.properties,
            &held.message.body,
        ));
        Ok(())
    }

    /// Takes a message's header.
    pub(super) fn header(
        &mut self,
        header: AMQPContentHeader,
        broker: &mut Broker,
        refuses: Refuses,
    ) -> Result<Did, Trouble> {
        let Some(incoming) = &mut self.incoming else {
            return Err(unexpected("header"));
        };
        incoming.header = Some(header);
        self.complete(broker, refuses)
    }

    /// Takes a part of a message's body.
    pub(super) fn body(
        &mut self,
        part: &[u8],
        broker: &mut Broker,
        refuses: Refuses,
    ) -> Result<Did, Trouble> {
        let Some(incoming) = self
            .incoming
            .as_mut()
            .filter(|incoming| incoming.header.is_some())
        else {
            return Err(unexpected("body"));
        };
        incoming.body.extend_from_slice(part);
        self.complete(broker, refuses)
    }

    /// Publishes the message once all of it is there.
    fn complete(&mut self, broker: &mut Broker, refuses: Refuses) -> Result<Did, Trouble> {
        let whole = |incoming: &mut Incoming| {
            incoming
                .header
                .as_ref()
                .is_some_and(|header| header.body_size <= incoming.body.len() as u64)
        };
        let Some(Incoming {
            publish,
            header: Some(header),
            body,
        }) = self.incoming.take_if(whole)
        else {
            return Ok(Did::Other);
        };
        let message = Message {
            exchange: publish.exchange.as_str().to_owned(),
            routing_key: publish.routing_key.as_str().to_owned(),
            properties: header.properties.clone(),
            body: Bytes::from(body),
        };
        if let Some(number) = &mut self.confirms {
            *number += 1;
        }
        let body = message.body.clone();
        let published = match refuses {
            Refuses::Everything => Published::Refused,
            Refuses::Nothing => broker.publish(message)?,
        };
        if published == Published::Unroutable && publish.mandatory {
            let back = basic::Return {
                reply_code: 312,
                reply_text: "NO_ROUTE".into(),
                exchange: publish.exchange,
                routing_key: publish.routing_key,
            };
            let class = AMQPClass::Basic(basic::AMQPMethod::Return(back));
            self.outbox.send(frames::content(
                self.key.channel,
                class,
                &header.properties,
                &body,
            ));
        }
        if let Some(delivery_tag) = self.confirms {
            broker.totals.confirmed += u64::from(published != Published::Refused);
            let confirmation = if published == Published::Refused {
                basic::AMQPMethod::Nack(basic::Nack {
                    delivery_tag,
                    multiple: false,
                    requeue: false,
                })
            } else {
                basic::AMQPMethod::Ack(basic::Ack {
                    delivery_tag,
                    multiple: false,
                })
            };
            self.send(AMQPClass::Basic(confirmation));
        }
        Ok(Did::Publish)
    }
}

/// Whether the server plays the incident in which it refuses publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refuses {
    Nothing,
    Everything,
}

fn unwanted(requeue: bool) -> Settled {
    if requeue {
        Settled::GivenBack
    } else {
        Settled::Dropped
    }
}

fn unexpected(what: &str) -> Trouble {
    Trouble::connection(
        505,
        format!("UNEXPECTED_FRAME - expected method frame, got content {what} instead"),
    )
}
