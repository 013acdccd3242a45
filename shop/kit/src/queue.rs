//! AMQP: publishing with confirms, consuming with acknowledgements, reconnecting.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use instrument::{Metrics, Outcome, propagation, span};
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind,
};
use tokio::sync::Mutex;
use tracing::Instrument;
use url::Url;

/// How long connecting, or one publish with its confirm, may take.
const TIMEOUT: Duration = Duration::from_secs(1);
/// How long a consumer waits before it connects or takes a message again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// Messages that a consumer holds unacknowledged.
const PREFETCH: u16 = 10;
/// Persistent, as AMQP's delivery mode.
const PERSISTENT: u8 = 2;

/// Why a message was not published, or none can be consumed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The broker does not answer.
    #[error("{peer} is unreachable: {reason}")]
    Unreachable {
        /// The broker's name.
        peer: &'static str,
        /// What happened.
        reason: String,
    },
    /// The broker refused the message: its queue takes no more.
    #[error("{peer} rejected the message")]
    Rejected {
        /// The broker's name.
        peer: &'static str,
    },
}

/// A queue as whoever uses it first declares it, publisher or consumer. It is not durable:
/// what waits in it is gone when the broker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its name, by which the default exchange routes to it.
    pub name: &'static str,
    /// A topic exchange that is declared beside it and bound to it by its name; messages
    /// take the default exchange nevertheless.
    pub exchange: Option<&'static str>,
}

/// A message to publish, or one that came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The body, which is JSON.
    pub body: Vec<u8>,
    /// Headers that are text; the trace context is added and read by the queue.
    pub headers: BTreeMap<String, String>,
}

/// What became of a message that was consumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It is done with.
    Done,
    /// It is to come again.
    Again,
}

/// A broker; clones share its connection.
#[derive(Clone)]
pub struct Queue {
    peer: &'static str,
    url: Arc<str>,
    metrics: Metrics,
    publisher: Arc<Mutex<Option<Open>>>,
}

/// A channel with the connection that it needs to stay open.
struct Open {
    connection: Connection,
    channel: Channel,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl Queue {
    pub(crate) fn new(peer: &'static str, url: &Url, metrics: Metrics) -> Self {
        Self {
            peer,
            url: url.as_str().into(),
            metrics,
            publisher: Arc::default(),
        }
    }

    /// Publishes to `queue` by the default exchange, and waits for the confirm.
    ///
    /// # Errors
    /// When the broker does not confirm within a second, or rejects the message.
    pub async fn publish(&self, queue: &Declared, message: &Message) -> Result<(), QueueError> {
        let span = span::publish(self.peer, queue.name);
        let since = Instant::now();
        let attempt = tokio::time::timeout(TIMEOUT, self.try_publish(queue, message));
        let result = match attempt.instrument(span.clone()).await {
            Ok(result) => result,
            Err(_) => Err(self.unreachable("timeout")),
        };
        if let Err(error @ QueueError::Unreachable { .. }) = &result {
            span.in_scope(|| tracing::warn!("{error}"));
            *self.publisher.lock().await = None;
        }
        let outcome = if result.is_ok() {
            Outcome::Ok
        } else {
            Outcome::Error
        };
        self.metrics
            .stored(self.peer, "publish", outcome, since.elapsed());
        if let Err(error) = &result {
            span::fail(&span, "rabbitmq", &error.to_string());
        }
        result
    }

    async fn try_publish(&self, queue: &Declared, message: &Message) -> Result<(), QueueError> {
        let channel = self.publisher(queue).await?;
        let mut headers = FieldTable::default();
        for (name, value) in message
            .headers
            .clone()
            .into_iter()
            .chain(propagation::to_map())
        {
            headers.insert(name.into(), AMQPValue::LongString(value.into()));
        }
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT)
            .with_headers(headers);
        let confirm = channel
            .basic_publish(
                "".into(),
                queue.name.into(),
                BasicPublishOptions::default(),
                &message.body,
                properties,
            )
            .await
            .map_err(|error| self.unreachable(error))?;
        match confirm.await.map_err(|error| self.unreachable(error))? {
            Confirmation::Nack(_) => Err(QueueError::Rejected { peer: self.peer }),
            Confirmation::Ack(_) | Confirmation::NotRequested => Ok(()),
        }
    }

    /// The channel that publishes, opened when there is none that works.
    async fn publisher(&self, queue: &Declared) -> Result<Channel, QueueError> {
        let mut publisher = self.publisher.lock().await;
        if let Some(open) = &*publisher
            && open.channel.status().connected()
            && open.connection.status().connected()
        {
            return Ok(open.channel.clone());
        }
        let open = self
            .open(queue)
            .await
            .map_err(|error| self.unreachable(error))?;
        let confirms = ConfirmSelectOptions::default();
        open.channel
            .confirm_select(confirms)
            .await
            .map_err(|error| self.unreachable(error))?;
        let channel = open.channel.clone();
        *publisher = Some(open);
        Ok(channel)
    }

    async fn open(&self, queue: &Declared) -> Result<Open, lapin::Error> {
        let connection = Connection::connect(&self.url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        declare(&channel, queue).await?;
        Ok(Open {
            connection,
            channel,
        })
    }

    /// Asks whether the broker answers; uses the publishing connection.
    ///
    /// # Errors
    /// When it does not within a second.
    pub async fn ping(&self, queue: &Declared) -> Result<(), QueueError> {
        match tokio::time::timeout(TIMEOUT, self.publisher(queue)).await {
            Ok(channel) => channel.map(drop),
            Err(_) => Err(self.unreachable("timeout")),
        }
    }

    /// Hands each message of `queue` to `handle`, for ever; reconnects when the broker goes.
    pub async fn consume<H, F>(&self, queue: &Declared, handle: H)
    where
        H: Fn(Message) -> F + Sync,
        F: Future<Output = Handled> + Send,
    {
        let mut said = String::new();
        loop {
            let error = self.consume_once(queue, &handle, &mut said).await;
            let error = error.map_or_else(
                |error| self.unreachable(error).to_string(),
                |()| "the broker closed the channel".to_owned(),
            );
            if error != said {
                tracing::warn!("{error}");
                said = error;
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    async fn consume_once<H, F>(
        &self,
        queue: &Declared,
        handle: &H,
        said: &mut String,
    ) -> Result<(), lapin::Error>
    where
        H: Fn(Message) -> F + Sync,
        F: Future<Output = Handled> + Send,
    {
        let open = self.open(queue).await?;
        open.channel
            .basic_qos(PREFETCH, BasicQosOptions::default())
            .await?;
        let (name, tag): (ShortString, ShortString) = (queue.name.into(), "".into());
        let options = BasicConsumeOptions::default();
        let mut deliveries = open
            .channel
            .basic_consume(name, tag, options, FieldTable::default())
            .await?;
        tracing::info!("consuming {}", queue.name);
        said.clear();
        while let Some(delivery) = deliveries.next().await {
            let delivery = delivery?;
            let message = read(&delivery);
            let span = span::consume(
                self.peer,
                queue.name,
                propagation::from_map(&message.headers),
            );
            let since = Instant::now();
            let handled = handle(message).instrument(span).await;
            self.metrics
                .stored(self.peer, "process", Outcome::Ok, since.elapsed());
            match handled {
                Handled::Done => delivery.ack(BasicAckOptions::default()).await?,
                Handled::Again => {
                    tokio::time::sleep(AGAIN_AFTER).await;
                    delivery
                        .nack(BasicNackOptions {
                            requeue: true,
                            multiple: false,
                        })
                        .await?
                }
            };
        }
        Ok(())
    }

    fn unreachable(&self, reason: impl ToString) -> QueueError {
        let (peer, mut reason) = (self.peer, reason.to_string());
        if reason.contains("Connection refused") {
            reason = format!("connection refused to {peer}:5672");
        }
        QueueError::Unreachable { peer, reason }
    }
}

/// Declares the queue, and the exchange that is bound to it.
async fn declare(channel: &Channel, queue: &Declared) -> Result<(), lapin::Error> {
    let (options, none) = (QueueDeclareOptions::default(), FieldTable::default());
    channel
        .queue_declare(queue.name.into(), options, none.clone())
        .await?;
    let Some(exchange) = queue.exchange else {
        return Ok(());
    };
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    channel
        .exchange_declare(exchange.into(), ExchangeKind::Topic, durable, none.clone())
        .await?;
    let (name, key) = (queue.name.into(), queue.name.into());
    let options = QueueBindOptions::default();
    channel
        .queue_bind(name, exchange.into(), key, options, none)
        .await
}

fn read(delivery: &Delivery) -> Message {
    let mut headers = BTreeMap::new();
    if let Some(table) = delivery.properties.headers() {
        for (name, value) in table {
            match value {
                AMQPValue::LongString(text) => headers.insert(name.to_string(), text.to_string()),
                AMQPValue::ShortString(text) => headers.insert(name.to_string(), text.to_string()),
                _ => None,
            };
        }
    }
    Message {
        body: delivery.data.clone(),
        headers,
    }
}
