//! Whether what a scenario says makes sense: statements that exclude each
//! other, things that never happen, predictions that prove nothing.

mod expert;
mod texts;

use model::{Bound, Period, Scenario, ShopVocabulary, Symptom, Vocabulary};

use crate::decode::Decoder;
use crate::node::Node;
use crate::rule::Rule;

/// Notes what does not make sense in `scenario`, which was read from `node`.
pub(super) fn check(
    decoder: &mut Decoder,
    scenario: &Scenario,
    node: &Node,
    vocabulary: &Vocabulary,
) {
    let mut look = Look {
        decoder,
        scenario,
        node,
    };
    if let Some(shop) = vocabulary.shops.get(&scenario.shop) {
        shares(&mut look, shop);
    }
    alerts(&mut look);
    fixes(&mut look);
    row(&mut look, vocabulary);
    proof(&mut look);
    order(&mut look);
    ends(&mut look);
    expert::check(&mut look);
    texts::check(&mut look);
}

/// A scenario that is looked at, with its tree for the places.
struct Look<'a> {
    decoder: &'a mut Decoder,
    scenario: &'a Scenario,
    node: &'a Node,
}

impl Look<'_> {
    /// Notes a problem at `path`, such as `timeline/0/for`.
    fn note(&mut self, rule: Rule, path: &str, message: String, help: &str) {
        let place = self.node.place_of(path);
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.decoder.problem(rule, &place, message, help);
    }
}

/// `below` compares a share: the check has to be one.
fn shares(look: &mut Look<'_>, shop: &ShopVocabulary) {
    for (index, symptom) in look.scenario.hypothesis.symptoms.iter().enumerate() {
        let Symptom::Slo {
            check,
            below: Some(below),
        } = symptom
        else {
            continue;
        };
        let bound = shop.checks.iter().find(|known| known.name == *check);
        let path = format!("hypothesis/symptoms/{index}/below");
        match bound.map(|check| check.bound) {
            Some(Bound::AtLeast(least)) if *below > least => {
                let message = format!("`{check}` is already lost below {least}, before {below}");
                look.note(
                    Rule::Contradiction,
                    &path,
                    message,
                    "give a smaller share, or leave `below` out",
                );
            }
            Some(Bound::Within(_) | Bound::AtMost(_)) => {
                let message = format!("`below` wants a share, and `{check}` is none");
                look.note(
                    Rule::Contradiction,
                    &path,
                    message,
                    "leave `below` out: the symptom shows when the check's own bound is lost",
                );
            }
            _ => {}
        }
    }
}

/// An alert cannot have to fire and have to be silent.
fn alerts(look: &mut Look<'_>) {
    let hypothesis = &look.scenario.hypothesis;
    for (index, alert) in hypothesis.silent.iter().enumerate() {
        let symptom = Symptom::Alert(alert.clone());
        let with = if hypothesis.alerts.contains(alert) {
            "`alerts`"
        } else if hypothesis.symptoms.contains(&symptom) {
            "`symptoms`"
        } else {
            continue;
        };
        look.note(
            Rule::Contradiction,
            &format!("hypothesis/silent/{index}"),
            format!("`{alert}` cannot stand in `silent` and in {with}"),
            "delete one of the two",
        );
    }
}

/// What is right is not wrong.
fn fixes(look: &mut Look<'_>) {
    let answer = &look.scenario.answer;
    for (index, wrong) in answer.wrong.iter().enumerate() {
        if answer.fixes.contains(wrong) {
            look.note(
                Rule::Contradiction,
                &format!("answer/wrong/{index}"),
                format!("`{wrong}` cannot stand in `wrong` and in `fixes`"),
                "delete one of the two",
            );
        }
    }
}

/// The row of the failure matrix speaks of the cause, or of what it spreads to.
fn row(look: &mut Look<'_>, vocabulary: &Vocabulary) {
    let id = look.scenario.matrix.as_ref();
    let Some(row) = id.and_then(|id| vocabulary.matrix.row(id)) else {
        return;
    };
    let cause = look.scenario.answer.cause.as_ref();
    let spreads = look.scenario.hypothesis.spreads_to.contains(&row.failed);
    if cause == Some(&row.failed) || spreads {
        return;
    }
    let cause = cause.map_or("nothing", |cause| cause.as_str());
    look.note(
        Rule::OtherCause,
        "matrix",
        format!(
            "{} speaks of `{}`, and the answer's cause is {cause}",
            row.id, row.failed
        ),
        "choose the row of the cause; or name the row's part in `spreads-to`, if it suffers because of it",
    );
}

/// A fault is seen to bite, and what bites was injected.
fn proof(look: &mut Look<'_>) {
    let injects = look.scenario.breaks();
    let wrong = look.scenario.answer.cause.is_some();
    let symptoms = !look.scenario.hypothesis.symptoms.is_empty();
    if wrong && !injects {
        look.note(
            Rule::NoProof,
            "answer/cause",
            "the answer has a cause, and nothing is injected".to_owned(),
            "add an `inject` to the timeline, or say `cause: none` and `mode: none`",
        );
    }
    if wrong && injects && !symptoms {
        look.note(
            Rule::NoProof,
            "hypothesis",
            "without `symptoms` nothing shows that the fault bites".to_owned(),
            "name the check that is lost, or the alert that fires",
        );
    }
    if symptoms && !injects {
        look.note(
            Rule::NoProof,
            "hypothesis/symptoms",
            "symptoms are predicted, and nothing is injected".to_owned(),
            "add an `inject` to the timeline, or delete the symptoms",
        );
    }
}

/// Steps and hints come one after the other.
fn order(look: &mut Look<'_>) {
    let steps: Vec<Period> = look.scenario.timeline.iter().map(|step| step.at).collect();
    let hints: Vec<Period> = look.scenario.hints.iter().map(|hint| hint.after).collect();
    for (times, list, key, what) in [
        (steps, "timeline", "at", "step"),
        (hints, "hints", "after", "hint"),
    ] {
        for (index, pair) in times.windows(2).enumerate() {
            if let [before, this] = pair
                && this < before
            {
                look.note(
                    Rule::OutOfOrder,
                    &format!("{list}/{}/{key}", index + 1),
                    format!("this {what} comes at {this}, and the one above at {before}"),
                    "they are taken in the order in which they stand: sort them by time",
                );
            }
        }
    }
}

/// What comes after the drill's end never happens.
fn ends(look: &mut Look<'_>) {
    let scenario = look.scenario;
    let limit = scenario.time_limit;
    let Some(first) = scenario.timeline.first().map(|step| step.at) else {
        return;
    };
    let end = Period::from(first.duration() + limit.duration());
    for (index, step) in scenario.timeline.iter().enumerate() {
        let ended = step
            .lasts
            .map(|lasts| Period::from(step.at.duration() + lasts.duration()));
        if step.at >= end {
            let message = format!(
                "this step comes at {}, after the drill's end at {end}",
                step.at
            );
            let help = format!("`time-limit` is {limit} after the first step");
            look.note(
                Rule::NeverHappens,
                &format!("timeline/{index}/at"),
                message,
                &help,
            );
        } else if ended.is_some_and(|ended| ended >= end) {
            let message = format!("this injection does not end before the drill does, at {end}");
            let help = format!(
                "`time-limit` is {limit} after the first step; leave `for` out to keep it to the end"
            );
            look.note(
                Rule::NeverHappens,
                &format!("timeline/{index}/for"),
                message,
                &help,
            );
        }
    }
    if scenario.hypothesis.within >= limit {
        let message = format!(
            "a symptom may take {}, and the drill lasts {limit}",
            scenario.hypothesis.within
        );
        look.note(Rule::NeverHappens, "hypothesis/within", message, "");
    }
    for (index, hint) in scenario.hints.iter().enumerate() {
        if hint.after >= limit {
            let message = format!(
                "this hint comes {} after the page, and the drill lasts {limit}",
                hint.after
            );
            look.note(
                Rule::NeverHappens,
                &format!("hints/{index}/after"),
                message,
                "",
            );
        }
    }
}
