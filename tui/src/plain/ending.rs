//! The debrief: the grade with its reasons, what was wrong, what it cost, the whole story.

use model::{Grade, Timestamp, Verdict};
use serde_json::{Map, Value, json};

use super::told::Told;
use crate::state::State;
use crate::story;
use crate::words::clock;

/// All that is told when the drill is over.
pub(super) fn ending(state: &State, verdict: &Verdict, at: Timestamp) -> Vec<Told> {
    let grade = match &state.grade {
        Some(grade) => graded(grade, at),
        None => {
            let mut rows = story::ungraded(verdict).into_iter();
            Told::new(at, "grade", rows.next().unwrap_or_default())
                .rows(rows)
                .with("total", Value::Null)
        }
    };
    vec![grade, debrief(state, at), whole_story(state, at)]
}

fn graded(grade: &Grade, at: Timestamp) -> Told {
    let word = if grade.passed { "passed" } else { "not passed" };
    let scores = grade.scores.iter().map(|score| {
        let name = score.criterion.name();
        format!(
            "{name}: {:.1} of {}: {}",
            score.points, score.of, score.reason
        )
    });
    let deductions = grade.deductions.iter();
    let taken = deductions.map(|taken| format!("taken: {:.1}: {}", taken.points, taken.reason));
    let cap = grade.cap.iter();
    let cap = cap.map(|(most, reason)| format!("at most {most}: {reason}"));
    let rows: Vec<String> = scores.chain(taken).chain(cap).collect();
    let text = format!(
        "grade: {:.1} of 100, {word} ({} needed)",
        grade.total, grade.pass_mark
    );
    Told::new(at, "grade", text)
        .rows(rows)
        .with("total", json!(grade.total))
        .with("pass-mark", json!(grade.pass_mark))
        .with("passed", json!(grade.passed))
        .with("scores", json!(grade.scores))
        .with("deductions", json!(grade.deductions))
        .with("cap", json!(grade.cap))
}

fn debrief(state: &State, at: Timestamp) -> Told {
    let scenario = &state.facts.scenario;
    let right = story::right_answer(scenario);
    let text = right.first().map_or(String::new(), |(label, text)| {
        format!("debrief: {label} {text}")
    });
    let clocks = story::clock_rows(&state.timeline);
    let cost = story::cost(&state.timeline);
    let rows = right
        .iter()
        .skip(1)
        .chain(&clocks)
        .map(|(label, text)| format!("{label}: {text}"))
        .chain(cost.map(|cost| cost.to_string()));
    let fixes = scenario.answer.fixes.iter();
    let fixes: Vec<String> = fixes
        .map(|fix| fix.kubectl(scenario.shop.as_str()))
        .collect();
    let cost = cost.map(|cost| {
        json!({
            "failed-requests": cost.failed_requests,
            "orders-lost": cost.orders_lost,
            "users-hit": cost.users_hit,
        })
    });
    Told::new(at, "debrief", text)
        .rows(rows)
        .with("cause", json!(scenario.answer.cause))
        .with("mode", json!(scenario.answer.mode))
        .with("spreads-to", json!(scenario.hypothesis.spreads_to))
        .with("fixes", json!(fixes))
        .with("clocks", json!(state.timeline.clocks()))
        .with("cost", json!(cost))
}

fn whole_story(state: &State, at: Timestamp) -> Told {
    let mut events = story::told(state.timeline.events());
    events.sort_by_key(|event| (event.at, event.seq));
    let rows = events
        .iter()
        .map(|event| format!("{} {}", clock(event.at), story::event_text(&event.what)));
    let facts = events.iter().map(|event| {
        let mut fact = Map::new();
        fact.insert("seq".to_owned(), json!(event.seq));
        fact.insert("at".to_owned(), json!(event.at));
        fact.insert("text".to_owned(), json!(story::event_text(&event.what)));
        Value::Object(fact)
    });
    let facts = Value::Array(facts.collect());
    Told::new(at, "story", "the whole story:")
        .rows(rows)
        .with("events", facts)
}
