//! What happened in a drill and what it was about, in words: for the debrief, on every
//! kind of console.

use std::fmt;

use model::{Event, Happening, Outcome, Response, Scenario, Timeline, Timestamp, Undone, Verdict};

use crate::words::{clock, short};

/// What the incident cost the customers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) failed_requests: u64,
    pub(crate) orders_lost: u64,
    pub(crate) users_hit: u64,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "cost to customers: {} failed requests, {} orders lost, {} people hit",
            self.failed_requests, self.orders_lost, self.users_hit
        )
    }
}

/// What the incident cost, once it was counted.
pub(crate) fn cost(timeline: &Timeline) -> Option<Cost> {
    let events = timeline.events().iter().rev();
    events.into_iter().find_map(|event| match event.what {
        Happening::Cost {
            failed_requests,
            orders_lost,
            users_hit,
        } => Some(Cost {
            failed_requests,
            orders_lost,
            users_hit,
        }),
        _ => None,
    })
}

/// Why there is no grade.
pub(crate) fn ungraded(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Invalid(why) => vec![
            "This drill proves nothing, so there is no grade.".to_owned(),
            why.clone(),
        ],
        Verdict::Complete | Verdict::Interrupted => {
            vec!["The drill was interrupted: there is no grade.".to_owned()]
        }
    }
}

/// What was really wrong, where it spreads, what helps: a label and a text each.
pub(crate) fn right_answer(scenario: &Scenario) -> Vec<(&'static str, String)> {
    let answer = &scenario.answer;
    let cause = answer
        .cause
        .as_ref()
        .map_or("nothing was wrong".to_owned(), |cause| {
            format!("{cause}: {}", answer.mode)
        });
    let mut rows = vec![("it was", cause)];
    let suffer = &scenario.hypothesis.spreads_to;
    if !suffer.is_empty() {
        let names: Vec<&str> = suffer.iter().map(|service| service.as_str()).collect();
        rows.push(("spreads to", names.join(", ")));
    }
    let fixes = answer.fixes.iter();
    rows.extend(fixes.map(|fix| ("what helps", fix.kubectl(scenario.shop.as_str()))));
    rows
}

/// The clocks that a responder is judged by, each in words.
pub(crate) fn clock_rows(timeline: &Timeline) -> Vec<(&'static str, String)> {
    let clocks = timeline.clocks();
    let from = clocks.first_impact.or(clocks.injected);
    let text = |at: Option<Timestamp>| match (at, from) {
        (Some(at), Some(from)) => format!("{} after the first impact", short(at.since(from))),
        (Some(at), None) => clock(at),
        (None, _) => "–".to_owned(),
    };
    vec![
        ("paged", text(clocks.paged)),
        ("acknowledged", text(clocks.acknowledged)),
        ("located", text(clocks.located)),
        ("acted", text(clocks.acted)),
        ("recovered", text(clocks.recovered)),
    ]
}

/// What is worth reading: not how each check began, before there was a steady state to lose.
pub(crate) fn told(events: &[Event]) -> Vec<&Event> {
    let steady = |event: &Event| matches!(event.what, Happening::SteadyState { .. });
    let (before, after) = events.split_at(events.iter().position(steady).unwrap_or(0));
    let begun = before
        .iter()
        .filter(|event| !matches!(event.what, Happening::Observed(_)));
    begun.chain(after).collect()
}

/// An Event in a few words.
pub(crate) fn event_text(what: &Happening) -> String {
    match what {
        Happening::Started { .. } => "the drill began".to_owned(),
        Happening::ShopReady { services, .. } => format!("{} services are ready", services.len()),
        Happening::SteadyState { .. } => "steady state reached".to_owned(),
        Happening::Observed(seen) if seen.holds => format!("{} holds", seen.check),
        Happening::Observed(seen) => format!("{} does not hold", seen.check),
        Happening::FaultInjected { fault, .. } => {
            let args: Vec<String> = fault
                .args
                .iter()
                .map(|(name, value)| {
                    format!(
                        "{name}={}",
                        value.as_str().map_or(value.to_string(), str::to_owned)
                    )
                })
                .collect();
            format!("FAULT {} {}", fault.kind, args.join(" "))
        }
        Happening::FaultBit { check, .. } => format!("the fault shows in {check}"),
        Happening::ImpactSeen(impact) => format!("first impact: {} {}", impact.step, impact.seen),
        Happening::AlertFired {
            alert, severity, ..
        } => match severity {
            model::Severity::Page => format!("PAGE {alert}"),
            model::Severity::Ticket => format!("ticket {alert}"),
            model::Severity::Info => format!("trend {alert}"),
        },
        Happening::AlertResolved { alert, .. } => format!("{alert} is quiet again"),
        Happening::Responded {
            response, outcome, ..
        } => responded(response, outcome),
        Happening::HintGiven { cost, text, .. } => format!("hint (−{cost}): {text}"),
        Happening::Changed(change) => match change {
            model::Change::Restarted { service, reason } => {
                format!("{service} was restarted ({reason})")
            }
            model::Change::Scaled { service, from, to } => {
                format!("{service} was scaled from {from} to {to}")
            }
            model::Change::RolledOut { service, image } => {
                format!("{service} was rolled out ({image})")
            }
        },
        Happening::Recovered => "recovered: all SLOs hold".to_owned(),
        Happening::Relapsed { check } => format!("relapsed: {check}"),
        Happening::FaultUndone { how, verified, .. } => {
            let told = match how {
                Undone::Reverted => "the fault was undone",
                Undone::TargetGone => "the fault is gone: what it had broken was replaced",
                Undone::LeaseExpired => "the fault ended with its lease",
                Undone::Failed => "the fault could not be undone",
            };
            let doubt = if *verified { "" } else { " (not verified)" };
            format!("{told}{doubt}")
        }
        Happening::Cost { orders_lost, .. } => format!("{orders_lost} orders were lost"),
        Happening::Impacts { journeys } => {
            let journeys: Vec<String> = journeys
                .iter()
                .map(|hit| {
                    format!(
                        "{} ({} of {})",
                        hit.journey,
                        hit.failed + hit.slow,
                        hit.requests
                    )
                })
                .collect();
            format!("journeys hit: {}", journeys.join(", "))
        }
        Happening::Finished(Verdict::Complete) => "the drill is over".to_owned(),
        Happening::Finished(Verdict::Invalid(why)) => format!("invalid: {why}"),
        Happening::Finished(Verdict::Interrupted) => "interrupted".to_owned(),
    }
}

/// What a responder did, in a few words.
pub(crate) fn responded(response: &Response, outcome: &Outcome) -> String {
    let text = match response {
        Response::Acknowledge => "you acknowledged the page".to_owned(),
        Response::Declare(severity) => format!("you declared it {severity:?}").to_lowercase(),
        Response::Query(query) => format!("you asked {:?}: {}", query.backend, query.text),
        Response::Diagnose(diagnosis) => {
            let cause = diagnosis
                .cause
                .as_ref()
                .map_or("nothing", |cause| cause.as_str());
            format!("you diagnosed {cause}, {}", diagnosis.mode)
        }
        Response::Act(action) => format!("you did: {action}"),
        Response::Update(text) => format!("you told the stakeholders: {text}"),
        Response::Resolve => "you resolved the incident".to_owned(),
        Response::Hint => "you asked for a hint".to_owned(),
    };
    match outcome {
        Outcome::Refused(why) => format!("{text} – refused: {why}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Observation;

    #[test]
    fn how_checks_began_is_not_told_but_what_they_lost_is() {
        let seen = |holds| {
            Happening::Observed(Observation {
                check: "checkout-availability".into(),
                value: None,
                holds,
            })
        };
        let steady = Happening::SteadyState {
            observations: Vec::new(),
        };
        let all = [seen(false), seen(true), steady, seen(false), seen(true)];
        let events: Vec<Event> = (0..)
            .zip(all)
            .map(|(seq, what)| Event {
                seq,
                at: Timestamp::from_millis(seq * 1_000),
                what,
            })
            .collect();
        let kept: Vec<u64> = told(&events).iter().map(|event| event.seq).collect();
        assert_eq!(kept, [2, 3, 4]);
    }
}
