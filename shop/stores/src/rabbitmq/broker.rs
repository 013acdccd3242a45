//! The state of the server: what there is, who is connected, which policies and alarms hold.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::deliver::Unacked;
use super::journal::{Alive, Journal, Record};
use super::policy::{Bounds, Policy};
use super::queue::{ChannelKey, Declared, Held, Queue};
use super::routing::{Exchange, Kind};

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

    pub(super) fn apply_policies(&mut self) {
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
