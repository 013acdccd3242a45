//! What the run of a drill, the responder's desk and the player share.

use std::sync::{Arc, OnceLock};

use model::{Happening, Period, Responder, Response, Scenario, ServiceName, Timestamp};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::Clock;
use crate::conduct::Responding;
use crate::drill::{HintOffer, Phase, Stop};
use crate::platform::Platform;
use crate::recorder::Recorder;
use crate::senses::Senses;

/// One drill, as all of its parts see it.
pub(crate) struct Shared {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) clock: Clock,
    /// The backends for responders, who wait longer than the engine does.
    pub(crate) senses: Arc<dyn Senses>,
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) scenario: Scenario,
    pub(crate) responder: Responder,
    /// The shop's services, once they are known.
    pub(crate) services: OnceLock<Vec<ServiceName>>,
    pub(crate) phase: watch::Sender<Phase>,
    pub(crate) stop: watch::Sender<Option<Stop>>,
    /// When the played responder had made all of its moves.
    pub(crate) moved: OnceLock<Timestamp>,
    /// What responders have begun.
    pub(crate) tasks: TaskTracker,
}

impl Shared {
    /// The shop's services; none before they are known.
    pub(crate) fn services(&self) -> &[ServiceName] {
        self.services.get().map_or(&[], Vec::as_slice)
    }

    /// Whether the engine itself plays the responder.
    pub(crate) fn is_played(&self) -> bool {
        matches!(
            self.responder,
            Responder::Script(_) | Responder::Baseline(_)
        )
    }

    /// Whether the scenario breaks anything at all.
    pub(crate) fn breaks(&self) -> bool {
        self.scenario.breaks()
    }

    /// Whether it proves nothing before a symptom shows.
    pub(crate) fn must_bite(&self) -> bool {
        self.scenario.must_bite()
    }

    /// The first injection.
    pub(crate) fn split(&self) -> Option<Timestamp> {
        self.recorder.read(|events| {
            let mut events = events.iter();
            let found = events.find(|e| matches!(e.what, Happening::FaultInjected { .. }));
            found.map(|event| event.at)
        })
    }

    /// How far the responder is.
    pub(crate) fn responding(&self) -> Responding {
        let mut responding = Responding {
            played: self.is_played(),
            moved: self.moved.get().copied(),
            ..Responding::default()
        };
        self.recorder.read(|events| {
            for event in events {
                let Happening::Responded { response, .. } = &event.what else {
                    continue;
                };
                match response {
                    Response::Resolve => responding.resolved = true,
                    Response::Diagnose(_) => responding.diagnosed = true,
                    _ => {}
                }
            }
        });
        responding
    }

    /// The next hint, as of now.
    pub(crate) fn hint(&self) -> Option<HintOffer> {
        let timeline = self.recorder.timeline();
        let given = |what: &Happening| matches!(what, Happening::HintGiven { .. });
        let index = timeline.events().iter().filter(|e| given(&e.what)).count();
        let hint = self.scenario.hints.get(index)?;
        let clocks = timeline.clocks();
        // Where nothing breaks, no page comes: the steady state counts.
        let steady = || {
            let mut events = timeline.events().iter();
            let steady = events.find(|e| matches!(e.what, Happening::SteadyState { .. }))?;
            (!self.breaks()).then_some(steady.at)
        };
        let called = clocks.paged.or(clocks.first_impact).or_else(steady);
        let now = self.clock.now();
        Some(HintOffer {
            index,
            cost: hint.cost,
            due_in: called.map(|called| {
                let due = called.plus(hint.after);
                if due > now {
                    due.since(now)
                } else {
                    Period::ZERO
                }
            }),
        })
    }
}
