//! How the incident stands, and what a session begins with.

use model::{FailureMode, Severity};
use serde_json::{Value, json};

use super::told::Told;
use crate::state::{SEVERITIES, State};
use crate::words::{clock, paragraphs, short};

/// How many complaints are told.
const COMPLAINTS: usize = 10;

/// A severity as it is written.
pub(super) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Ticket => "ticket",
        Severity::Page => "page",
    }
}

/// What the drill is about.
pub(super) fn briefing(state: &State) -> Told {
    let scenario = &state.facts.scenario;
    let addresses = state.facts.addresses.iter();
    let addresses: Vec<String> = addresses
        .map(|(label, at)| format!("{label}: {at}"))
        .collect();
    let briefing: Vec<String> = paragraphs(&scenario.briefing).collect();
    let services: Vec<&str> = state
        .facts
        .services
        .iter()
        .map(|name| name.as_str())
        .collect();
    let rows = briefing.iter().chain(&addresses).cloned();
    Told::new(
        state.now,
        "briefing",
        format!("briefing: {}", scenario.title),
    )
    .rows(rows)
    .rows([
        format!("services: {}", services.join(", ")),
        "write `help` for the commands".to_owned(),
    ])
    .with("title", json!(scenario.title))
    .with("briefing", json!(briefing.join("\n")))
    .with("addresses", json!(addresses))
    .with("shop", json!(scenario.shop))
    .with("services", json!(services))
}

/// How the incident stands.
pub(super) fn status(state: &State) -> Told {
    let clocks = state.timeline.clocks();
    let phase = match clocks {
        _ if clocks.recovered.is_some() => "recovered",
        _ if clocks.acknowledged.is_some() => "acknowledged",
        _ if clocks.paged.is_some() => "paged",
        _ if state.steady() => "steady",
        _ => "getting ready",
    };
    let times = [
        ("paged", clocks.paged),
        ("acknowledged", clocks.acknowledged),
        ("recovered", clocks.recovered),
    ];
    let mut told =
        Told::new(state.now, "status", format!("status: {phase}")).with("phase", json!(phase));
    for (name, at) in times {
        let row = at.map(|at| {
            format!(
                "{name} {} ago, at {}",
                short(state.now.since(at)),
                clock(at)
            )
        });
        told = told.rows(row).with(name, json!(at));
    }
    hint(complaints(slos(alerts(told, state), state), state), state)
}

fn alerts(told: Told, state: &State) -> Told {
    let firing = &state.incident.firing;
    let facts: Vec<Value> = firing
        .iter()
        .map(|alert| {
            json!({
                "alert": alert.alert,
                "severity": severity_word(alert.severity),
                "service": alert.service,
                "summary": alert.summary,
                "runbook": alert.runbook,
                "since": alert.since,
            })
        })
        .collect();
    let rows = firing.iter().map(|alert| {
        let word = severity_word(alert.severity);
        let since = short(state.now.since(alert.since));
        format!(
            "alert: {word} {} for {since}: {}",
            alert.alert, alert.summary
        )
    });
    let none = firing.is_empty().then(|| "no alert fires".to_owned());
    told.rows(none.into_iter().chain(rows))
        .with("alerts", json!(facts))
}

fn slos(told: Told, state: &State) -> Told {
    let slos = &state.incident.slos;
    let facts: Vec<Value> = slos
        .iter()
        .map(|slo| {
            json!({
                "name": slo.check.name,
                "title": slo.check.title,
                "value": slo.now().and_then(|(value, _)| value),
                "holds": slo.now().map(|(_, holds)| holds),
            })
        })
        .collect();
    let rows = slos.iter().map(|slo| {
        let word = match slo.now() {
            None => "not measured yet".to_owned(),
            Some((None, _)) => "does not hold, no data".to_owned(),
            Some((Some(value), true)) => format!("holds, {}", slo.check.bound.show(value)),
            Some((Some(value), false)) => format!("does not hold, {}", slo.check.bound.show(value)),
        };
        format!("SLO {}: {word}: {}", slo.check.name, slo.check.title)
    });
    told.rows(rows).with("slos", json!(facts))
}

fn complaints(told: Told, state: &State) -> Told {
    let complaints = &state.incident.complaints;
    let shown = complaints.iter().take(COMPLAINTS);
    let facts: Vec<Value> = shown
        .clone()
        .map(|complaint| {
            json!({
                "at": complaint.at,
                "step": complaint.step,
                "seen": complaint.seen,
                "trace": complaint.trace_id,
            })
        })
        .collect();
    let rows = shown.map(|complaint| {
        let at = clock(complaint.at);
        let trace = &complaint.trace_id;
        format!(
            "customer at {at}: {}: {} (trace {trace})",
            complaint.step, complaint.seen
        )
    });
    let none = match &state.incident.trouble {
        Some(trouble) => Some(format!("what customers see is not known: {trouble}")),
        None if complaints.is_empty() => {
            Some("no customer complained in the last two minutes".to_owned())
        }
        None => None,
    };
    told.rows(none.into_iter().chain(rows))
        .with("complaints", json!(facts))
        .with("trouble", json!(state.incident.trouble))
}

fn hint(told: Told, state: &State) -> Told {
    let Some(hint) = &state.incident.hint else {
        return told.with("hint", Value::Null);
    };
    let when = match hint.due_in {
        Some(wait) if wait.as_millis() == 0 => "now".to_owned(),
        Some(wait) => format!("in {}", short(wait)),
        None => "after the page".to_owned(),
    };
    let wait = hint.due_in.map(|wait| wait.as_millis());
    told.rows([format!(
        "a hint can be had {when}, for {} points",
        hint.cost
    )])
    .with("hint", json!({"cost": hint.cost, "due-in-ms": wait}))
}

/// The values from which an answer chooses, with what they mean.
pub(super) fn vocabulary(state: &State) -> Told {
    let services = state.facts.services.iter().map(|name| name.as_str());
    let causes: Vec<&str> = std::iter::once("none").chain(services).collect();
    let modes = FailureMode::ALL.map(|mode| (mode.to_string(), mode.meaning().to_owned()));
    let rows = state.facts.rows.iter();
    let rows = rows.map(|row| {
        (
            row.id.to_string(),
            format!("{}; they see: {}", row.impact, row.experience),
        )
    });
    let nothing = (
        "none".to_owned(),
        "customers notice nothing of the matrix".to_owned(),
    );
    let impacts: Vec<(String, String)> = std::iter::once(nothing).chain(rows).collect();
    let severities = SEVERITIES.map(severity_word);
    let meant = |field: &str, pairs: &[(String, String)]| {
        let each = pairs
            .iter()
            .map(|(value, means)| format!("{field}={value}: {means}"));
        each.collect::<Vec<String>>()
    };
    let object = |pairs: &[(String, String)]| {
        let pairs = pairs
            .iter()
            .map(|(value, means)| (value.clone(), json!(means)));
        Value::Object(pairs.collect())
    };
    Told::new(
        state.now,
        "vocabulary",
        "vocabulary: answer cause=... mode=... impact=... severity=...",
    )
    .rows([format!("cause is one of: {}", causes.join(", "))])
    .rows(meant("mode", &modes))
    .rows(meant("impact", &impacts))
    .rows([format!("severity is one of: {}", severities.join(", "))])
    .with("cause", json!(causes))
    .with("mode", object(&modes))
    .with("impact", object(&impacts))
    .with("severity", json!(severities))
}
