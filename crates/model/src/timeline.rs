//! The journal of one drill, and the clocks that are read from it.

use serde::{Deserialize, Serialize};

use crate::{Event, Happening, Outcome, Period, Response, Scenario, Severity, Timestamp};

/// The Events of one drill, in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    events: Vec<Event>,
}

/// When what happened, where it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Clocks {
    /// The first fault (or harmless change) went in.
    pub injected: Option<Timestamp>,
    /// A customer first met an error or slowness.
    pub first_impact: Option<Timestamp>,
    /// The first page fired after the injection.
    pub paged: Option<Timestamp>,
    /// The responder took the page.
    pub acknowledged: Option<Timestamp>,
    /// The responder first named the service at fault, rightly.
    pub located: Option<Timestamp>,
    /// The responder first did one of the scenario's fixes.
    pub acted: Option<Timestamp>,
    /// The SLOs held again, for good.
    pub recovered: Option<Timestamp>,
    /// The drill ended.
    pub finished: Option<Timestamp>,
}

impl Clocks {
    /// How long monitoring took to notice: from the first user-visible impact
    /// (from the injection, where customers noticed nothing before the page)
    /// to the first page.
    pub fn detection(&self) -> Option<Period> {
        let paged = self.paged?;
        let noticed = self.first_impact.filter(|impact| *impact <= paged);
        let from = noticed.or(self.injected)?;
        Some(paged.since(from))
    }
}

impl Timeline {
    /// A timeline of `events`.
    pub fn new(events: Vec<Event>) -> Self {
        Self { events }
    }

    /// Adds the next Event.
    pub fn push(&mut self, event: Event) {
        self.events.push(event);
    }

    /// The Events, in the order in which they were written.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The scenario that was run, once the drill has started.
    pub fn scenario(&self) -> Option<&Scenario> {
        self.events.iter().find_map(|event| match &event.what {
            Happening::Started { scenario, .. } => Some(scenario.as_ref()),
            _ => None,
        })
    }

    /// The clocks as they stand.
    pub fn clocks(&self) -> Clocks {
        let mut clocks = Clocks::default();
        let answer = self.scenario().map(|scenario| &scenario.answer);
        for event in &self.events {
            let at = event.at;
            match &event.what {
                Happening::FaultInjected { .. } => first(&mut clocks.injected, at),
                // A request is known when it ends: a later Event can correct an earlier one.
                Happening::ImpactSeen(_) => {
                    let earliest = clocks.first_impact.map_or(at, |known| known.min(at));
                    clocks.first_impact = Some(earliest);
                }
                Happening::AlertFired {
                    severity: Severity::Page,
                    ..
                } if clocks.injected.is_some() => {
                    first(&mut clocks.paged, at);
                }
                Happening::Responded {
                    response, outcome, ..
                } => match response {
                    Response::Acknowledge => first(&mut clocks.acknowledged, at),
                    Response::Diagnose(diagnosis)
                        if answer.is_some_and(|answer| answer.cause == diagnosis.cause) =>
                    {
                        first(&mut clocks.located, at);
                    }
                    Response::Act(action)
                        if *outcome == Outcome::Accepted
                            && answer.is_some_and(|answer| answer.fixes.contains(action)) =>
                    {
                        first(&mut clocks.acted, at);
                    }
                    _ => {}
                },
                Happening::Recovered => first(&mut clocks.recovered, at),
                Happening::Relapsed { .. } => clocks.recovered = None,
                Happening::Finished(_) => first(&mut clocks.finished, at),
                _ => {}
            }
        }
        clocks
    }
}

fn first(clock: &mut Option<Timestamp>, at: Timestamp) {
    clock.get_or_insert(at);
}
