//! Tailing: each container's log is followed through `pods/log`.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::discovery::PodsReceiver;
use super::kubernetes::Client;
use crate::clock::Clock;
use crate::logs::Logs;

/// Follows the logs of every container of every pod until `stop` is cancelled.
pub async fn run(
    _client: Client,
    _pods: PodsReceiver,
    _logs: Arc<Logs>,
    _clock: Clock,
    stop: CancellationToken,
) {
    stop.cancelled().await;
}
