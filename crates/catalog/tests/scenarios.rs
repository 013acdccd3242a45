//! Whole scenarios are read; broken ones tell all that is wrong with them.

use catalog::{Source, scenario};
use model::{
    Action, ArgKind, ArgSpec, Bound, Check, FailureMatrix, FaultSpec, MatrixRow, Move, Period,
    Ratio, Recovery, ShopVocabulary, StepAction, Vocabulary,
};

#[test]
fn a_whole_scenario_is_read_with_its_defaults() {
    let source = Source::new("whole.yaml", include_str!("whole.yaml"));
    let read = scenario(&source, &vocabulary()).expect("whole");
    assert_eq!(read.pass_mark, 60);
    assert_eq!(read.time_limit, Period::from_secs(600));
    assert_eq!(read.timeline.len(), 2);
    let StepAction::Inject(fault) = &read.timeline[0].action else {
        panic!("an injection");
    };
    assert_eq!(fault.kind, "hang");
    assert_eq!(fault.args["service"], "payment");
    assert_eq!(
        read.responders["expert"][2],
        Move::Act(Action::RolloutRestart("payment".into()))
    );
}

#[test]
fn a_fault_takes_the_defaults_of_what_was_left_out() {
    let text = include_str!("whole.yaml").replace("hang:", "crash:");
    let read = scenario(&Source::new("x.yaml", text), &vocabulary()).expect("whole");
    let StepAction::Inject(fault) = &read.timeline[0].action else {
        panic!("an injection");
    };
    assert_eq!(fault.args["times"], 1);
}

#[test]
fn a_broken_scenario_tells_everything_that_is_wrong_with_it_at_its_place() {
    for (name, text) in [
        ("misspelt-names", include_str!("broken/misspelt-names.yaml")),
        (
            "nothing-but-a-name",
            include_str!("broken/nothing-but-a-name.yaml"),
        ),
        ("not-yaml", include_str!("broken/not-yaml.yaml")),
        ("unknown-shop", include_str!("broken/unknown-shop.yaml")),
        ("a-list", include_str!("broken/a-list.yaml")),
    ] {
        let source = Source::new(format!("{name}.yaml"), text);
        let problems = scenario(&source, &vocabulary()).expect_err(name);
        insta::assert_snapshot!(name, problems.render());
        insta::assert_snapshot!(format!("{name}-plain"), problems);
    }
}

const SERVICE: ArgSpec = ArgSpec {
    name: "service",
    kind: ArgKind::Service,
    default: None,
    help: "the service",
};
const DELAY: ArgSpec = ArgSpec {
    name: "delay",
    kind: ArgKind::Period {
        min_ms: 1,
        max_ms: 60_000,
    },
    default: None,
    help: "how long",
};
const TIMES: ArgSpec = ArgSpec {
    name: "times",
    kind: ArgKind::Count { min: 1, max: 10 },
    default: Some("1"),
    help: "how often",
};

/// A small vocabulary.
#[expect(clippy::expect_used, reason = "a test fails by panicking")]
fn vocabulary() -> Vocabulary {
    let spec = |kind, args| FaultSpec {
        kind,
        summary: "",
        recovery: "",
        args,
    };
    let shop = ShopVocabulary {
        services: ["front-end", "orders", "payment"].map(Into::into).to_vec(),
        alerts: ["OrdersDown", "PaymentDown"].map(Into::into).to_vec(),
        journeys: ["checkout"].map(Into::into).to_vec(),
        checks: vec![Check {
            name: "checkout-availability".into(),
            title: "Orders are taken".into(),
            query: "1".into(),
            bound: Bound::AtLeast(Ratio::new(0.95).expect("a share")),
        }],
    };
    Vocabulary {
        shops: [("sock-shop".into(), shop)].into(),
        faults: vec![
            spec("hang", &[SERVICE]),
            spec("slow", &[SERVICE, DELAY]),
            spec("crash", &[SERVICE, TIMES]),
        ],
        matrix: FailureMatrix {
            rows: vec![MatrixRow {
                id: "M06".into(),
                shop: "sock-shop".into(),
                failed: "payment".into(),
                impact: "orders fail".into(),
                experience: "Payment failed".into(),
                detect: Period::from_secs(15),
                recovery: Recovery::ManualRestart,
                journeys: Vec::new(),
                shows: Vec::new(),
            }],
        },
        check_query: None,
    }
}
