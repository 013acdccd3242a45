//! How a connection begins and ends: versions, credentials, limits, the virtual host, goodbye.

use std::time::Duration;

use amq_protocol::protocol::connection;
use amq_protocol::types::{AMQPValue, FieldTable};
use bytes::Bytes;
use tracing::{error, info};

use super::broker::Peer;
use super::connection::{Connection, Stage};
use super::frames::FRAME_MAX;
use super::trouble::Trouble;
use super::{VERSION, VHOST};

/// Heartbeats are offered at this interval, in seconds, as RabbitMQ does.
const HEARTBEAT: u16 = 60;
const CHANNEL_MAX: u16 = 2047;

impl Connection {
    pub(super) fn greet(&mut self, version: (u8, u8, u8)) -> Result<(), Trouble> {
        if self.stage != Stage::Header || version != (0, 9, 1) {
            self.outbox.send(Bytes::from_static(b"AMQP\0\0\x09\x01"));
            self.stage = Stage::Ended;
            return Ok(());
        }
        self.stage = Stage::Start;
        let start = connection::Start {
            version_major: 0,
            version_minor: 9,
            server_properties: properties(),
            mechanisms: "PLAIN".as_bytes().into(),
            locales: "en_US".as_bytes().into(),
        };
        self.send(connection::AMQPMethod::Start(start));
        Ok(())
    }

    pub(super) fn connection(&mut self, method: connection::AMQPMethod) -> Result<(), Trouble> {
        use connection::AMQPMethod as Method;
        match (self.stage, method) {
            (Stage::Start, Method::StartOk(start)) => {
                self.log_in(&start)?;
                self.stage = Stage::Tune;
                let tune = connection::Tune {
                    channel_max: CHANNEL_MAX,
                    frame_max: FRAME_MAX,
                    heartbeat: HEARTBEAT,
                };
                self.send(Method::Tune(tune));
                Ok(())
            }
            (Stage::Tune, Method::TuneOk(tune)) => {
                self.heartbeat =
                    (tune.heartbeat > 0).then(|| Duration::from_secs(tune.heartbeat.into()));
                self.stage = Stage::Open;
                Ok(())
            }
            (Stage::Open, Method::Open(open)) => {
                let vhost = open.virtual_host.as_str();
                if vhost != VHOST {
                    return Err(Trouble::connection(
                        530,
                        format!("NOT_ALLOWED - vhost {vhost} not found"),
                    ));
                }
                let mut broker = self.shared.broker();
                if broker.peers.len() >= self.shared.config.max_connections {
                    drop(broker);
                    return Err(Trouble::connection(
                        530,
                        "NOT_ALLOWED - connection refused: node connection limit is reached",
                    ));
                }
                let peer = Peer {
                    outbox: self.outbox.clone(),
                    address: self.address.clone(),
                    user: self.user.clone(),
                };
                broker.peers.insert(self.id, peer);
                broker.totals.connections += 1;
                drop(broker);
                self.stage = Stage::Running;
                info!(
                    connection = self.address,
                    user = self.user,
                    vhost,
                    "connection authenticated and granted access"
                );
                self.send(Method::OpenOk(connection::OpenOk {}));
                Ok(())
            }
            (_, Method::Close(_)) => {
                self.said_goodbye = true;
                self.channels.clear();
                self.shared.broker().disconnect(self.id);
                self.send(Method::CloseOk(connection::CloseOk {}));
                self.stage = Stage::Ended;
                Ok(())
            }
            _ => Err(Trouble::connection(
                503,
                "COMMAND_INVALID - unexpected method on channel 0",
            )),
        }
    }

    fn log_in(&mut self, start: &connection::StartOk) -> Result<(), Trouble> {
        let config = &self.shared.config;
        let mechanism = start.mechanism.as_str();
        let response = start.response.as_bytes();
        let mut parts = response
            .split(|byte| *byte == 0)
            .skip(1)
            .map(String::from_utf8_lossy);
        let (user, password) = (
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default(),
        );
        if mechanism == "PLAIN" && user == config.user && password == config.password {
            self.user = user.into_owned();
            return Ok(());
        }
        error!(connection = self.address, user = %user, "{mechanism} login refused: user '{user}' - invalid credentials");
        Err(Trouble::connection(
            403,
            format!(
                "ACCESS_REFUSED - Login was refused using authentication mechanism {mechanism}. For details see the broker logfile."
            ),
        ))
    }
}

/// What the server tells about itself.
fn properties() -> FieldTable {
    let text = |text: &str| AMQPValue::LongString(text.as_bytes().into());
    let mut capabilities = FieldTable::default();
    for name in [
        "publisher_confirms",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "authentication_failure_close",
        "per_consumer_qos",
    ] {
        capabilities.insert(name.into(), AMQPValue::Boolean(true));
    }
    let mut table = FieldTable::default();
    table.insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
    table.insert("product".into(), text("RabbitMQ"));
    table.insert("version".into(), text(VERSION));
    table.insert("platform".into(), text("shoplab"));
    table.insert("cluster_name".into(), text("rabbit@rabbitmq"));
    table
}
