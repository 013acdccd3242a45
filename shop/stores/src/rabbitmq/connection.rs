//! One connection: the handshake, its channels, heartbeats, and how it ends.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use amq_protocol::frame::AMQPFrame;
use amq_protocol::protocol::{AMQPClass, channel, connection};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::broker::Outbox;
use super::channel::{Channel, Did, Refuses};
use super::frames;
use super::queue::ChannelKey;
use super::server::Shared;
use super::trouble::{Closes, Trouble};

/// How long the handshake may take, as in RabbitMQ.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long the client has to agree that the connection is closed.
const GOODBYE: Duration = Duration::from_secs(5);

/// How far the handshake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Header,
    Start,
    Tune,
    Open,
    Running,
    /// The server has closed the connection, and waits for the client to agree.
    Closing,
    Ended,
}

pub(super) struct Connection {
    pub(super) id: u64,
    pub(super) shared: Arc<Shared>,
    pub(super) address: String,
    pub(super) user: String,
    pub(super) stage: Stage,
    pub(super) outbox: Outbox,
    pub(super) channels: HashMap<u16, Channel>,
    pub(super) heartbeat: Option<Duration>,
    /// It has published, so an alarm blocks it.
    pub(super) publishes: bool,
    pub(super) blocked: bool,
    pub(super) said_goodbye: bool,
}

/// Runs a connection to its end.
pub(super) async fn converse(
    socket: TcpStream,
    id: u64,
    shared: Arc<Shared>,
    cancel: CancellationToken,
) {
    let address = socket
        .peer_addr()
        .map(|addr| addr.to_string())
        .unwrap_or_default();
    let (outbox, waiting) = Outbox::new();
    let mut connection = Connection {
        id,
        shared: shared.clone(),
        address,
        user: String::new(),
        stage: Stage::Header,
        outbox,
        channels: HashMap::new(),
        heartbeat: None,
        publishes: false,
        blocked: false,
        said_goodbye: false,
    };
    let ended = connection.run(socket, waiting, cancel).await;
    shared.broker().disconnect(id);
    if connection.user.is_empty() {
        return;
    }
    match ended {
        Ok(()) if connection.said_goodbye => {
            info!(connection = connection.address, "closing AMQP connection");
        }
        Ok(()) => warn!(
            connection = connection.address,
            "closing AMQP connection: client unexpectedly closed TCP connection"
        ),
        Err(error) => warn!(connection = connection.address, %error, "closing AMQP connection"),
    }
}

impl Connection {
    async fn run(
        &mut self,
        mut socket: TcpStream,
        mut waiting: mpsc::UnboundedReceiver<Bytes>,
        cancel: CancellationToken,
    ) -> std::io::Result<()> {
        socket.set_nodelay(true)?;
        let (mut reader, mut writer) = socket.split();
        let mut alarm = self.shared.broker().alarm.subscribe();
        let mut received = BytesMut::with_capacity(8192);
        let begun = Instant::now();
        let (mut heard, mut spoke) = (begun, begun);
        let mut stopping = false;
        while self.stage != Stage::Ended {
            // When something is to happen if nothing else does: an unfinished handshake or goodbye ends, a heartbeat is sent.
            let due = match (self.stage, self.heartbeat) {
                (Stage::Running, Some(interval)) => Some(spoke + interval / 2),
                (Stage::Running, None) => None,
                (Stage::Closing, _) => Some(spoke + GOODBYE),
                _ => Some(begun + HANDSHAKE),
            };
            tokio::select! {
                () = cancel.cancelled(), if !stopping => {
                    stopping = true;
                    self.close(&Trouble::connection(320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"), 0, 0);
                }
                Some(first) = waiting.recv() => {
                    let mut batch = first.to_vec();
                    while let Ok(next) = waiting.try_recv() {
                        batch.extend_from_slice(&next);
                    }
                    writer.write_all(&batch).await?;
                    spoke = Instant::now();
                    if self.outbox.sent(batch.len() as u64) {
                        self.shared.broker().pump_all();
                    }
                }
                read = reader.read_buf(&mut received), if !self.blocked => {
                    if read? == 0 {
                        return Ok(());
                    }
                    heard = Instant::now();
                    self.receive(&mut received);
                }
                _ = alarm.changed() => self.alarmed(&mut alarm),
                () = tokio::time::sleep_until(due.unwrap_or(spoke)), if due.is_some() => {
                    let timeout = |what: &str| std::io::Error::new(std::io::ErrorKind::TimedOut, what);
                    match (self.stage, self.heartbeat) {
                        (Stage::Running, Some(interval)) if self.blocked || heard.elapsed() <= interval * 2 => {
                            self.outbox.send(frames::heartbeat());
                        }
                        (Stage::Running, _) => return Err(timeout("missed heartbeats from client")),
                        (Stage::Closing, _) => return Ok(()),
                        _ => return Err(timeout("handshake_timeout")),
                    }
                }
            }
            if self.publishes && !self.blocked {
                self.alarmed(&mut alarm);
            }
        }
        while let Ok(last) = waiting.try_recv() {
            writer.write_all(&last).await?;
        }
        Ok(())
    }

    /// Blocks this connection if it publishes and the server has no room, or lets it go on.
    fn alarmed(&mut self, alarm: &mut watch::Receiver<Option<String>>) {
        let reason = alarm.borrow_and_update().clone();
        match reason {
            Some(reason) if self.publishes && !self.blocked => {
                self.blocked = true;
                warn!(connection = self.address, reason, "publisher is blocked");
                let blocked = connection::Blocked {
                    reason: reason.as_str().into(),
                };
                self.send(connection::AMQPMethod::Blocked(blocked));
            }
            None if self.blocked => {
                self.blocked = false;
                self.send(connection::AMQPMethod::Unblocked(connection::Unblocked {}));
            }
            _ => {}
        }
    }

    pub(super) fn send(&self, method: connection::AMQPMethod) {
        self.outbox
            .send(frames::method(0, AMQPClass::Connection(method)));
    }

    fn receive(&mut self, received: &mut BytesMut) {
        loop {
            let frame = match frames::decode(received) {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(frames::Malformed) => {
                    received.clear();
                    if self.stage == Stage::Header {
                        self.outbox.send(Bytes::from_static(b"AMQP\0\0\x09\x01"));
                        self.stage = Stage::Ended;
                    } else {
                        self.close(
                            &Trouble::connection(501, "FRAME_ERROR - cannot decode frame"),
                            0,
                            0,
                        );
                    }
                    return;
                }
            };
            let (class, method) = match &frame {
                AMQPFrame::Method(_, called) => {
                    (called.get_amqp_class_id(), called.get_amqp_method_id())
                }
                _ => (0, 0),
            };
            let channel = frame.channel_id();
            if let Err(trouble) = self.frame(frame) {
                self.troubled(&trouble, channel, class, method);
            }
            if self.stage == Stage::Ended {
                return;
            }
        }
    }

    /// Closes what an error closes.
    fn troubled(&mut self, trouble: &Trouble, channel: u16, class: u16, method: u16) {
        error!(
            connection = self.address,
            channel,
            code = trouble.code,
            "operation caused an exception: {}",
            trouble.text
        );
        if trouble.closes == Closes::Connection || channel == 0 {
            return self.close(trouble, class, method);
        }
        let key = ChannelKey {
            connection: self.id,
            channel,
        };
        self.shared.broker().close_channel(key);
        if let Some(channel) = self.channels.get_mut(&channel) {
            channel.closing = true;
        }
        let close = channel::Close {
            reply_code: trouble.code,
            reply_text: short(&trouble.text),
            class_id: class,
            method_id: method,
        };
        self.outbox.send(frames::method(
            channel,
            AMQPClass::Channel(channel::AMQPMethod::Close(close)),
        ));
    }

    /// Closes the connection from this side.
    fn close(&mut self, trouble: &Trouble, class_id: u16, method_id: u16) {
        self.said_goodbye = true;
        let handshaking = self.stage < Stage::Start;
        let close = connection::Close {
            reply_code: trouble.code,
            reply_text: short(&trouble.text),
            class_id,
            method_id,
        };
        if !handshaking {
            self.send(connection::AMQPMethod::Close(close));
        }
        self.channels.clear();
        self.shared.broker().disconnect(self.id);
        self.stage = if handshaking {
            Stage::Ended
        } else {
            Stage::Closing
        };
    }

    fn frame(&mut self, frame: AMQPFrame) -> Result<(), Trouble> {
        if self.stage == Stage::Closing {
            if let AMQPFrame::Method(
                0,
                AMQPClass::Connection(
                    connection::AMQPMethod::CloseOk(_) | connection::AMQPMethod::Close(_),
                ),
            ) = frame
            {
                self.stage = Stage::Ended;
            }
            return Ok(());
        }
        match frame {
            AMQPFrame::ProtocolHeader(version) => {
                self.greet((version.major, version.minor, version.revision))
            }
            AMQPFrame::Heartbeat => Ok(()),
            AMQPFrame::Method(0, AMQPClass::Connection(method)) => self.connection(method),
            AMQPFrame::Method(id, class) if id > 0 && self.stage == Stage::Running => {
                self.method(id, class)
            }
            AMQPFrame::Header(id, header) => self.content(id, |channel, shared| {
                channel.header(header, &mut shared.broker(), refuses(shared))
            }),
            AMQPFrame::Body(id, part) => self.content(id, |channel, shared| {
                channel.body(&part, &mut shared.broker(), refuses(shared))
            }),
            _ => Err(Trouble::connection(
                503,
                "COMMAND_INVALID - unexpected frame",
            )),
        }
    }

    fn method(&mut self, id: u16, class: AMQPClass) -> Result<(), Trouble> {
        use channel::AMQPMethod as Method;
        let key = ChannelKey {
            connection: self.id,
            channel: id,
        };
        match (self.channels.get_mut(&id), class) {
            (None, AMQPClass::Channel(Method::Open(_))) => {
                self.channels
                    .insert(id, Channel::new(key, self.outbox.clone()));
                self.shared.broker().channels.entry(key).or_default();
                self.outbox.send(frames::method(
                    id,
                    AMQPClass::Channel(Method::OpenOk(channel::OpenOk {})),
                ));
                Ok(())
            }
            (Some(channel), AMQPClass::Channel(Method::CloseOk(_))) if channel.closing => {
                self.channels.remove(&id);
                Ok(())
            }
            (Some(_), AMQPClass::Channel(Method::Close(_))) => {
                self.channels.remove(&id);
                self.shared.broker().close_channel(key);
                self.outbox.send(frames::method(
                    id,
                    AMQPClass::Channel(Method::CloseOk(channel::CloseOk {})),
                ));
                Ok(())
            }
            // What was on its way when the channel was closed.
            (Some(channel), _) if channel.closing => Ok(()),
            (Some(_), AMQPClass::Channel(Method::Open(_))) => Err(Trouble::connection(
                504,
                "CHANNEL_ERROR - second 'channel.open' seen",
            )),
            (Some(channel), class) => channel.call(class, &mut self.shared.broker()),
            (None, _) => Err(Trouble::connection(
                504,
                "CHANNEL_ERROR - expected 'channel.open'",
            )),
        }
    }

    fn content(
        &mut self,
        id: u16,
        take: impl FnOnce(&mut Channel, &Shared) -> Result<Did, Trouble>,
    ) -> Result<(), Trouble> {
        let Some(channel) = self.channels.get_mut(&id) else {
            return Err(Trouble::connection(
                504,
                "CHANNEL_ERROR - expected 'channel.open'",
            ));
        };
        if channel.closing {
            return Ok(());
        }
        if take(channel, &self.shared)? == Did::Publish {
            self.publishes = true;
        }
        Ok(())
    }
}

impl PartialOrd for Stage {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some((*self as u8).cmp(&(*other as u8)))
    }
}

fn refuses(shared: &Shared) -> Refuses {
    if shared.config.faults.refuse_publishes {
        Refuses::Everything
    } else {
        Refuses::Nothing
    }
}

/// A reply text has at most 255 bytes.
fn short(text: &str) -> amq_protocol::types::ShortString {
    let mut end = text.len().min(255);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].into()
}
