//! What the shops rely on in RabbitMQ, held against the embedded server and against RabbitMQ itself.

use std::time::Duration;

use futures::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions,
    BasicPublishOptions, BasicQosOptions, BasicRejectOptions, ConfirmSelectOptions,
    ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
    QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer, ErrorKind,
    ExchangeKind,
};
use serde_json::{Value, json};

use crate::servers::rabbitmq::Server;
use crate::servers::until;

/// Each part of the contract against an embedded server, and all of them against RabbitMQ; each uses queues of its own name.
macro_rules! contract {
    ($($name:ident)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let server = super::Server::embedded(|_| {}).await;
                super::$name(&server, stringify!($name)).await;
                server.stop().await;
            })*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn rabbitmq_itself_keeps_the_contract() {
            let Some(server) = Server::real().await else { return };
            $(
                eprintln!("{}", stringify!($name));
                $name(&server, stringify!($name)).await;
            )*
            server.stop().await;
        }
    };
}

contract! {
    a_message_arrives_as_it_was_sent
    what_is_not_acknowledged_comes_again
    prefetch_bounds_what_a_consumer_has
    consumers_take_turns
    exchanges_route_by_key
    a_full_queue_refuses_in_confirm_mode
    a_full_queue_drops_its_head
    a_policy_bounds_a_queue_at_once
    what_no_queue_takes_is_returned
    errors_close_the_channel_with_their_words
    queues_are_counted_purged_and_deleted
    temporary_queues_go_with_their_users
    messages_are_fetched_one_by_one
    large_messages_pass
    the_management_api_tells_the_truth
    wrong_credentials_are_refused
}

async fn channel(server: &Server) -> (Connection, Channel) {
    let connection = server.try_connect().await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

async fn declare(channel: &Channel, queue: &str) {
    channel
        .queue_declare(
            queue.into(),
            QueueDeclareOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap();
}

fn table(pairs: &[(&str, AMQPValue)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in pairs {
        table.insert((*key).into(), value.clone());
    }
    table
}

async fn confirming(channel: &Channel) {
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .unwrap();
}

/// Publishes to the default exchange and waits for the confirmation, if there is one.
async fn publish(channel: &Channel, queue: &str, body: &str) -> Confirmation {
    publish_to(channel, "", queue, body, BasicProperties::default()).await
}

async fn publish_to(
    channel: &Channel,
    exchange: &str,
    key: &str,
    body: &str,
    properties: BasicProperties,
) -> Confirmation {
    let options = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let confirm = channel
        .basic_publish(
            exchange.into(),
            key.into(),
            options,
            body.as_bytes(),
            properties,
        )
        .await
        .unwrap();
    confirm.await.unwrap()
}

async fn consume(channel: &Channel, queue: &str, tag: &str) -> Consumer {
    channel
        .basic_consume(
            queue.into(),
            tag.into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap()
}

async fn next(consumer: &mut Consumer) -> Delivery {
    tokio::time::timeout(Duration::from_secs(10), consumer.next())
        .await
        .expect("a delivery")
        .unwrap()
        .unwrap()
}

fn text(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.data).into_owned()
}

/// Messages ready and consumers, as a passive declaration tells.
async fn counts(channel: &Channel, queue: &str) -> (u32, u32) {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let told = channel
        .queue_declare(queue.into(), passive, FieldTable::default())
        .await
        .unwrap();
    (told.message_count(), told.consumer_count())
}

fn words(error: &lapin::Error) -> (u16, String) {
    match error.kind() {
        ErrorKind::ProtocolError(error) => (error.get_id(), error.get_message().to_string()),
        other => panic!("{other:?}"),
    }
}

async fn a_message_arrives_as_it_was_sent(server: &Server, q: &str) {
    let (_connection, channel) = channel(server).await;
    declare(&channel, q).await;
    let headers = table(&[
        ("__TypeId__", AMQPValue::LongString("Shipment".into())),
        ("n", AMQPValue::LongInt(7)),
    ]);
    let properties = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_headers(headers)
        .with_correlation_id("c-1".into())
        .with_delivery_mode(2)
        .with_timestamp(1_760_779_468);
    confirming(&channel).await;
    let confirmed = publish_to(&channel, "", q, r#"{"name":"eve"}"#, properties.clone()).await;
    assert!(confirmed.is_ack());
    let mut consumer = consume(&channel, q, "one").await;
    let delivery = next(&mut consumer).await;
    assert_eq!(text(&delivery), r#"{"name":"eve"}"#);
    assert_eq!(delivery.properties, properties);
    assert_eq!(
        (
            delivery.exchange.as_str(),
            delivery.routing_key.as_str(),
            delivery.redelivered
        ),
        ("", q, false)
    );
    delivery.ack(BasicAckOptions::default()).await.unwrap();
    until("the acknowledgement", async || {
        counts(&channel, q).await == (0, 1)
    })
    .await;
}

async fn what_is_not_acknowledged_comes_again(server: &Server, q: &str) {
    let (first, one) = channel(server).await;
    declare(&one, q).await;
    for body in ["a", "b", "c"] {
        publish(&one, q, body).await;
    }
    let mut consumer = consume(&one, q, "").await;
    let a = next(&mut consumer).await;
    let b = next(&mut consumer).await;
    a.nack(BasicNackOptions {
        requeue: true,
        ..BasicNackOptions::default()
    })
    .await
    .unwrap();
    b.reject(BasicRejectOptions { requeue: false })
        .await
        .unwrap();
    first.close(200, "".into()).await.unwrap();
    let (_second, two) = channel(server).await;
    let mut consumer = consume(&two, q, "").await;
    let again = next(&mut consumer).await;
    assert_eq!((text(&again).as_str(), again.redelivered), ("a", true));
    let last = next(&mut consumer).await;
    assert_eq!(text(&last), "c", "b was dropped");
    last.ack(BasicAckOptions { multiple: true }).await.unwrap();
    until("both acknowledgements", async || {
        counts(&two, q).await.0 == 0
    })
    .await;
    two.close(200, "".into()).await.unwrap();
    let (_third, three) = channel(server).await;
    assert_eq!(counts(&three, q).await, (0, 0), "nothing came back");
}

async fn prefetch_bounds_what_a_consumer_has(server: &Server, q: &str) {
    let (_connection, channel) = channel(server).await;
    declare(&channel, q).await;
    channel
        .basic_qos(2, BasicQosOptions::default())
        .await
        .unwrap();
    for n in 0..5 {
        publish(&channel, q, &n.to_string()).await;
    }
    let mut consumer = consume(&channel, q, "").await;
    let first = next(&mut consumer).await;
    next(&mut consumer).await;
    assert_eq!(counts(&channel, q).await.0, 3, "two are in hand");
    first.ack(BasicAckOptions::default()).await.unwrap();
    assert_eq!(text(&next(&mut consumer).await), "2");
    assert_eq!(counts(&channel, q).await.0, 2);
}

async fn consumers_take_turns(server: &Server, q: &str) {
    let (_connection, channel) = channel(server).await;
    declare(&channel, q).await;
    let mut one = consume(&channel, q, "one").await;
    let mut two = consume(&channel, q, "two").await;
    for n in 0..4 {
        publish(&channel, q, &n.to_string()).await;
    }
    let of_one = [text(&next(&mut one).await), text(&next(&mut one).await)];
    let of_two = [text(&next(&mut two).await), text(&next(&mut two).await)];
    assert_eq!(
        (of_one, of_two),
        (
            ["0".to_owned(), "2".to_owned()],
            ["1".to_owned(), "3".to_owned()]
        )
    );
    channel
        .basic_cancel("one".into(), BasicCancelOptions::default())
        .await
        .unwrap();
    assert_eq!(counts(&channel, q).await.1, 1);
}

async fn exchanges_route_by_key(server: &Server, q: &str) {
    let (_connection, channel) = channel(server).await;
    for (kind, bound, hits, misses) in [
        (
            ExchangeKind::Direct,
            "done",
            vec!["done"],
            vec!["done.1", ""],
        ),
        (ExchangeKind::Fanout, "", vec!["done", ""], vec![]),
        (
            ExchangeKind::Topic,
            "shipping.*.done",
            vec!["shipping.1.done"],
            vec!["shipping.done", "shipping.1.2.done"],
        ),
        (
            ExchangeKind::Topic,
            "shipping.#",
            vec!["shipping", "shipping.1.2"],
            vec!["other"],
        ),
    ] {
        let exchange = format!("{q}-exchange");
        channel
            .exchange_declare(
                exchange.as_str().into(),
                kind.clone(),
                ExchangeDeclareOptions::default(),
                FieldTable::default(),
            )
            .await
            .unwrap();
        declare(&channel, q).await;
        channel
            .queue_bind(
                q.into(),
                exchange.as_str().into(),
                bound.into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .unwrap();
        let (_own, publisher) = self::channel(server).await;
        confirming(&publisher).await;
        for key in &hits {
            let confirmed =
                publish_to(&publisher, &exchange, key, "x", BasicProperties::default()).await;
            assert!(
                matches!(confirmed, Confirmation::Ack(None)),
                "{kind:?} {bound} {key}"
            );
        }
        for key in &misses {
            let confirmed =
                publish_to(&publisher, &exchange, key, "x", BasicProperties::default()).await;
            assert!(
                matches!(confirmed, Confirmation::Ack(Some(_))),
                "{kind:?} {bound} {key}"
            );
        }
        assert_eq!(counts(&channel, q).await.0 as usize, hits.len());
        channel
            .queue_unbind(
                q.into(),
                exchange.as_str().into(),
                bound.into(),
                FieldTable::default(),
            )
            .await
            .unwrap();
        channel
            .queue_purge(q.into(), QueuePurgeOptions::default())
            .await
            .unwrap();
        channel
            .exchange_delete(
                exchange.as_str().into(),
                lapin::options::ExchangeDeleteOptions::default(),
            )
            .await
            .unwrap();
    }
}

async fn a_full_queue_refuses_in_confirm_mode(server: &Server, q: &str) {
    let (_connection, channel) = channel(server).await;
    let bounds = table(&[
        ("x-max-length", AMQPValue::LongInt(3)),
        ("x-overflow", AMQPValue::LongString("reject-publish".into())),
    ]);
    channel
        .queue_declare(q.into(), QueueDeclareOptions::default(), bounds)
        .await
        .unwrap();
    confirming(&channel).await;
    for n in 0..3 {
        assert!(publish(&channel, q, &n.to_string()).await.is_ack());
    }
    assert!(publish(&channel, q, "3").await.is_nack());
    assert_eq!(counts(&channel, q).await.0, 3);
    let got = channel
        .basic_get(q.into(), BasicGetOptions { no_ack: true })
        .await
        .unwrap()
        .unwrap();
    assert_eq!(text(&got), "0");
    assert!(
        publish(&channel, q, "4").await.is_ack(),
        "there is room again"
    );
}

async fn a_full_queue_drops_its_head(server: &Server, q: &str) {
    let (_connection, channel) = channel(server).await;
    channel
        .queue_declare(
            q.into(),
            QueueDeclareOptions::default(),
            table(&[("x-max-length", AMQPValue::LongInt(2))]),
        )
        .await
        .unwrap();
    confirming(&channel).await;
    for n in 0..4 {
        assert!(publish(&channel, q, &n.to_string()).await.is_ack());
    }
    let got = channel
        .basic_get(q.into(), BasicGetOptions { no_ack: true })
        .await
        .unwrap()
        .unwrap();
    assert_eq!((text(&got).as_str(), got.message_count), ("2", 1));
}

async fn a_policy_bounds_a_queue_at_once(server: &Server, q: &str) {
    let (_connection, channel) = channel(server).await;
    declare(&channel, q).await;
    confirming(&channel).await;
    let url = format!("{}/api/policies/%2f/{q}", server.management);
    let policy = json!({ "pattern": format!("^{q}$"), "definition": { "max-length": 1, "overflow": "reject-publish" }, "apply-to": "queues" });
    let client = reqwest::Client::new();
    let set = client
        .put(&url)
        .basic_auth("guest", Some("guest"))
        .json(&policy)
        .send()
        .await
        .unwrap();
    assert_eq!(set.status(), 201);
    until("the policy", async || {
        publish(&channel, q, "x").await;
        publish(&channel, q, "x").await.is_nack()
    })
    .await;
    let removed = client
        .delete(&url)
        .basic_auth("guest", Some("guest"))
        .send()
        .await
        .unwrap();
    assert_eq!(removed.status(), 204);
    until("its end", async || publish(&channel, q, "x").await.is_ack()).await;
}

async fn what_no_queue_takes_is_returned(server: &Server, q: &str) {
    let (_connection, channel) = channel(server).await;
    confirming(&channel).await;
    let Confirmation::Ack(Some(returned)) = publish(&channel, q, "lost").await else {
        panic!("it was not returned")
    };
    assert_eq!(
        (returned.reply_code, returned.reply_text.as_str()),
        (312, "NO_ROUTE")
    );
    assert_eq!(
        (
            returned.routing_key.as_str(),
            text(&returned.delivery).as_str()
        ),
        (q, "lost")
    );
}

async fn errors_close_the_channel_with_their_words(server: &Server, q: &str) {
    let connection = server.try_connect().await.unwrap();
    let open = async || connection.create_channel().await.unwrap();
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let missing = open()
        .await
        .queue_declare(q.into(), passive, FieldTable::default())
        .await
        .unwrap_err();
    assert_eq!(
        words(&missing),
        (404, format!("NOT_FOUND - no queue '{q}' in vhost '/'"))
    );

    let bind = open()
        .await
        .queue_bind(
            q.into(),
            "none".into(),
            "".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap_err();
    assert_eq!(words(&bind).0, 404);

    declare(&open().await, q).await;
    let differs = open()
        .await
        .queue_declare(
            q.into(),
            QueueDeclareOptions::durable(),
            FieldTable::default(),
        )
        .await
        .unwrap_err();
    let expected = format!(
        "PRECONDITION_FAILED - inequivalent arg 'durable' for queue '{q}' in vhost '/': received 'true' but current is 'false'"
    );
    assert_eq!(words(&differs), (406, expected));

    let bounded = table(&[("x-max-length", AMQPValue::LongInt(3))]);
    let differs = open()
        .await
        .queue_declare(q.into(), QueueDeclareOptions::default(), bounded)
        .await
        .unwrap_err();
    let expected = format!(
        "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue '{q}' in vhost '/': received the value '3' of type 'signedint' but current is none"
    );
    assert_eq!(words(&differs), (406, expected));

    let channel = open().await;
    let exclusive = BasicConsumeOptions {
        exclusive: true,
        ..BasicConsumeOptions::default()
    };
    let _only = channel
        .basic_consume(q.into(), "a".into(), exclusive, FieldTable::default())
        .await
        .unwrap();
    let second = open()
        .await
        .basic_consume(
            q.into(),
            "b".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap_err();
    assert_eq!(
        words(&second),
        (
            403,
            format!("ACCESS_REFUSED - queue '{q}' in vhost '/' in exclusive use")
        )
    );

    let kind = open()
        .await
        .exchange_declare(
            "amq.direct".into(),
            ExchangeKind::Fanout,
            ExchangeDeclareOptions {
                durable: true,
                ..ExchangeDeclareOptions::default()
            },
            FieldTable::default(),
        )
        .await
        .unwrap_err();
    let expected = "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'amq.direct' in vhost '/': received 'fanout' but current is 'direct'";
    assert_eq!(words(&kind), (406, expected.to_owned()));

    let reserved = open()
        .await
        .queue_declare(
            "amq.mine".into(),
            QueueDeclareOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap_err();
    assert_eq!(
        words(&reserved),
        (
            403,
            "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'".to_owned()
        )
    );

    let used = open()
        .await
        .queue_delete(
            q.into(),
            QueueDeleteOptions {
                if_unused: true,
                ..QueueDeleteOptions::default()
            },
        )
        .await
        .unwrap_err();
    assert_eq!(
        words(&used),
        (
            406,
            format!("PRECONDITION_FAILED - queue '{q}' in vhost '/' in use")
        )
    );

    let tag = open().await;
    tag.basic_ack(99, BasicAckOptions::default()).await.unwrap();
    until("the channel's end", async || !tag.status().connected()).await;
    assert!(connection.status().connected(), "the connection goes on");
    declare(&open().await, q).await;
}

async fn queues_are_counted_purged_and_deleted(server: &Server, q: &str) {
    let (_connection, channel) = channel(server).await;
    declare(&channel, q).await;
    confirming(&channel).await;
    for _ in 0..3 {
        publish(&channel, q, "x").await;
    }
    assert_eq!(counts(&channel, q).await, (3, 0));
    assert_eq!(
        channel
            .queue_purge(q.into(), QueuePurgeOptions::default())
            .await
            .unwrap(),
        3
    );
    publish(&channel, q, "x").await;
    let mut consumer = consume(&channel, q, "").await;
    next(&mut consumer).await;
    assert_eq!(
        channel
            .queue_delete(q.into(), QueueDeleteOptions::default())
            .await
            .unwrap(),
        0
    );
    let ended = tokio::time::timeout(Duration::from_secs(10), consumer.next())
        .await
        .expect("the consumer's end");
    assert!(
        ended.is_none_or(|delivery| delivery.is_err()),
        "the server cancelled it"
    );
    assert_eq!(
        channel
            .queue_delete(q.into(), QueueDeleteOptions::default())
            .await
            .unwrap(),
        0,
        "deleting what is gone is no error"
    );
}

async fn temporary_queues_go_with_their_users(server: &Server, q: &str) {
    let (_watching, watcher) = channel(server).await;
    let (own, channel) = channel(server).await;
    let named = channel
        .queue_declare(
            "".into(),
            QueueDeclareOptions::exclusive(),
            FieldTable::default(),
        )
        .await
        .unwrap();
    let name = named.name().as_str().to_owned();
    assert!(name.starts_with("amq.gen-"), "{name}");
    let options = QueueDeclareOptions {
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    channel
        .queue_declare(q.into(), options, FieldTable::default())
        .await
        .unwrap();
    let _consumer = consume(&channel, q, "last").await;
    channel
        .basic_cancel("last".into(), BasicCancelOptions::default())
        .await
        .unwrap();
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let gone = watcher
        .queue_declare(q.into(), passive, FieldTable::default())
        .await
        .unwrap_err();
    assert_eq!(words(&gone).0, 404);
    let (_other, stranger) = self::channel(server).await;
    let locked = stranger
        .queue_declare(name.as_str().into(), passive, FieldTable::default())
        .await
        .unwrap_err();
    assert_eq!(words(&locked).0, 405);
    own.close(200, "".into()).await.unwrap();
    until("the exclusive queue's end", async || {
        let (_connection, channel) = self::channel(server).await;
        let asked = channel
            .queue_declare(name.as_str().into(), passive, FieldTable::default())
            .await;
        asked.is_err_and(|error| words(&error).0 == 404)
    })
    .await;
}

async fn messages_are_fetched_one_by_one(server: &Server, q: &str) {
    let (_connection, channel) = channel(server).await;
    declare(&channel, q).await;
    assert!(
        channel
            .basic_get(q.into(), BasicGetOptions::default())
            .await
            .unwrap()
            .is_none()
    );
    confirming(&channel).await;
    for n in 0..2 {
        publish(&channel, q, &n.to_string()).await;
    }
    let got = channel
        .basic_get(q.into(), BasicGetOptions::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((text(&got).as_str(), got.message_count), ("0", 1));
    channel
        .basic_recover(lapin::options::BasicRecoverOptions { requeue: true })
        .await
        .unwrap();
    let again = channel
        .basic_get(q.into(), BasicGetOptions::default())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((text(&again).as_str(), again.redelivered), ("0", true));
    again.ack(BasicAckOptions::default()).await.unwrap();
}

async fn large_messages_pass(server: &Server, q: &str) {
    let (_connection, channel) = channel(server).await;
    declare(&channel, q).await;
    confirming(&channel).await;
    let body = "0123456789".repeat(50_000);
    assert!(publish(&channel, q, &body).await.is_ack());
    assert!(publish(&channel, q, "").await.is_ack());
    let mut consumer = consume(&channel, q, "").await;
    assert_eq!(text(&next(&mut consumer).await), body);
    assert_eq!(text(&next(&mut consumer).await), "");
}

async fn the_management_api_tells_the_truth(server: &Server, q: &str) {
    let (_connection, channel) = channel(server).await;
    declare(&channel, q).await;
    confirming(&channel).await;
    publish(&channel, q, "x").await;
    publish(&channel, q, "y").await;
    let got = channel
        .basic_get(q.into(), BasicGetOptions::default())
        .await
        .unwrap()
        .unwrap();
    let client = reqwest::Client::new();
    let fetch = async |path: &str| -> Value {
        let answer = client
            .get(format!("{}{path}", server.management))
            .basic_auth("guest", Some("guest"))
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    };
    let path = format!("/api/queues/%2f/{q}");
    until("the statistics", async || {
        fetch(&path).await["messages_unacknowledged"] == 1
    })
    .await;
    let queue = fetch(&path).await;
    assert_eq!(
        (
            &queue["name"],
            &queue["vhost"],
            &queue["messages_ready"],
            &queue["consumers"]
        ),
        (&json!(q), &json!("/"), &json!(1), &json!(0))
    );
    assert!(
        fetch("/api/queues")
            .await
            .as_array()
            .unwrap()
            .iter()
            .any(|queue| queue["name"] == q)
    );
    assert!(
        fetch("/api/overview").await["object_totals"]["queues"]
            .as_u64()
            .unwrap()
            >= 1
    );
    assert_eq!(
        fetch("/api/queues/%2f/none").await["error"],
        "Object Not Found"
    );
    let stranger = client
        .get(format!("{}/api/overview", server.management))
        .basic_auth("guest", Some("wrong"))
        .send()
        .await
        .unwrap();
    assert_eq!(stranger.status(), 401);
    got.ack(BasicAckOptions::default()).await.unwrap();
}

async fn wrong_credentials_are_refused(server: &Server, _: &str) {
    let url = format!("amqp://guest:wrong@127.0.0.1:{}", server.port);
    let error = Connection::connect(&url, ConnectionProperties::default())
        .await
        .unwrap_err();
    let expected = "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the broker logfile.";
    assert_eq!(words(&error), (403, expected.to_owned()));
    let url = format!("{}/nowhere", server.url());
    let error = Connection::connect(&url, ConnectionProperties::default())
        .await
        .unwrap_err();
    assert_eq!(words(&error).0, 530);
}

// What only the embedded server is asked.

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn durable_queues_keep_persistent_messages() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::embedded_in(folder.path(), |_| {}).await;
    let (_connection, one) = channel(&server).await;
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    one.exchange_declare(
        "x".into(),
        ExchangeKind::Topic,
        durable,
        FieldTable::default(),
    )
    .await
    .unwrap();
    one.queue_declare(
        "kept".into(),
        QueueDeclareOptions::durable(),
        FieldTable::default(),
    )
    .await
    .unwrap();
    one.queue_bind(
        "kept".into(),
        "x".into(),
        "#".into(),
        QueueBindOptions::default(),
        FieldTable::default(),
    )
    .await
    .unwrap();
    declare(&one, "lost").await;
    confirming(&one).await;
    let persistent = || BasicProperties::default().with_delivery_mode(2);
    for n in 0..3 {
        assert!(
            publish_to(&one, "x", "k", &n.to_string(), persistent())
                .await
                .is_ack()
        );
    }
    assert!(
        publish_to(&one, "", "kept", "fleeting", BasicProperties::default())
            .await
            .is_ack()
    );
    let first = one
        .basic_get("kept".into(), BasicGetOptions::default())
        .await
        .unwrap()
        .unwrap();
    first.ack(BasicAckOptions::default()).await.unwrap();
    until("the acknowledgement", async || {
        counts(&one, "kept").await.0 == 3
    })
    .await;
    server.stop().await;

    let server = Server::embedded_in(folder.path(), |_| {}).await;
    let (_connection, two) = channel(&server).await;
    assert_eq!(counts(&two, "kept").await.0, 2);
    let got = two
        .basic_get("kept".into(), BasicGetOptions { no_ack: true })
        .await
        .unwrap()
        .unwrap();
    assert_eq!((text(&got).as_str(), got.routing_key.as_str()), ("1", "k"));
    confirming(&two).await;
    assert!(
        matches!(
            publish_to(&two, "x", "any", "new", persistent()).await,
            Confirmation::Ack(None)
        ),
        "the binding is kept too"
    );
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    assert_eq!(
        words(
            &two.queue_declare("lost".into(), passive, FieldTable::default())
                .await
                .unwrap_err()
        )
        .0,
        404
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alarm_blocks_publishers_until_there_is_room() {
    let server = Server::embedded(|config| config.memory_limit = Some(10)).await;
    let (connection, publisher) = channel(&server).await;
    let mut events = Box::pin(connection.events_listener());
    declare(&publisher, "q").await;
    publish(&publisher, "q", "more than ten bytes").await;
    let blocked = async {
        while let Some(event) = events.next().await {
            if matches!(event, lapin::Event::ConnectionBlocked(_)) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), blocked)
        .await
        .expect("connection.blocked");
    let (_other, operator) = channel(&server).await;
    operator
        .queue_purge("q".into(), QueuePurgeOptions::default())
        .await
        .unwrap();
    let unblocked = async {
        while let Some(event) = events.next().await {
            if matches!(event, lapin::Event::ConnectionUnblocked) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), unblocked)
        .await
        .expect("connection.unblocked");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_follow_the_queue_and_refusals_are_nacks() {
    let server = Server::embedded(|config| config.faults.refuse_publishes = false).await;
    let (_connection, channel) = channel(&server).await;
    declare(&channel, "shipping-task").await;
    confirming(&channel).await;
    publish(&channel, "shipping-task", "x").await;
    publish(&channel, "shipping-task", "y").await;
    let _got = channel
        .basic_get("shipping-task".into(), BasicGetOptions::default())
        .await
        .unwrap()
        .unwrap();
    let metrics = reqwest::get(server.metrics.clone().unwrap())
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    for (name, value) in [
        ("rabbitmq_queue_messages", 2),
        ("rabbitmq_queue_messages_ready", 1),
        ("rabbitmq_queue_messages_unacked", 1),
        ("rabbitmq_queue_messages_unacknowledged", 1),
        ("rabbitmq_queue_consumers", 0),
        ("rabbitmq_messages_published_total", 2),
        ("rabbitmq_queue_messages_published_total", 2),
        ("rabbitmq_messages_delivered_total", 1),
        ("rabbitmq_queue_messages_delivered_total", 1),
    ] {
        let line = format!("{name}{{queue=\"shipping-task\",vhost=\"/\"}} {value}\n");
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }
    assert!(metrics.contains("rabbitmq_up 1\n"));
    server.stop().await;

    let server = Server::embedded(|config| config.faults.refuse_publishes = true).await;
    let (_connection, channel) = self::channel(&server).await;
    declare(&channel, "q").await;
    confirming(&channel).await;
    assert!(publish(&channel, "q", "x").await.is_nack());
    server.stop().await;
}
