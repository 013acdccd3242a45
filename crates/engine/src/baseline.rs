//! Responders that must not win: they know nothing of the incident.

use model::{
    Action, Diagnosis, Event, FailureMode, Happening, Move, Outcome, Responder, Response,
    ServiceName, Severity, Timeline, Timestamp, Trigger,
};

/// A built-in responder that runs against every scenario and must stay below
/// its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Baseline {
    /// Does nothing.
    Nothing,
    /// Restarts every service.
    RestartEverything,
    /// Scales every service to zero.
    ScaleEverythingToZero,
    /// Rolls every service back.
    RollBackEverything,
    /// Always gives the same answer.
    ConstantAnswer,
    /// Says that monitoring is at fault, not the shop.
    BlameTheLab,
}

impl Baseline {
    /// Every baseline.
    pub const ALL: [Self; 6] = [
        Self::Nothing,
        Self::RestartEverything,
        Self::ScaleEverythingToZero,
        Self::RollBackEverything,
        Self::ConstantAnswer,
        Self::BlameTheLab,
    ];

    /// Its name, in kebab case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::RestartEverything => "restart-everything",
            Self::ScaleEverythingToZero => "scale-everything-to-zero",
            Self::RollBackEverything => "roll-back-everything",
            Self::ConstantAnswer => "constant-answer",
            Self::BlameTheLab => "blame-the-lab",
        }
    }

    /// Whether it changes the shop. What the others say leaves the world as it
    /// would have been without them.
    pub fn acts(self) -> bool {
        match self {
            Self::RestartEverything | Self::ScaleEverythingToZero | Self::RollBackEverything => {
                true
            }
            Self::Nothing | Self::ConstantAnswer | Self::BlameTheLab => false,
        }
    }

    /// The baseline called `name`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What `kind` does in a shop of `services`. All but the first take the page
/// as soon as it comes, declare it a page, and say at the end that it is over.
pub fn moves(kind: Baseline, services: &[ServiceName]) -> Vec<Move> {
    if kind == Baseline::Nothing {
        return Vec::new();
    }
    let mut moves = vec![
        Move::When(Trigger::Page),
        Move::Acknowledge,
        Move::Declare(Severity::Page),
    ];
    let act = |action: &dyn Fn(ServiceName) -> Action| -> Vec<Move> {
        let each = services.iter().cloned();
        each.map(|service| Move::Act(action(service))).collect()
    };
    let diagnose = |cause: Option<ServiceName>, mode| {
        vec![Move::Diagnose(Diagnosis {
            cause,
            mode,
            impact: None,
        })]
    };
    moves.extend(match kind {
        Baseline::Nothing => Vec::new(),
        Baseline::RestartEverything => act(&Action::RolloutRestart),
        Baseline::ScaleEverythingToZero => act(&|service| Action::Scale {
            service,
            replicas: 0,
        }),
        Baseline::RollBackEverything => act(&Action::RolloutUndo),
        Baseline::ConstantAnswer => diagnose(services.first().cloned(), FailureMode::Crash),
        Baseline::BlameTheLab => diagnose(None, FailureMode::Monitoring),
    });
    moves.push(Move::Resolve);
    moves
}

/// The drill of `watched`, in which nobody did anything, as it would have been
/// with `kind` in it; `None` for a baseline that acts, or a drill that is not
/// one of [`Baseline::Nothing`].
///
/// What such a baseline says changes nothing in the world, so all that was
/// measured stands. It says all of it at the page, without a delay (where no
/// page came: at the end): nobody could have been quicker, so its grade is the
/// most that it could have had.
pub fn spliced(kind: Baseline, watched: &Timeline) -> Option<Timeline> {
    let idle = Responder::Baseline(Baseline::Nothing.name().to_owned());
    let started = watched
        .events()
        .iter()
        .find_map(|event| match &event.what {
            Happening::Started { responder, .. } => Some(responder),
            _ => None,
        })?;
    if kind.acts() || *started != idle {
        return None;
    }
    let by = Responder::Baseline(kind.name().to_owned());
    let mut events: Vec<Event> = watched.events().to_vec();
    for event in &mut events {
        if let Happening::Started { responder, .. } = &mut event.what {
            *responder = by.clone();
        }
    }
    let (place, at) = called(watched);
    let said = said(kind, services(watched))
        .into_iter()
        .map(|response| Event {
            seq: 0,
            at,
            what: Happening::Responded {
                by: by.clone(),
                response,
                outcome: Outcome::Noted,
            },
        });
    events.splice(place..place, said);
    for (seq, event) in (0..).zip(&mut events) {
        event.seq = seq;
    }
    Some(Timeline::new(events))
}

/// Where in the journal the page came, and when; else just before the end.
fn called(watched: &Timeline) -> (usize, Timestamp) {
    let events = watched.events();
    let paged = watched.clocks().paged;
    let page = events.iter().position(|event| {
        matches!(
            event.what,
            Happening::AlertFired {
                severity: Severity::Page,
                ..
            }
        ) && Some(event.at) == paged
    });
    let end = || {
        let last = events.len().saturating_sub(1);
        (
            last,
            events.last().map(|event| event.at).unwrap_or_default(),
        )
    };
    page.map_or_else(end, |page| (page + 1, events[page].at))
}

fn services(timeline: &Timeline) -> &[ServiceName] {
    let ready = timeline
        .events()
        .iter()
        .find_map(|event| match &event.what {
            Happening::ShopReady { services, .. } => Some(services.as_slice()),
            _ => None,
        });
    ready.unwrap_or_default()
}

/// What `kind` says; nothing of it is an act.
fn said(kind: Baseline, services: &[ServiceName]) -> Vec<Response> {
    let says = moves(kind, services).into_iter();
    says.filter_map(|step| match step {
        Move::Acknowledge => Some(Response::Acknowledge),
        Move::Declare(severity) => Some(Response::Declare(severity)),
        Move::Diagnose(diagnosis) => Some(Response::Diagnose(diagnosis)),
        Move::Resolve => Some(Response::Resolve),
        Move::When(_) | Move::Query(_) | Move::Act(_) | Move::Update(_) => None,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Verdict;

    fn watched(responder: Baseline) -> Timeline {
        let at = |second: u64| Timestamp::from_millis(second * 1_000);
        let happened = [
            (
                1,
                Happening::Started {
                    scenario: Box::new(crate::conduct::tests::scenario(Vec::new(), Vec::new())),
                    row: None,
                    rubric: model::Rubric::default(),
                    seed: 1,
                    responder: Responder::Baseline(responder.name().to_owned()),
                    version: String::new(),
                },
            ),
            (
                2,
                Happening::ShopReady {
                    services: vec!["carts".into(), "payment".into()],
                    calls: Vec::new(),
                },
            ),
            (
                3,
                Happening::FaultInjected {
                    injection: 1,
                    fault: model::Fault {
                        kind: "hang".into(),
                        args: serde_json::Map::default(),
                    },
                    lease: model::Period::from_secs(30),
                },
            ),
            (
                9,
                Happening::AlertFired {
                    alert: "PaymentDown".into(),
                    severity: Severity::Page,
                    service: None,
                    summary: String::new(),
                    runbook: String::new(),
                },
            ),
            (30, Happening::Finished(Verdict::Complete)),
        ];
        let events = (0..).zip(happened);
        Timeline::new(
            events
                .map(|(seq, (second, what))| Event {
                    seq,
                    at: at(second),
                    what,
                })
                .collect(),
        )
    }

    #[test]
    fn who_only_talks_is_put_into_a_drill_in_which_nobody_did_anything() {
        let idle = watched(Baseline::Nothing);
        for kind in Baseline::ALL {
            let spliced = spliced(kind, &idle);
            assert_eq!(spliced.is_none(), kind.acts(), "{kind:?}");
            let Some(spliced) = spliced else { continue };
            let clocks = spliced.clocks();
            let said = (kind != Baseline::Nothing).then_some(Timestamp::from_millis(9_000));
            assert_eq!(clocks.acknowledged, said, "{kind:?}");
            let numbered = (0..).zip(spliced.events());
            assert!(numbered.clone().all(|(seq, event)| seq == event.seq));
            assert!(matches!(
                spliced.events().last().map(|event| &event.what),
                Some(Happening::Finished(_))
            ));
        }
        assert!(
            super::spliced(
                Baseline::ConstantAnswer,
                &watched(Baseline::RestartEverything)
            )
            .is_none()
        );
    }

    #[test]
    fn every_baseline_is_found_by_its_name_and_treats_every_service_alike() {
        let services = ["carts".into(), "orders".into(), "payment".into()];
        for kind in Baseline::ALL {
            assert_eq!(Baseline::named(kind.name()), Some(kind));
            let acts = moves(kind, &services)
                .iter()
                .filter(|step| matches!(step, Move::Act(_)))
                .count();
            assert!([0, services.len()].contains(&acts), "{kind:?}");
        }
        assert!(moves(Baseline::Nothing, &services).is_empty());
        assert_eq!(Baseline::named("expert"), None);
    }
}
