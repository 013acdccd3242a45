//! Ctrl-C and SIGTERM, as one token.

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::LabError;

/// Cancels `cancel` at the first SIGINT, SIGTERM or SIGHUP. Keep the handle
/// for as long as signals are to be heard.
pub(crate) fn listen(cancel: CancellationToken) -> Result<JoinHandle<()>, LabError> {
    let hear = |kind| {
        signal(kind)
            .map_err(|error| LabError::Platform(format!("signals cannot be heard: {error}")))
    };
    let mut interrupt = hear(SignalKind::interrupt())?;
    let mut terminate = hear(SignalKind::terminate())?;
    let mut hangup = hear(SignalKind::hangup())?;
    Ok(tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        cancel.cancel();
    }))
}

/// A runtime for the lab itself.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, LabError> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| LabError::Platform(format!("the runtime failed: {error}")))
}
