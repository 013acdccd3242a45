//! Log lines of services that have always written logfmt: `ts=… caller=… ` and what they say.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::{Fields, now};

/// The target of events that become lines of logfmt on standard error, and not of JSON. Their
/// message is logfmt already; before it stand the time and the event's field `caller`.
///
/// ```
/// tracing::info!(target: instrument::LOGFMT, caller = "main.go:7", "transport=HTTP port=80");
/// ```
pub const LOGFMT: &str = "logfmt";

/// Whether an event becomes a line of logfmt.
pub(crate) fn wanted(meta: &Metadata<'_>) -> bool {
    meta.is_event() && meta.target() == LOGFMT
}

/// A layer that writes each event as one line of logfmt.
#[derive(Debug)]
pub(crate) struct LogfmtLines<W>(Mutex<W>);

impl<W: Write> LogfmtLines<W> {
    /// Lines written to `out`.
    pub(crate) const fn new(out: W) -> Self {
        Self(Mutex::new(out))
    }
}

impl<S: Subscriber, W: Write + Send + 'static> Layer<S> for LogfmtLines<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let caller = fields.rest.get("caller").and_then(|caller| caller.as_str());
        let line = match caller {
            Some(caller) => format!("ts={:.9} caller={caller} {}\n", now(), fields.message),
            None => format!("ts={:.9} {}\n", now(), fields.message),
        };
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody is left to tell when standard error is closed.
        drop(out.write_all(line.as_bytes()).and_then(|()| out.flush()));
    }
}
