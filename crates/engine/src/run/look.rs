//! One look at the world: checks, alerts, the customers' record.

use futures::future::join_all;
use model::{Happening, Period};
use telemetry::{Alert, LogLine, TelemetryError, TimeRange};

use super::Run;
use crate::checks::Measured;
use crate::impact::ImpactBook;
use crate::journal::JournalError;

/// A line may be written, or collected, this much later than another.
const LATE: Period = Period::from_secs(5);

impl Run {
    /// Looks at everything once and records what is new. Whether all checks
    /// could be measured.
    pub(super) async fn look(&mut self) -> Result<bool, JournalError> {
        let complaints = self.complaints_range();
        let senses = &self.senses;
        let measures = self.checks.iter().map(|check| senses.measure(&check.query));
        let (measured, alerts, complaints) =
            tokio::join!(join_all(measures), senses.alerts(), async {
                match complaints {
                    Some(range) => senses.complaints(range).await,
                    None => Ok(Vec::new()),
                }
            });
        let fresh = self.note_checks(measured)?;
        self.note_alerts(alerts).await?;
        self.note_complaints(complaints)?;
        Ok(fresh)
    }

    fn note_checks(
        &mut self,
        measured: Vec<Result<Option<telemetry::Point>, TelemetryError>>,
    ) -> Result<bool, JournalError> {
        let mut fresh = true;
        let mut changed = Vec::new();
        for (check, measured) in self.checks.iter().zip(measured) {
            match measured {
                Ok(point) => {
                    let measured = Measured {
                        check: check.name.clone(),
                        at: point.map_or(self.now(), |point| point.at),
                        value: point.map(|point| point.value),
                    };
                    let observation = self.state.checks.note(check, &measured);
                    changed.extend(observation.map(|observation| (measured.at, observation)));
                }
                Err(error) => {
                    fresh = false;
                    self.state.trouble = Some(format!("{}: {error}", check.name));
                }
            }
        }
        if fresh {
            self.state.trouble = None;
        }
        for (at, observation) in changed {
            self.record(at, Happening::Observed(observation))?;
        }
        Ok(fresh)
    }

    async fn note_alerts(
        &mut self,
        alerts: Result<Vec<Alert>, TelemetryError>,
    ) -> Result<(), JournalError> {
        let alerts = match alerts {
            Ok(alerts) => alerts,
            Err(error) => {
                tracing::debug!(%error, "no alerts");
                return Ok(());
            }
        };
        let mut rules = Vec::new();
        if self.state.alerts.has_news(&alerts) {
            // Without the rules an alert fires when its condition began to hold.
            rules = self.senses.rules().await.unwrap_or_default();
        }
        for (at, what) in self.state.alerts.see(self.now(), &alerts, &rules) {
            self.record(at, what)?;
        }
        self.state.checks.note_firing(self.state.alerts.names());
        Ok(())
    }

    /// The stretch of the customers' record to read now, if any.
    fn complaints_range(&mut self) -> Option<TimeRange> {
        let since = self.state.conduct.as_ref()?.complaints_from()?;
        let now = self.now();
        if self.state.impact.is_none() {
            self.state.impact = Some(ImpactBook::new(since, self.limits.slow));
            self.state.read_from = since;
        }
        let open = self.state.impact.as_ref()?.open(now);
        let from = self.state.read_from;
        open.then_some(TimeRange {
            from,
            to: now.max(from),
        })
    }

    fn note_complaints(
        &mut self,
        lines: Result<Vec<LogLine>, TelemetryError>,
    ) -> Result<(), JournalError> {
        let lines = match lines {
            Ok(lines) => lines,
            Err(error) => {
                tracing::debug!(%error, "no customers' record");
                return Ok(());
            }
        };
        let Some(impact) = &mut self.state.impact else {
            return Ok(());
        };
        let seen = impact.see(&lines);
        if let Some(last) = lines.last() {
            self.state.read_from = self.state.read_from.max(last.at.minus(LATE));
        }
        match seen {
            Some((at, impact)) => self.record(at, Happening::ImpactSeen(impact)),
            None => Ok(()),
        }
    }
}
