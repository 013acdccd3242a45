//! A report as a suite would give it, for the tests of all that renders one.

use model::{Clocks, Grade};

use super::*;

/// A drill's outcome with `total` points.
pub(crate) fn outcome(
    scenario: &str,
    run: u16,
    total: Option<f64>,
    result: DrillResult,
) -> DrillOutcome {
    let grade = total.map(|total| Grade {
        scenario: scenario.to_owned(),
        total,
        pass_mark: 60,
        passed: total >= 60.0,
        scores: Vec::new(),
        deductions: Vec::new(),
        cap: None,
    });
    DrillOutcome {
        scenario: scenario.to_owned(),
        title: "Checkout says \"Payment failed\"".to_owned(),
        run,
        seed: u64::from(run),
        responder: "expert".to_owned(),
        result,
        grade,
        clocks: Clocks::default(),
        detected_in_ms: total.map(|_| 6_100 + u64::from(run) * 1_000),
        detect_within_ms: Some(15_000),
        seen: None,
        took_ms: 48_300,
        journal: format!("out/journals/{scenario}.jsonl").into(),
    }
}

/// Two scenarios, one run three times and once not well; baselines, wrong
/// fixes, a leak.
pub(crate) fn report() -> SuiteReport {
    let hangs = |run, total| outcome("payment-hangs", run, Some(total), DrillResult::Passed);
    let invalid = DrillResult::Invalid("the fault did not bite".to_owned());
    let mut outcomes = vec![hangs(1, 97.5), hangs(2, 99.0), hangs(3, 80.0)];
    outcomes.push(outcome("orders-hangs", 1, None, invalid));
    let outcomes: Vec<DrillOutcome> = outcomes.into_iter().map(expert).collect();
    let tried = |who: &str, kind, way, total| {
        let failed = DrillResult::Failed("20 of 100 points; 60 are needed".to_owned());
        let outcome = outcome("payment-hangs", 1, Some(total), failed);
        Tried::read(who.to_owned(), kind, way, outcome)
    };
    let baseline = |kind: Baseline, way, total| tried(kind.name(), TriedKind::Baseline, way, total);
    SuiteReport {
        suite: "smoke".to_owned(),
        title: "What has to hold at every change".to_owned(),
        seed: 1,
        shard: Some("1/2".to_owned()),
        stability: Stability::of(&outcomes),
        outcomes,
        tried: vec![
            tried(
                "rollout restart orders",
                TriedKind::WrongFix,
                Way::Played,
                20.0,
            ),
            baseline(Baseline::Nothing, Way::Played, 0.0),
            baseline(Baseline::ConstantAnswer, Way::Spliced, 30.0),
            baseline(Baseline::BlameTheLab, Way::Spliced, 15.0),
            baseline(Baseline::RestartEverything, Way::Played, 65.0),
        ],
        searched: vec![Searched {
            scenario: "payment-hangs".to_owned(),
            leaks: vec![Leak {
                word: "toxic".to_owned(),
                place: "pods sock-shop/payment.metadata.labels".to_owned(),
                text: "toxic".to_owned(),
            }],
        }],
        once_more: vec![OnceMore {
            drill: "payment-hangs #3".to_owned(),
            why: "no steady state within 1m30s".to_owned(),
            journal: "out/journals/payment-hangs-3.jsonl".into(),
        }],
        left_out: 1,
        took_ms: 83_100,
    }
}
