//! One queue: its messages, its consumers, its counts.

use std::collections::VecDeque;
use std::sync::Arc;

use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::types::FieldTable;
use bytes::Bytes;

use super::policy::Bounds;

/// A channel of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ChannelKey {
    pub(super) connection: u64,
    pub(super) channel: u16,
}

/// A message as it was published.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub(super) exchange: String,
    pub(super) routing_key: String,
    pub(super) properties: AMQPProperties,
    pub(super) body: Bytes,
}

impl Message {
    pub(super) fn is_persistent(&self) -> bool {
        *self.properties.delivery_mode() == Some(2)
    }
}

/// A message in a queue.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// Its number, by which the journal knows it; messages of a queue are in its order.
    pub(super) id: u64,
    pub(super) message: Arc<Message>,
    pub(super) redelivered: bool,
}

/// Who gets a queue's messages.
#[derive(Clone, Debug)]
pub(super) struct Consumer {
    pub(super) tag: String,
    pub(super) key: ChannelKey,
    pub(super) no_ack: bool,
    pub(super) exclusive: bool,
    /// Unacknowledged messages that it may have; 0 for any number.
    pub(super) prefetch: u16,
    pub(super) unacked: u32,
}

/// What a queue was declared with.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Declared {
    pub(super) durable: bool,
    pub(super) auto_delete: bool,
    /// The connection that alone may use it.
    pub(super) exclusive: Option<u64>,
    pub(super) arguments: FieldTable,
}

/// One queue.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) declared: Declared,
    /// What its arguments bound.
    pub(super) own: Bounds,
    /// With the policies that apply.
    pub(super) bounds: Bounds,
    pub(super) ready: VecDeque<Held>,
    /// Delivered, and not yet acknowledged.
    pub(super) unacked: u64,
    /// Next in turn first.
    pub(super) consumers: VecDeque<Consumer>,
    pub(super) had_consumers: bool,
    pub(super) published: u64,
    pub(super) delivered: u64,
    pub(super) acked: u64,
    pub(super) redelivered: u64,
    pub(super) refused: u64,
    pub(super) dropped: u64,
}

impl Queue {
    pub(super) fn messages(&self) -> u64 {
        self.ready.len() as u64 + self.unacked
    }

    /// Whether one more message is one too many.
    pub(super) fn is_full(&self) -> bool {
        self.bounds
            .max_length
            .is_some_and(|bound| self.ready.len() as u64 >= bound)
    }

    /// Puts messages back where they were, marked as delivered before.
    pub(super) fn give_back(&mut self, mut held: Held) {
        held.redelivered = true;
        self.unacked = self.unacked.saturating_sub(1);
        let at = self.ready.partition_point(|other| other.id < held.id);
        self.ready.insert(at, held);
    }

    pub(super) fn is_exclusively_consumed(&self) -> bool {
        self.consumers.iter().any(|consumer| consumer.exclusive)
    }
}
