//! Plays the moves of a scripted responder.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::{AlertName, Event, Happening, Move, Period, Responder, Response, Severity, Trigger};

use crate::baseline::{self, Baseline};
use crate::desk::Desk;
use crate::shared::Shared;
use crate::{EngineError, Subscription};

/// How far a drill is, to a script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// There is no steady state yet.
    #[default]
    Before,
    /// Nothing has happened yet.
    Steady,
    /// From here on alerts are of the incident.
    Armed,
    /// A symptom has shown.
    Bitten,
}

/// What a script can wait for, as far as it has come.
#[derive(Debug, Default)]
struct Situation {
    stage: Stage,
    /// Whether there will be an injection.
    breaks: bool,
    paged: bool,
    recovered: bool,
    alerts: BTreeSet<AlertName>,
}

impl Situation {
    /// Notes an Event. Alerts count from the first injection on, where there
    /// will be one: an earlier one is of the shop's start.
    fn see(&mut self, event: &Event) {
        match &event.what {
            Happening::SteadyState { .. } => {
                self.stage = if self.breaks {
                    Stage::Steady
                } else {
                    Stage::Armed
                };
            }
            Happening::FaultInjected { .. } => self.stage = self.stage.max(Stage::Armed),
            Happening::FaultBit { .. } => self.stage = Stage::Bitten,
            Happening::AlertFired {
                alert, severity, ..
            } if self.stage >= Stage::Armed => {
                self.paged |= *severity == Severity::Page;
                self.alerts.insert(alert.clone());
            }
            Happening::Recovered => self.recovered = true,
            Happening::Relapsed { .. } => self.recovered = false,
            _ => {}
        }
    }

    fn met(&self, trigger: &Trigger) -> bool {
        match trigger {
            Trigger::Page => self.paged,
            Trigger::Alert(alert) => self.alerts.contains(alert),
            Trigger::Recovered => self.recovered,
            Trigger::Elapsed(_) => true,
        }
    }
}

/// Makes all moves of the drill's responder from the steady state on, then
/// tells that it has. A baseline waits for a page no longer than `patience`, and
/// until the fault has bitten: what it does proves nothing before.
pub(crate) async fn play(shared: Arc<Shared>, patience: Period) {
    let desk = Desk::new(Arc::clone(&shared));
    let mut events = desk.subscribe();
    let mut situation = Situation {
        breaks: shared.breaks(),
        ..Situation::default()
    };
    while situation.stage == Stage::Before {
        let Some(event) = events.next().await else {
            return;
        };
        situation.see(&event);
    }
    let is_baseline = matches!(shared.responder, Responder::Baseline(_));
    for step in moves(&shared) {
        let Some(response) = response(step.clone()) else {
            let Move::When(trigger) = step else { continue };
            let come = wait(&mut events, &mut situation, &trigger);
            if is_baseline {
                // Nobody called: it does what it does all the same.
                if let Ok(false) = tokio::time::timeout(patience.duration(), come).await {
                    return;
                }
                let bitten =
                    |situation: &Situation| !shared.must_bite() || situation.stage == Stage::Bitten;
                if !wait_until(&mut events, &mut situation, bitten).await {
                    return;
                }
            } else if !come.await {
                return;
            }
            continue;
        };
        if let Err(error) = desk.respond(response).await {
            if !matches!(error, EngineError::Over) {
                tracing::warn!(%error, "a scripted move was not recorded");
            }
            return;
        }
    }
    shared.moved.get_or_init(|| shared.clock.now());
}

/// Waits for `trigger`; whether it came before the drill was over.
async fn wait(events: &mut Subscription, situation: &mut Situation, trigger: &Trigger) -> bool {
    if let Trigger::Elapsed(period) = trigger {
        tokio::time::sleep(period.duration()).await;
    }
    wait_until(events, situation, |situation| situation.met(trigger)).await
}

/// Waits for what is `wanted`; whether it came before the drill was over.
async fn wait_until(
    events: &mut Subscription,
    situation: &mut Situation,
    wanted: impl Fn(&Situation) -> bool,
) -> bool {
    loop {
        while let Some(event) = events.try_next() {
            situation.see(&event);
        }
        if wanted(situation) {
            return true;
        }
        match events.next().await {
            Some(event) => situation.see(&event),
            None => return false,
        }
    }
}

fn moves(shared: &Shared) -> Vec<Move> {
    match &shared.responder {
        Responder::Script(name) => {
            let moves = shared.scenario.responders.get(name);
            moves.cloned().unwrap_or_default()
        }
        Responder::Baseline(name) => Baseline::named(name)
            .map(|kind| baseline::moves(kind, shared.services()))
            .unwrap_or_default(),
        Responder::Trainee(_) | Responder::Agent(_) => Vec::new(),
    }
}

/// The response that a move is; `None` where it waits.
fn response(step: Move) -> Option<Response> {
    Some(match step {
        Move::When(_) => return None,
        Move::Acknowledge => Response::Acknowledge,
        Move::Declare(severity) => Response::Declare(severity),
        Move::Query(query) => Response::Query(query),
        Move::Diagnose(diagnosis) => Response::Diagnose(diagnosis),
        Move::Act(action) => Response::Act(action),
        Move::Update(text) => Response::Update(text),
        Move::Resolve => Response::Resolve,
    })
}
