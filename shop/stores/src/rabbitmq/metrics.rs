//! What the exporter of the shops' RabbitMQ tells, for this one.

use super::VHOST;
use super::queue::Queue;
use super::server::Shared;
use crate::exporter::Exposition;

type Read = fn(&Queue) -> u64;

/// Name, help, type, and where the value is.
const PER_QUEUE: [(&str, &str, &str, Read); 11] = [
    (
        "rabbitmq_queue_messages",
        "Messages in the queue, delivered ones included.",
        "gauge",
        Queue::messages,
    ),
    (
        "rabbitmq_queue_messages_ready",
        "Messages that wait for a consumer.",
        "gauge",
        |queue| queue.ready.len() as u64,
    ),
    (
        "rabbitmq_queue_messages_unacked",
        "Messages delivered and not acknowledged.",
        "gauge",
        |queue| queue.unacked,
    ),
    (
        "rabbitmq_queue_messages_unacknowledged",
        "The same under its other name.",
        "gauge",
        |queue| queue.unacked,
    ),
    (
        "rabbitmq_queue_consumers",
        "Consumers of the queue.",
        "gauge",
        |queue| queue.consumers.len() as u64,
    ),
    (
        "rabbitmq_queue_messages_published_total",
        "Messages that the queue took.",
        "counter",
        |queue| queue.published,
    ),
    (
        "rabbitmq_queue_messages_delivered_total",
        "Messages that consumers were given.",
        "counter",
        |queue| queue.delivered,
    ),
    (
        "rabbitmq_queue_messages_acknowledged_total",
        "Messages that consumers are done with.",
        "counter",
        |queue| queue.acked,
    ),
    (
        "rabbitmq_queue_messages_redelivered_total",
        "Messages given out again.",
        "counter",
        |queue| queue.redelivered,
    ),
    (
        "rabbitmq_queue_messages_refused_total",
        "Messages refused: the queue was full.",
        "counter",
        |queue| queue.refused,
    ),
    (
        "rabbitmq_queue_messages_dropped_total",
        "Messages dropped from the head of a full queue.",
        "counter",
        |queue| queue.dropped,
    ),
];

#[expect(clippy::cast_precision_loss, reason = "samples are floats")]
pub(super) fn render(shared: &Shared) -> String {
    let broker = shared.broker();
    let mut out = Exposition::default();
    out.gauge("rabbitmq_up", "Whether the server answers.", &[], 1.0);
    out.gauge(
        "rabbitmq_connections",
        "Open connections.",
        &[],
        broker.peers.len() as f64,
    );
    out.gauge(
        "rabbitmq_channels",
        "Open channels.",
        &[],
        broker.channels.len() as f64,
    );
    out.gauge(
        "rabbitmq_queues",
        "Queues.",
        &[],
        broker.queues.len() as f64,
    );
    out.gauge(
        "rabbitmq_message_bytes",
        "Bytes of the messages that queues hold.",
        &[],
        broker.bytes as f64,
    );
    let blocked = if broker.alarm.borrow().is_some() {
        1.0
    } else {
        0.0
    };
    out.gauge(
        "rabbitmq_publishers_blocked",
        "Whether publishers are blocked.",
        &[],
        blocked,
    );
    out.counter(
        "rabbitmq_connections_opened_total",
        "Connections opened.",
        &[],
        broker.totals.connections as f64,
    );
    out.counter(
        "rabbitmq_messages_confirmed_total",
        "Messages confirmed to publishers.",
        &[],
        broker.totals.confirmed as f64,
    );
    out.counter(
        "rabbitmq_messages_unroutable_total",
        "Messages that no queue took.",
        &[],
        broker.totals.unroutable as f64,
    );
    for (name, help, kind, read) in PER_QUEUE {
        // The seed's exporter drops the word queue from the totals of messages.
        let short = name.replace("rabbitmq_queue_messages_", "rabbitmq_messages_");
        let names = if kind == "counter" && short != name {
            vec![name, short.as_str()]
        } else {
            vec![name]
        };
        for name in names {
            out.family(name, help, kind);
            for (queue, state) in &broker.queues {
                out.sample(
                    name,
                    &[("queue", queue), ("vhost", VHOST)],
                    read(state) as f64,
                );
            }
        }
    }
    out.family(
        "rabbitmq_queue_consumer_utilisation",
        "Whether consumers could take a message at once.",
        "gauge",
    );
    for (queue, state) in &broker.queues {
        let utilisation = if state.consumers.is_empty() {
            0.0
        } else if state.ready.is_empty() {
            1.0
        } else {
            0.5
        };
        out.sample(
            "rabbitmq_queue_consumer_utilisation",
            &[("queue", queue), ("vhost", VHOST)],
            utilisation,
        );
    }
    out.finish()
}
