//! What instructors write: scenarios, suites, SLOs, the failure matrix, and the scalars in them.

use catalog::{Problems, Source, lint};
use model::{
    ArgKind, ArgSpec, Bound, Check, FailureMatrix, FaultSpec, MatrixRow, Period, Ratio, Recovery,
    ShopVocabulary, Vocabulary,
};

use crate::{Target, input, seeds};

const WORDS: &[&str] = &[
    "name:",
    "title:",
    "shop:",
    "faults:",
    "- at:",
    "hypothesis:",
    "symptom:",
    "alert:",
    "within:",
    "answer:",
    "cause:",
    "mode:",
    "fixes:",
    "hints:",
    "experts:",
    "proof:",
    "load:",
    "steps:",
    "row:",
    "sock-shop",
    "{ hang: { service: orders } }",
    "{ slow: { service: payment, delay: 2s } }",
    "&a ",
    "*a",
    "<<: *a",
    "!!int ",
    "0x7f",
    "1e999",
    ".inf",
    "|\n  ",
    ">-\n  ",
    "%YAML 1.2\n",
    "---\n",
    "...\n",
    "\u{feff}",
    "? ",
];

/// A scenario.
pub(crate) const SCENARIO: Target = Target {
    name: "scenario",
    run: |bytes| read("scenarios/sock-shop/x.yaml", bytes),
    seeds: || {
        let mut texts = seeds::files("scenarios/sock-shop", ".yaml");
        texts.truncate(20);
        texts.push(seeds::file("crates/catalog/tests/whole.yaml"));
        texts.extend(seeds::files("crates/catalog/tests/broken", ".yaml"));
        seeds::bytes(texts)
    },
    words: WORDS,
};

/// The other documents; the first byte says which.
pub(crate) const DOCUMENT: Target = Target {
    name: "document",
    run: |bytes| {
        let (which, rest) = input::choice(bytes, 3);
        let name = [
            "failure-matrix.yaml",
            "sock-shop/slos.yaml",
            "suites/x.yaml",
        ][usize::from(which)];
        read(name, rest);
    },
    seeds: || {
        let row = "rows:\n- id: M01\n  shop: sock-shop\n  failed: orders\n  impact: a\n  experience: b\n  detect: 15s\n  recovery: { itself: 30s }\n  journeys: [checkout]\n  shows: [no]\n";
        let mut all = seeds::chosen(0, [row.to_owned()]);
        all.extend(seeds::chosen(
            1,
            [seeds::file("scenarios/sock-shop/slos.yaml")],
        ));
        all.extend(seeds::chosen(2, seeds::files("scenarios/suites", ".yaml")));
        all
    },
    words: WORDS,
};

/// Periods and shares.
pub(crate) const SCALAR: Target = Target {
    name: "scalar",
    run: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        if let Ok(period) = text.parse::<Period>() {
            let shown = period.to_string();
            assert_eq!(shown.parse(), Ok(period), "{text:?} is shown as {shown:?}");
        }
        if let Ok(ratio) = text.parse::<Ratio>() {
            let shown = ratio.to_string();
            assert!(
                shown.parse::<Ratio>().is_ok(),
                "{text:?} is shown as {shown:?}"
            );
        }
    },
    seeds: || seeds::bytes(["1m30s", "250ms", "99.9%", "0.5", "2h", "0s"].map(str::to_owned)),
    words: &[
        "ms",
        "s",
        "m",
        "h",
        "d",
        "%",
        "18446744073709551615",
        "e9",
        ".",
    ],
};

/// Reads a document and renders what is wrong with it.
fn read(name: &str, bytes: &[u8]) {
    let told = match Source::of_bytes(name, bytes.to_vec()) {
        Ok(source) => lint(&[source], &vocabulary(), &|_, _| true),
        Err(problems) => vec![problems],
    };
    for problems in &told {
        assert!(
            problems
                .list()
                .iter()
                .all(|problem| problem.line >= 1 && problem.column >= 1)
        );
        assert!(!Problems::render(problems).is_empty());
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

/// Names that documents may use.
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
    let second = Bound::Within(Period::from_secs(1));
    let check = |name: &str, bound| Check {
        name: name.into(),
        title: "As it should be".into(),
        query: "1".into(),
        bound,
    };
    let shop = ShopVocabulary {
        services: ["front-end", "orders", "payment"].map(Into::into).to_vec(),
        alerts: ["OrdersDown", "PaymentDown"].map(Into::into).to_vec(),
        journeys: ["checkout"].map(Into::into).to_vec(),
        checks: vec![
            check(
                "checkout-availability",
                Ratio::new(0.95).map_or(second, Bound::AtLeast),
            ),
            check("front-end-latency", second),
        ],
    };
    Vocabulary {
        shops: [("sock-shop".into(), shop)].into(),
        faults: vec![
            spec("hang", &[SERVICE]),
            spec("slow", &[SERVICE, DELAY]),
            spec("crash", &[SERVICE]),
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
