//! Names and values for completion, from the backends.

use model::{Period, Timestamp};
use telemetry::{Telemetry, TelemetryError, TimeRange};

use crate::completion::{Language, Subject};

/// How far back labels of logs are looked for: as far as logs are shown.
const BACK: Period = Period::from_secs(600);

/// What the backend of its language knows of `subject`.
pub(super) async fn fetch(
    telemetry: &Telemetry,
    subject: &Subject,
    now: Timestamp,
) -> Result<Vec<String>, TelemetryError> {
    let range = TimeRange::last(BACK, now);
    match subject {
        Subject::Names(Language::PromQl) => telemetry.metrics.label_names().await,
        Subject::Values(Language::PromQl, label) => telemetry.metrics.label_values(label).await,
        Subject::Names(Language::LogQl) => telemetry.logs.label_names(range).await,
        Subject::Values(Language::LogQl, label) => telemetry.logs.label_values(label, range).await,
        Subject::Names(Language::TraceQl) => telemetry.traces.tags().await,
        Subject::Values(Language::TraceQl, tag) => telemetry.traces.tag_values(tag).await,
    }
}
