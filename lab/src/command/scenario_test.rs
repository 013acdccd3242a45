//! `shoplab scenario test`: whether a scenario is one that can be relied on.

use std::time::Instant;

use model::{Happening, Proof, Scenario, Timeline};

use crate::assets::Assets;
use crate::cli::ScenarioTest;
use crate::conduct::Shared;
use crate::error::LabError;
use crate::exit::Exit;
use crate::outcome::DrillResult;
use crate::report::table::Table;
use crate::runner::{self, FirstFailure, Invalid, Lanes};
use crate::suite::{EXPERT, Plan, SuiteReport, Tried, TriedKind, Way};
use crate::{report, select, vocabulary};

/// Runs the expert, every declared wrong fix and every baseline of a scenario,
/// and searches a responder's reach for the answer.
pub(crate) fn test(args: ScenarioTest) -> Result<(String, Exit), LabError> {
    let assets = Assets::new(args.places.assets.clone())?;
    let vocabulary = vocabulary::read(&assets)?;
    let scenarios = select::scenarios(std::slice::from_ref(&args.scenario), &assets, &vocabulary)?;
    let plan = Plan {
        name: "scenario test".to_owned(),
        title: args.scenario.clone(),
        scenarios: scenarios.clone(),
        proofs: Proof::ALL.to_vec(),
        seed: args.seed,
        repeat: 1,
    };
    let jobs = plan.jobs(&args.out)?;
    let planned = jobs.len();
    let lanes = Lanes {
        count: args.jobs.unwrap_or_else(runner::lanes_of_this_machine),
        first_failure: FirstFailure::GoesOn,
        invalid: Invalid::asked(args.again),
    };
    let began = Instant::now();
    let shared = Shared::new(assets, vocabulary, args.places.state.clone());
    let ended = runner::run(jobs, shared, lanes)?;
    let bites: Vec<(String, String)> = scenarios
        .iter()
        .filter_map(|scenario| {
            let of = |ended: &&runner::Ended| ended.job.scenario.name == scenario.name;
            let expert = ended.iter().find(of)?;
            Some((scenario.name.clone(), bite(scenario, &expert.timeline)))
        })
        .collect();
    let took = began.elapsed().as_millis() as u64;
    let report = SuiteReport::new(&plan, None, ended, planned, took);
    report::suite::write(&report, &args.out)?;
    Ok((table(&report, &bites), report.exit()))
}

/// How the fault-bite gate was passed, in words.
fn bite(scenario: &Scenario, timeline: &Timeline) -> String {
    if scenario.hypothesis.symptoms.is_empty() {
        return "no symptom is predicted".to_owned();
    }
    let injected = timeline.clocks().injected;
    let bit = timeline
        .events()
        .iter()
        .find_map(|event| match &event.what {
            Happening::FaultBit { check, .. } => Some((event.at, check)),
            _ => None,
        });
    match (injected, bit) {
        (Some(injected), Some((at, check))) => format!("{check}, after {}", at.since(injected)),
        _ => "it did not bite".to_owned(),
    }
}

/// One table: what was expected, and what came.
fn table(report: &SuiteReport, bites: &[(String, String)]) -> String {
    let mut table = Table::new(["scenario", "proof", "expected", "found", "result"]);
    for outcome in &report.outcomes {
        let points = outcome.grade.as_ref().map(|grade| grade.total);
        table.row(vec![
            outcome.scenario.clone(),
            "expert".to_owned(),
            format!("at least {EXPERT} points"),
            found(points, &outcome.result),
            word(&outcome.result),
        ]);
        let bite = bites.iter().find(|(name, _)| *name == outcome.scenario);
        let gate = match outcome.result {
            DrillResult::Invalid(_) | DrillResult::Broken(_) | DrillResult::Interrupted => {
                word(&outcome.result)
            }
            _ => "ok".to_owned(),
        };
        table.row(vec![
            outcome.scenario.clone(),
            "fault bites".to_owned(),
            "a symptom in time".to_owned(),
            bite.map_or_else(String::new, |(_, how)| how.clone()),
            gate,
        ]);
    }
    for searched in &report.searched {
        let leaks = searched.leaks.len();
        table.row(vec![
            searched.scenario.clone(),
            "leaks".to_owned(),
            "none".to_owned(),
            leaks.to_string(),
            if leaks == 0 { "ok" } else { "FAILED" }.to_owned(),
        ]);
    }
    for tried in &report.tried {
        table.row(vec![
            tried.scenario.clone(),
            way(tried),
            format!("below {} points", tried.pass_mark),
            found(tried.points, &tried.result),
            word(&tried.result),
        ]);
    }
    let mut out = table.text();
    for searched in &report.searched {
        for leak in &searched.leaks {
            out.push_str(&format!(
                "leak: {} in {}: {}\n",
                leak.word, leak.place, leak.text
            ));
        }
    }
    let results = report.outcomes.iter().map(|outcome| &outcome.result);
    let results = results.chain(report.tried.iter().map(|tried| &tried.result));
    for why in results.filter_map(DrillResult::reason) {
        out.push_str(&format!("{why}\n"));
    }
    out
}

fn way(tried: &Tried) -> String {
    match (tried.kind, tried.way) {
        (TriedKind::WrongFix, _) => format!("wrong fix: {}", tried.who),
        (TriedKind::Baseline, Way::Played) => format!("baseline: {}", tried.who),
        (TriedKind::Baseline, Way::Spliced) => format!("baseline: {} (in `nothing`)", tried.who),
    }
}

fn found(points: Option<f64>, result: &DrillResult) -> String {
    points.map_or_else(
        || result.word().to_owned(),
        |points| format!("{points:.1} points"),
    )
}

fn word(result: &DrillResult) -> String {
    match result {
        DrillResult::Passed => "ok".to_owned(),
        other => other.word().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_table_tells_what_was_expected_and_what_came() {
        let report = crate::suite::testing::report();
        let bites = [(
            "payment-hangs".to_owned(),
            "checkout-availability, after 8s".to_owned(),
        )];
        insta::assert_snapshot!(table(&report, &bites));
    }
}
