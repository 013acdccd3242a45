//! One connection through a proxy: two sockets, two pipes, one task that never sleeps without need.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::metrics::Traffic;
use crate::pipe::{Ending, Pipe, Standing};
use crate::stage::Item;
use crate::toxic::Stream;

/// The toxics of a proxy as its connections see them.
pub(crate) type Toxics = watch::Receiver<Arc<Vec<Standing>>>;

/// How much is read at once.
const CHUNK: usize = 64 * 1024;
/// How often a socket is read before the others have their turn.
const TURNS: usize = 16;

/// How long half a connection may be silent after the other half has ended.
/// One whose client has left without a word would stay for ever in front of a
/// server that hangs.
const HALF_CLOSED: Duration = Duration::from_secs(10);

/// What a connection shares with its proxy.
pub(crate) struct Link {
    pub(crate) toxics: Toxics,
    pub(crate) cancel: CancellationToken,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) seed: u64,
    /// Names the proxy and this connection in the draws.
    pub(crate) name: String,
}

/// One direction: from where, through what, to where.
struct Way {
    pipe: Pipe,
    /// The source will send no more, or nobody listens any more.
    read_all: bool,
    /// The end was handed on.
    ended: bool,
    buffer: BytesMut,
    due: Option<Instant>,
    /// When data last came or went.
    moved: Instant,
}

/// What became of a step.
enum Step {
    Go,
    Close,
    Reset,
}

/// Relays between `client` and `server` until both are done, one of them
/// breaks, a toxic ends it, or the proxy closes.
pub(crate) async fn relay(mut client: TcpStream, mut server: TcpStream, mut link: Link) {
    let mut up = Way::new(Stream::Upstream, &link);
    let mut down = Way::new(Stream::Downstream, &link);
    link.toxics.mark_changed();
    let reset = loop {
        // Toxics come first: a healed link must not wait, and what is read
        // after a change must meet the change.
        if link.toxics.has_changed().unwrap_or(false) {
            let toxics = link.toxics.borrow_and_update().clone();
            let now = Instant::now();
            up.pipe.reconcile(&toxics, now);
            down.pipe.reconcile(&toxics, now);
        }
        let step = match up.step(&mut server, &link.traffic, Stream::Upstream).await {
            Step::Go => {
                down.step(&mut client, &link.traffic, Stream::Downstream)
                    .await
            }
            other => other,
        };
        match step {
            Step::Close => break false,
            Step::Reset => break true,
            Step::Go if up.ended && down.ended => break false,
            Step::Go => {}
        }
        let mut due = up.due.into_iter().chain(down.due).min();
        if due.is_none() && (up.ended || down.ended) {
            let left = up.moved.max(down.moved) + HALF_CLOSED;
            if left <= Instant::now() {
                break false;
            }
            due = Some(left);
        }
        let read = tokio::select! {
            biased;
            () = link.cancel.cancelled() => break false,
            changed = link.toxics.changed() => match changed {
                Ok(()) => {
                    link.toxics.mark_changed();
                    Ok(())
                }
                Err(_) => break false,
            },
            ready = client.readable(), if up.wants() => {
                ready.and_then(|()| up.read(&client, &link.traffic, Stream::Upstream))
            }
            ready = server.readable(), if down.wants() => {
                ready.and_then(|()| down.read(&server, &link.traffic, Stream::Downstream))
            }
            ready = server.writable(), if up.pipe.front().is_some() => ready,
            ready = client.writable(), if down.pipe.front().is_some() => ready,
            () = until(due), if due.is_some() => Ok(()),
        };
        if read.is_err() {
            break true;
        }
    };
    if reset {
        reset_both(&client, &server);
    }
}

/// Closes `stream` so that its peer sees a reset.
pub(crate) fn refuse(stream: &TcpStream) {
    if let Err(error) = stream.set_zero_linger() {
        tracing::debug!(%error, "the connection closes without a reset");
    }
}

fn reset_both(client: &TcpStream, server: &TcpStream) {
    refuse(client);
    refuse(server);
}

async fn until(due: Option<Instant>) {
    if let Some(due) = due {
        sleep_until(due).await;
    }
}

impl Way {
    fn new(stream: Stream, link: &Link) -> Self {
        Self {
            pipe: Pipe::new(stream, link.seed, &link.name),
            read_all: false,
            ended: false,
            buffer: BytesMut::new(),
            due: None,
            moved: Instant::now(),
        }
    }

    fn wants(&self) -> bool {
        !self.read_all && self.pipe.has_room()
    }

    /// Reads what is there and what there is room for.
    fn read(&mut self, from: &TcpStream, traffic: &Traffic, stream: Stream) -> io::Result<()> {
        for _ in 0..TURNS {
            if !self.wants() {
                return Ok(());
            }
            self.buffer.reserve(CHUNK);
            match from.try_read_buf(&mut self.buffer) {
                Ok(0) => {
                    self.read_all = true;
                    self.moved = Instant::now();
                    self.pipe.feed(Item::End, self.moved);
                    return Ok(());
                }
                Ok(count) => {
                    traffic.received(stream, count);
                    let data = self.buffer.split().freeze();
                    self.moved = Instant::now();
                    self.pipe.feed(Item::Data(data), self.moved);
                    if count < CHUNK {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Moves what is due and writes what the socket takes.
    async fn step(&mut self, to: &mut TcpStream, traffic: &Traffic, stream: Stream) -> Step {
        let now = Instant::now();
        self.due = self.pipe.advance(now);
        while self.pipe.ending() != Some(Ending::Reset) {
            let Some(front) = self.pipe.front() else {
                break;
            };
            match to.try_write(front) {
                Ok(count) => {
                    traffic.sent(stream, count);
                    self.pipe.written(count);
                    self.moved = now;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return Step::Reset,
            }
        }
        match self.pipe.ending() {
            Some(Ending::Reset) => Step::Reset,
            Some(Ending::Close) => Step::Close,
            Some(Ending::End) if !self.ended => {
                self.ended = true;
                // Shutting down the write half of a TCP socket does not wait.
                match to.shutdown().await {
                    Ok(()) => Step::Go,
                    Err(_) => Step::Close,
                }
            }
            _ => Step::Go,
        }
    }
}
