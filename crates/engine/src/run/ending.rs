//! The end: everything undone and verified, the cost counted.

use std::time::Duration;

use model::{Happening, Undone, Verdict};
use telemetry::{TelemetryError, TimeRange};
use tokio::sync::watch;
use tokio::time::timeout;

use super::{Run, interrupted};
use crate::drill::{Phase, Stop};
use crate::injector::Undo;
use crate::journal::JournalError;
use crate::journeys::impacts;

/// How long responses that were begun may take to their end.
const FINISH: Duration = Duration::from_millis(500);
/// How much longer than an undo its verdict may take to come back.
const GRACE: Duration = Duration::from_secs(1);

impl Run {
    /// Undoes everything, counts the cost and writes the end. An interruption
    /// in the middle of it shortens it.
    pub(super) async fn end(
        &mut self,
        verdict: Verdict,
        stop: &mut watch::Receiver<Option<Stop>>,
    ) -> Result<(), JournalError> {
        let ended = self.now();
        self.shared.phase.send_replace(Phase::Ending);
        self.state.background.shutdown().await;
        self.shared.tasks.close();
        if timeout(FINISH, self.shared.tasks.wait()).await.is_err() {
            tracing::debug!("a response was still under way at the end");
        }
        let undone = self.undo(stop).await;
        // A journal that cannot be written does not keep the rest from being undone.
        for undo in undone {
            self.record(
                self.now(),
                Happening::FaultUndone {
                    injection: undo.injection,
                    how: undo.how,
                    verified: undo.verified,
                },
            )?;
        }
        if verdict == Verdict::Complete
            && let Some(from) = self.shared.split()
        {
            self.cost(TimeRange { from, to: ended }).await?;
        }
        self.record(self.now(), Happening::Finished(verdict))
    }

    /// Undoes within the limit; an interruption leaves the shorter one.
    async fn undo(&self, stop: &mut watch::Receiver<Option<Stop>>) -> Vec<Undo> {
        let hurry = async {
            interrupted(stop).await;
            tokio::time::sleep(self.limits.interrupt.duration()).await;
        };
        let undone = tokio::select! {
            undone = self.injector.undo_all() => Some(undone),
            () = tokio::time::sleep(self.limits.undo.duration() + GRACE) => None,
            () = hurry => None,
        };
        let in_time = undone.is_some();
        let mut undone = undone.unwrap_or_default();
        for undo in undone.iter().filter(|undo| !undo.verified) {
            tracing::error!(injection = undo.injection, detail = %undo.detail, "a fault could not be undone");
        }
        for injection in &self.state.injected {
            if undone.iter().any(|undo| undo.injection == *injection) {
                continue;
            }
            // What is no longer in the world has ended by itself.
            undone.push(Undo {
                injection: *injection,
                how: if in_time {
                    Undone::TargetGone
                } else {
                    Undone::Failed
                },
                verified: in_time,
                detail: "it took too long".to_owned(),
            });
        }
        undone
    }

    /// What the incident cost and whom it hit, where the backends can tell.
    async fn cost(&self, range: TimeRange) -> Result<(), JournalError> {
        let most = self.limits.telemetry.duration().saturating_mul(2);
        let clocks = self.shared.recorder.timeline().clocks();
        let recovered = clocks.recovered.filter(|at| *at > range.from);
        let outage = TimeRange {
            from: range.from,
            to: recovered.unwrap_or(range.to),
        };
        let asked = async {
            let (damage, journeys) =
                tokio::join!(self.senses.damage(range), self.senses.journeys(outage));
            Ok::<_, TelemetryError>((damage?, journeys?))
        };
        match timeout(most, asked).await {
            Ok(Ok((damage, counts))) => {
                let cost = Happening::Cost {
                    failed_requests: damage.failed_requests,
                    orders_lost: damage.orders_lost,
                    users_hit: damage.users_hit,
                };
                self.record(range.to, cost)?;
                let journeys = impacts(&counts);
                self.record(range.to, Happening::Impacts { journeys })
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the cost could not be counted");
                Ok(())
            }
            Err(_) => {
                tracing::warn!("the cost could not be counted in time");
                Ok(())
            }
        }
    }
}
