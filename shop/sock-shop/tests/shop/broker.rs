//! What shipping leaves at the broker: queue, exchange, binding, and messages.

use lapin::options::{
    BasicGetOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use serde_json::{Value, json};

use crate::contract::ask;
use crate::lab::{Lab, SOON};

const QUEUE: &str = "shipping-task";
const EXCHANGE: &str = "shipping-task-exchange";

async fn channel(lab: &Lab) -> (Connection, Channel) {
    let connection = Connection::connect(lab.url("rabbitmq"), ConnectionProperties::default());
    let connection = connection.await.expect("a broker");
    let channel = connection.create_channel().await.expect("a channel");
    (connection, channel)
}

/// The next message of a queue: its properties and its body.
async fn next(channel: &Channel, queue: &str) -> (BasicProperties, Value) {
    let got = tokio::time::timeout(SOON, async {
        let mut again = tokio::time::interval(std::time::Duration::from_millis(20));
        loop {
            again.tick().await;
            let got = channel.basic_get(queue.into(), BasicGetOptions { no_ack: true });
            if let Some(message) = got.await.expect("the queue") {
                return message.delivery;
            }
        }
    });
    let delivery = got.await.expect("a message");
    let body = serde_json::from_slice(&delivery.data).expect("JSON");
    (delivery.properties, body)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shipment_is_a_message_by_the_default_exchange() {
    let mut lab = Lab::start().await;
    lab.stop("queue-master").await;
    let connected = r#""service":"shipping-rabbitmq","status":"OK""#;
    lab.until("shipping", "/health", connected).await;
    let (_connection, channel) = channel(&lab).await;
    let none = FieldTable::default;
    let beside = "listens-at-the-exchange";
    let options = QueueDeclareOptions::default();
    channel
        .queue_declare(beside.into(), options, none())
        .await
        .expect("a queue");
    let bound = channel.queue_bind(
        beside.into(),
        EXCHANGE.into(),
        "#".into(),
        QueueBindOptions::default(),
        none(),
    );
    bound.await.expect("the exchange is there");
    let shipment = json!({ "id": "7", "name": "me" });
    ask(
        &lab.peer("shipping"),
        "POST",
        "/shipping",
        Some(shipment.clone()),
    )
    .await;
    let (properties, body) = next(&channel, QUEUE).await;
    assert_eq!(body, shipment);
    let kind = properties.content_type().as_ref().map(ToString::to_string);
    assert_eq!(kind.as_deref(), Some("application/json"));
    let headers = properties.headers().as_ref().expect("headers");
    let id = headers
        .inner()
        .get("__TypeId__")
        .and_then(|value| value.as_long_string());
    let id = id.map(ToString::to_string);
    assert_eq!(
        id.as_deref(),
        Some("works.weave.socks.shipping.entities.Shipment")
    );
    let other = channel.basic_get(beside.into(), BasicGetOptions { no_ack: true });
    assert!(
        other.await.expect("a queue").is_none(),
        "the exchange is not used"
    );

    let published = channel.basic_publish(
        EXCHANGE.into(),
        QUEUE.into(),
        BasicPublishOptions::default(),
        br#"{"id":"8"}"#,
        BasicProperties::default(),
    );
    published.await.expect("published");
    let (_, body) = next(&channel, QUEUE).await;
    assert_eq!(body["id"], "8", "the exchange is bound to the queue");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_is_not_durable_and_the_exchange_routes_by_topic() {
    let lab = Lab::start().await;
    for (durable, agrees) in [(false, true), (true, false)] {
        let (_connection, channel) = channel(&lab).await;
        let options = QueueDeclareOptions {
            durable,
            ..QueueDeclareOptions::default()
        };
        let declared = channel
            .queue_declare(QUEUE.into(), options, FieldTable::default())
            .await;
        assert_eq!(declared.is_ok(), agrees, "durable: {durable}");
    }
    for (kind, agrees) in [(ExchangeKind::Topic, true), (ExchangeKind::Direct, false)] {
        let (_connection, channel) = channel(&lab).await;
        let options = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        let declared = channel.exchange_declare(
            EXCHANGE.into(),
            kind.clone(),
            options,
            FieldTable::default(),
        );
        assert_eq!(declared.await.is_ok(), agrees, "{kind:?}");
    }
}
