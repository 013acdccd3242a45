//! The seven criteria, one function each.

use model::{Backend, Criterion, FailureMode, Period, Rubric, Score, Severity, Timestamp};

use crate::distance::hops;
use crate::facts::Facts;
use crate::tenth;

/// Every criterion's score, in the rubric's order.
pub(crate) fn scores(facts: &Facts<'_>, rubric: &Rubric) -> Vec<Score> {
    vec![
        detect(facts, rubric),
        locate(facts, rubric),
        diagnose(facts, rubric),
        impact(facts, rubric),
        mitigate(facts, rubric),
        evidence(facts, rubric),
        communicate(facts, rubric),
    ]
}

fn score(
    criterion: Criterion,
    share: f64,
    of: u32,
    reason: impl Into<String>,
    events: Vec<u64>,
) -> Score {
    Score {
        criterion,
        points: tenth(share.clamp(0.0, 1.0) * f64::from(of)),
        of,
        reason: reason.into(),
        events,
    }
}

/// 1 within `limit`, falling in a straight line to 0 at three times `limit`.
fn in_time(from: Timestamp, to: Timestamp, limit: Period) -> f64 {
    let taken = to.since(from).as_secs_f64();
    let limit = limit.as_secs_f64().max(1e-3);
    (1.0 - (taken - limit) / (2.0 * limit)).clamp(0.0, 1.0)
}

fn detect(facts: &Facts<'_>, rubric: &Rubric) -> Score {
    let of = rubric.detect;
    let criterion = Criterion::Detect;
    if facts.healthy() {
        return match &facts.diagnosis {
            Some(diagnosis) if diagnosis.what.cause.is_none() => score(
                criterion,
                1.0,
                of,
                "saw that nothing is wrong",
                vec![diagnosis.seq],
            ),
            Some(diagnosis) => score(
                criterion,
                0.0,
                of,
                "raised a false alarm",
                vec![diagnosis.seq],
            ),
            None => score(
                criterion,
                0.0,
                of,
                "never said whether anything is wrong",
                vec![],
            ),
        };
    }
    match (&facts.acknowledged, facts.called()) {
        (Some(taken), Some(called)) => {
            let share = in_time(called, taken.at, rubric.acknowledge_within);
            let reason = format!(
                "acknowledged {} after the page (full points within {})",
                taken.at.since(called),
                rubric.acknowledge_within
            );
            let mut events = vec![taken.seq];
            events.extend(facts.page.as_ref().map(|page| page.seq));
            score(criterion, share, of, reason, events)
        }
        _ => score(criterion, 0.0, of, "never acknowledged the page", vec![]),
    }
}

/// How close the diagnosis is to the service at fault: 1/(1+hops).
fn proximity(facts: &Facts<'_>) -> Option<(f64, u64, String)> {
    let diagnosis = facts.diagnosis.as_ref()?;
    let share = match (&facts.scenario.answer.cause, &diagnosis.what.cause) {
        (None, None) => (1.0, "rightly said that nothing is wrong".to_owned()),
        (None, Some(named)) => (0.0, format!("blamed {named}, but nothing is wrong")),
        (Some(cause), None) => (0.0, format!("said that nothing is wrong; it was {cause}")),
        (Some(cause), Some(named)) => match hops(facts.calls, named, cause) {
            Some(0) => (1.0, format!("named {cause}")),
            Some(hops) => (
                1.0 / f64::from(1 + hops),
                format!("named {named}, {hops} call(s) away from {cause}"),
            ),
            None => (0.0, format!("named {named}; it was {cause}")),
        },
    };
    Some((share.0, diagnosis.seq, share.1))
}

fn locate(facts: &Facts<'_>, rubric: &Rubric) -> Score {
    match proximity(facts) {
        Some((share, seq, reason)) => {
            score(Criterion::Locate, share, rubric.locate, reason, vec![seq])
        }
        None => score(
            Criterion::Locate,
            0.0,
            rubric.locate,
            "gave no diagnosis",
            vec![],
        ),
    }
}

fn diagnose(facts: &Facts<'_>, rubric: &Rubric) -> Score {
    let of = rubric.diagnose;
    let criterion = Criterion::Diagnose;
    let (Some(diagnosis), Some((near, seq, _))) = (&facts.diagnosis, proximity(facts)) else {
        return score(criterion, 0.0, of, "gave no diagnosis", vec![]);
    };
    let (said, right) = (diagnosis.what.mode, facts.scenario.answer.mode);
    let (share, reason) = if said == right {
        (1.0, format!("named the failure mode, {right}"))
    } else if alike(said, right) {
        (0.5, format!("said {said}; close to {right}"))
    } else {
        (0.0, format!("said {said}; it was {right}"))
    };
    score(criterion, share * near, of, reason, vec![seq])
}

/// Modes that look much the same from outside: half of the points.
fn alike(a: FailureMode, b: FailureMode) -> bool {
    use FailureMode::{
        BadRelease, Crash, CrashLoop, Freeze, Hang, Latency, Misconfigured, Network, OutOfMemory,
        Saturated,
    };
    let pair = |x, y| (a == x && b == y) || (a == y && b == x);
    pair(Hang, Freeze)
        || pair(Crash, CrashLoop)
        || pair(Crash, OutOfMemory)
        || pair(CrashLoop, BadRelease)
        || pair(CrashLoop, Misconfigured)
        || pair(BadRelease, Misconfigured)
        || pair(Latency, Network)
        || pair(Latency, Saturated)
}

fn impact(facts: &Facts<'_>, rubric: &Rubric) -> Score {
    let criterion = Criterion::Impact;
    let mut events = Vec::new();
    let mut reasons = Vec::new();
    let mut share = 0.0;
    match &facts.diagnosis {
        Some(diagnosis) if diagnosis.what.impact.as_ref() == facts.row.map(|row| &row.id) => {
            share += 0.5;
            events.push(diagnosis.seq);
            reasons.push("said rightly what customers notice".to_owned());
        }
        Some(diagnosis) => {
            events.push(diagnosis.seq);
            let right = facts
                .row
                .map_or("nothing".to_owned(), |row| row.experience.clone());
            reasons.push(format!("customers noticed: {right}"));
        }
        None => reasons.push("did not say what customers notice".to_owned()),
    }
    let right = facts.scenario.answer.severity;
    match &facts.severity {
        Some(said) => {
            events.push(said.seq);
            let (part, reason) = if said.what == right {
                (0.5, "declared the right severity".to_owned())
            } else {
                let near = said.what == Severity::Ticket || right == Severity::Ticket;
                (
                    if near { 0.2 } else { 0.0 },
                    format!("the severity was {}", name(right)),
                )
            };
            share += part;
            reasons.push(reason);
        }
        None => reasons.push("declared no severity".to_owned()),
    }
    score(criterion, share, rubric.impact, reasons.join("; "), events)
}

fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Ticket => "ticket",
        Severity::Page => "page",
    }
}

fn mitigate(facts: &Facts<'_>, rubric: &Rubric) -> Score {
    let of = rubric.mitigate;
    let criterion = Criterion::Mitigate;
    if facts.healthy() {
        return match (facts.actions.first(), &facts.diagnosis) {
            (Some(action), _) => score(
                criterion,
                0.0,
                of,
                "changed a healthy shop",
                vec![action.seq],
            ),
            (None, Some(diagnosis)) => score(
                criterion,
                1.0,
                of,
                "left a healthy shop alone",
                vec![diagnosis.seq],
            ),
            (None, None) => score(criterion, 0.0, of, "did nothing at all", vec![]),
        };
    }
    if let Some(hidden) = facts.left_at_zero.first() {
        let reason = format!(
            "{} was left without pods: that hides the symptom",
            hidden.what
        );
        return score(criterion, 0.0, of, reason, vec![hidden.seq]);
    }
    let (Some(recovered), Some(called)) = (&facts.recovered, facts.called()) else {
        return score(
            criterion,
            0.0,
            of,
            "the shop did not recover for good",
            vec![],
        );
    };
    let fixes = &facts.scenario.answer.fixes;
    let fix = facts.actions.iter().find(|done| fixes.contains(done.what));
    let changed = facts.changes.first();
    if fix.is_none() && !fixes.is_empty() && facts.actions.is_empty() && changed.is_none() {
        return score(
            criterion,
            0.0,
            of,
            "did nothing to end it",
            vec![recovered.seq],
        );
    }
    let share = in_time(called, recovered.at, rubric.mitigate_within);
    let reason = format!(
        "the SLOs held again {} after the page (full points within {})",
        recovered.at.since(called),
        rubric.mitigate_within
    );
    let done = fix.map(|done| done.seq).or(changed.map(|done| done.seq));
    let events = done.into_iter().chain([recovered.seq]).collect();
    score(criterion, share, of, reason, events)
}

/// The backends that showed a symptom of the service at fault, or of one next
/// to it, before the diagnosis; each with the query that did first.
pub(crate) fn looked(facts: &Facts<'_>) -> Vec<(Backend, u64)> {
    let until = facts.diagnosis.as_ref().map_or(facts.end, |done| done.at);
    let mut backends: Vec<(Backend, u64)> = Vec::new();
    for query in facts.queries.iter().filter(|query| query.at <= until) {
        let (asked, evidence) = query.what;
        let showed = match &facts.scenario.answer.cause {
            None => evidence.results > 0,
            Some(cause) => evidence.signs.iter().any(|signs| {
                signs.show_a_symptom()
                    && hops(facts.calls, &signs.service, cause).is_some_and(|hops| hops <= 1)
            }),
        };
        if showed
            && !backends
                .iter()
                .any(|(backend, _)| *backend == asked.backend)
        {
            backends.push((asked.backend, query.seq));
        }
    }
    backends
}

/// Half of the points for each backend that showed the symptom in time.
fn evidence(facts: &Facts<'_>, rubric: &Rubric) -> Score {
    let of = rubric.evidence;
    let criterion = Criterion::Evidence;
    let backends = looked(facts);
    let reason = match backends.len() {
        0 => "no query showed the symptom before the diagnosis",
        1 => "one kind of telemetry showed the symptom before the diagnosis",
        _ => "two kinds of telemetry showed the symptom before the diagnosis",
    };
    let share = backends.len() as f64 / 2.0;
    let events = backends.into_iter().map(|(_, seq)| seq).collect();
    score(criterion, share, of, reason, events)
}

fn communicate(facts: &Facts<'_>, rubric: &Rubric) -> Score {
    let of = rubric.communicate;
    let criterion = Criterion::Communicate;
    let from = facts.called().unwrap_or(facts.end);
    let until = facts.recovered.as_ref().map_or(facts.end, |done| done.at);
    let lasted = until.since(from).as_secs_f64();
    let due = (lasted / rubric.update_every.as_secs_f64().max(1.0))
        .floor()
        .max(1.0);
    let given = facts.updates.len() as f64;
    let reason = format!("{given} of {due} update(s) that were due");
    let events = facts.updates.iter().map(|done| done.seq).collect();
    score(criterion, given / due, of, reason, events)
}
