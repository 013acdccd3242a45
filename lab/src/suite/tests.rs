use super::*;
use crate::assets::Assets;
use crate::{select, vocabulary};

fn plan(proofs: Vec<Proof>, repeat: u16) -> Plan {
    let assets = Assets::default();
    let vocabulary = vocabulary::read(&assets).expect("built in");
    let asked = ["payment-hangs".to_owned(), "harmless-deploy".to_owned()];
    Plan {
        name: "test".to_owned(),
        title: String::new(),
        scenarios: select::scenarios(&asked, &assets, &vocabulary).expect("built in"),
        proofs,
        seed: 4,
        repeat,
    }
}

#[test]
fn a_plan_is_the_experts_and_what_is_proven_besides() {
    let out = Path::new("out");
    let jobs = plan(Vec::new(), 3).jobs(out).expect("planned");
    let seeds: Vec<u64> = jobs.iter().map(|job| job.seed).collect();
    assert_eq!(seeds, [4, 5, 6, 4, 5, 6]);
    assert!(jobs.iter().all(|job| job.search == Search::Off));

    let plan = plan(Proof::ALL.to_vec(), 2);
    let jobs = plan.jobs(out).expect("planned");
    let wrong: usize = plan.scenarios.iter().map(|s| s.answer.wrong.len()).sum();
    let baselines = jobs
        .iter()
        .filter(|job| matches!(job.purpose, Purpose::Baseline(_)));
    assert_eq!(baselines.count(), 2 * 4);
    assert_eq!(jobs.len(), 2 * 2 + wrong + 2 * 4);
    let searched = jobs.iter().filter(|job| job.search == Search::On);
    assert_eq!(searched.count(), 2, "each scenario is searched once");
    let mut journals: Vec<_> = jobs.iter().map(|job| &job.journal).collect();
    journals.sort();
    journals.dedup();
    assert_eq!(
        journals.len(),
        jobs.len(),
        "each drill has a journal of its own"
    );
}

#[test]
fn whoever_wins_and_should_not_fails_the_suite() {
    let report = testing::report();
    let won: Vec<(&str, Exit)> = report
        .tried
        .iter()
        .filter(|tried| tried.result != DrillResult::Passed)
        .map(|tried| (tried.who.as_str(), tried.result.exit()))
        .collect();
    assert_eq!(won, [("restart-everything", Exit::Failed)]);
    assert_eq!(report.exit(), Exit::Invalid, "the worst of all counts");
}

#[test]
fn an_expert_who_barely_passes_is_not_right() {
    let report = testing::report();
    let results: Vec<Option<&str>> = report
        .outcomes
        .iter()
        .map(|outcome| outcome.result.reason())
        .collect();
    assert_eq!(
        results,
        [
            None,
            None,
            Some("the expert has 80.0 points; 95 are expected of one"),
            Some("the fault did not bite"),
        ]
    );
}

#[test]
fn of_a_drill_that_was_run_once_more_the_second_run_counts_and_the_first_is_told() {
    let plan = plan(Vec::new(), 1);
    let mut jobs = plan.jobs(Path::new("out")).expect("planned");
    let job = jobs.remove(0);
    let why = DrillResult::Invalid("no steady state within 1m30s".to_owned());
    let first = testing::outcome("payment-hangs", 1, None, why);
    let ended = Ended {
        job: job.once_more(),
        outcome: testing::outcome("payment-hangs", 1, Some(97.5), DrillResult::Passed),
        timeline: model::Timeline::default(),
        leaks: Vec::new(),
        before: Some(first),
    };
    let report = SuiteReport::new(&plan, None, vec![ended], 1, 0);
    assert_eq!(report.exit(), Exit::Passed);
    let told: Vec<(&str, &str)> = report
        .once_more
        .iter()
        .map(|first| (first.drill.as_str(), first.why.as_str()))
        .collect();
    assert_eq!(
        told,
        [(job.label().as_str(), "no steady state within 1m30s")]
    );
}
