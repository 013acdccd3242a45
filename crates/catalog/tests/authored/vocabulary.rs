//! The names that the tests' files may use.

use model::{
    ArgKind, ArgSpec, Bound, Check, FailureMatrix, FaultSpec, MatrixRow, Period, Ratio, Recovery,
    ShopVocabulary, Vocabulary,
};

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

const MEMORY: ArgSpec = ArgSpec {
    name: "memory",
    kind: ArgKind::Amount {
        unit: "Mi",
        min: 8,
        max: 512,
    },
    default: Some(""),
    help: "the new limit",
};
const PROBE: ArgSpec = ArgSpec {
    name: "probe",
    kind: ArgKind::Choice(&["liveness", "readiness"]),
    default: None,
    help: "the probe",
};

/// A small vocabulary.
pub(crate) fn vocabulary() -> Vocabulary {
    let spec = |kind, args| FaultSpec {
        kind,
        summary: "",
        recovery: "",
        args,
    };
    let row = |id: &str, failed: &str| MatrixRow {
        id: id.into(),
        shop: "sock-shop".into(),
        failed: failed.into(),
        impact: "orders fail".into(),
        experience: "Payment failed".into(),
        detect: Period::from_secs(15),
        recovery: Recovery::ManualRestart,
        journeys: Vec::new(),
        shows: Vec::new(),
    };
    let shop = ShopVocabulary {
        services: ["front-end", "orders", "payment"].map(Into::into).to_vec(),
        alerts: ["OrdersDown", "PaymentDown"].map(Into::into).to_vec(),
        journeys: ["checkout"].map(Into::into).to_vec(),
        checks: vec![
            Check {
                name: "checkout-availability".into(),
                title: "Orders are taken".into(),
                query: "1".into(),
                bound: Bound::AtLeast(Ratio::new(0.95).expect("a share")),
            },
            Check {
                name: "front-end-latency".into(),
                title: "Pages come soon".into(),
                query: "1".into(),
                bound: Bound::Within(Period::from_secs(1)),
            },
        ],
    };
    Vocabulary {
        shops: [("sock-shop".into(), shop)].into(),
        faults: vec![
            spec("hang", &[SERVICE]),
            spec("slow", &[SERVICE, DELAY]),
            spec("crash", &[SERVICE, TIMES]),
            spec("starve", &[SERVICE, MEMORY]),
            spec("probe", &[SERVICE, PROBE]),
            spec("noise", &[SERVICE]),
        ],
        matrix: FailureMatrix {
            rows: vec![row("M05", "orders"), row("M06", "payment")],
        },
        check_query: None,
    }
}
