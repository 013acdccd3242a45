//! What the grader reads from a timeline, in one pass.

use std::collections::BTreeSet;

use model::{
    Action, CallEdge, Change, Clocks, Diagnosis, Event, Evidence, Happening, MatrixRow, Outcome,
    Query, Response, Scenario, ServiceName, Severity, Timeline, Timestamp, Verdict,
};

use crate::Ungraded;

/// A response with where it stands in the journal.
pub(crate) struct Done<T> {
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) what: T,
}

/// What a drill comes to, for grading.
pub(crate) struct Facts<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) row: Option<&'a MatrixRow>,
    pub(crate) calls: &'a [CallEdge],
    pub(crate) clocks: Clocks,
    pub(crate) page: Option<Done<()>>,
    pub(crate) acknowledged: Option<Done<()>>,
    pub(crate) recovered: Option<Done<()>>,
    pub(crate) diagnosis: Option<Done<&'a Diagnosis>>,
    pub(crate) severity: Option<Done<Severity>>,
    pub(crate) actions: Vec<Done<&'a Action>>,
    pub(crate) queries: Vec<Done<(&'a Query, &'a Evidence)>>,
    /// Changes of the service at fault that somebody made after the page, in
    /// whatever way: by the console, by `kubectl`.
    pub(crate) changes: Vec<Done<()>>,
    pub(crate) updates: Vec<Done<()>>,
    pub(crate) hints: Vec<Done<u32>>,
    /// Services scaled to nothing at the end of the drill by somebody other than the lab.
    pub(crate) left_at_zero: Vec<Done<&'a ServiceName>>,
    pub(crate) end: Timestamp,
}

impl<'a> Facts<'a> {
    /// Reads `timeline`.
    pub(crate) fn read(timeline: &'a Timeline) -> Result<Self, Ungraded> {
        let events = timeline.events();
        let (scenario, row) = events
            .iter()
            .find_map(|event| match &event.what {
                Happening::Started { scenario, row, .. } => Some((scenario.as_ref(), row.as_ref())),
                _ => None,
            })
            .ok_or(Ungraded::NeverStarted)?;
        let end = finished(events)?;
        let mut facts = Self {
            scenario,
            row,
            calls: &[],
            clocks: timeline.clocks(),
            page: None,
            acknowledged: None,
            recovered: None,
            diagnosis: None,
            severity: None,
            actions: Vec::new(),
            queries: Vec::new(),
            changes: Vec::new(),
            updates: Vec::new(),
            hints: Vec::new(),
            left_at_zero: Vec::new(),
            end,
        };
        let mut injected = BTreeSet::new();
        for event in events {
            facts.take(event, &mut injected);
        }
        Ok(facts)
    }

    /// Whether the scenario is one in which nothing is wrong.
    pub(crate) fn healthy(&self) -> bool {
        self.scenario.answer.cause.is_none()
    }

    /// When the responder's time began: the page, or else the first impact, or
    /// else the injection.
    pub(crate) fn called(&self) -> Option<Timestamp> {
        self.clocks
            .paged
            .or(self.clocks.first_impact)
            .or(self.clocks.injected)
    }

    fn take(&mut self, event: &'a Event, injected: &mut BTreeSet<&'a str>) {
        let done = || Done {
            seq: event.seq,
            at: event.at,
            what: (),
        };
        match &event.what {
            Happening::ShopReady { calls, .. } => self.calls = calls,
            Happening::FaultInjected { fault, .. } => {
                if let Some(service) = fault.args.get("service").and_then(|s| s.as_str()) {
                    injected.insert(service);
                }
            }
            Happening::AlertFired {
                severity: Severity::Page,
                ..
            } if self.page.is_none() && self.clocks.paged == Some(event.at) => {
                self.page = Some(done());
            }
            Happening::Recovered => self.recovered = Some(done()),
            Happening::Relapsed { .. } => self.recovered = None,
            Happening::HintGiven { cost, .. } => self.hints.push(Done {
                seq: event.seq,
                at: event.at,
                what: *cost,
            }),
            Happening::Changed(change) => self.changed(event, change, injected),
            Happening::Responded {
                response, outcome, ..
            } => self.respond(event, response, outcome),
            _ => {}
        }
    }

    fn changed(&mut self, event: &Event, change: &'a Change, injected: &BTreeSet<&'a str>) {
        let (service, made) = match change {
            Change::Restarted { service, reason } => (service, reason == "Deleted"),
            Change::Scaled { service, to, .. } => (service, *to > 0),
            Change::RolledOut { service, .. } => (service, true),
        };
        let after_page = self.clocks.paged.is_some_and(|paged| event.at >= paged);
        if made && after_page && self.scenario.answer.cause.as_ref() == Some(service) {
            self.changes.push(Done {
                seq: event.seq,
                at: event.at,
                what: (),
            });
        }
        match change {
            Change::Scaled { service, to, .. } => {
                self.left_at_zero.retain(|left| left.what != service);
                if *to == 0 && !injected.contains(service.as_str()) {
                    self.left_at_zero.push(Done {
                        seq: event.seq,
                        at: event.at,
                        what: service,
                    });
                }
            }
            Change::Restarted { .. } | Change::RolledOut { .. } => {}
        }
    }

    fn respond(&mut self, event: &'a Event, response: &'a Response, outcome: &'a Outcome) {
        let (seq, at) = (event.seq, event.at);
        match response {
            Response::Acknowledge if self.acknowledged.is_none() => {
                self.acknowledged = Some(Done { seq, at, what: () });
            }
            Response::Declare(severity) => {
                self.severity = Some(Done {
                    seq,
                    at,
                    what: *severity,
                });
            }
            Response::Diagnose(diagnosis) => {
                self.diagnosis = Some(Done {
                    seq,
                    at,
                    what: diagnosis,
                });
            }
            Response::Act(action) if *outcome == Outcome::Accepted => {
                self.act(seq, at, action);
            }
            Response::Query(query) => {
                if let Outcome::Answered(evidence) = outcome {
                    self.queries.push(Done {
                        seq,
                        at,
                        what: (query, evidence),
                    });
                }
            }
            Response::Update(_) => self.updates.push(Done { seq, at, what: () }),
            _ => {}
        }
    }

    fn act(&mut self, seq: u64, at: Timestamp, action: &'a Action) {
        self.actions.push(Done {
            seq,
            at,
            what: action,
        });
        if let Action::Scale { service, replicas } = action {
            self.left_at_zero.retain(|left| left.what != service);
            if *replicas == 0 {
                self.left_at_zero.push(Done {
                    seq,
                    at,
                    what: service,
                });
            }
        }
    }
}

fn finished(events: &[Event]) -> Result<Timestamp, Ungraded> {
    let verdict = events.iter().find_map(|event| match &event.what {
        Happening::Finished(verdict) => Some((event.at, verdict)),
        _ => None,
    });
    match verdict {
        None => Err(Ungraded::Unfinished),
        Some((at, Verdict::Complete)) => Ok(at),
        Some((_, Verdict::Invalid(why))) => Err(Ungraded::Invalid(why.clone())),
        Some((_, Verdict::Interrupted)) => Err(Ungraded::Interrupted),
    }
}
