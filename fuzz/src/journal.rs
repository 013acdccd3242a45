//! Journals of drills: lines that are Events, and the grade that they earn.

use catalog::Source;
use grader::grade;
use model::{
    Action, Backend, CallEdge, Diagnosis, Event, Evidence, FailureMode, Happening, Impact, Outcome,
    Query, Responder, Response, Rubric, ServiceName, ServiceSigns, Severity, Timeline, Timestamp,
    Verdict,
};

use crate::{Target, authored, seeds};

/// A journal's lines, as far as they are Events.
pub(crate) const JOURNAL: Target = Target {
    name: "journal",
    run: |bytes| {
        let lines = bytes.split(|byte| *byte == b'\n');
        let events: Vec<Event> = lines.flat_map(serde_json::from_slice).collect();
        for event in &events {
            let shown = serde_json::to_vec(event);
            let again = shown.and_then(|text| serde_json::from_slice::<Event>(&text));
            assert!(again.is_ok(), "{event:?}: {again:?}");
        }
        let timeline = Timeline::new(events);
        drop(serde_json::to_string(&timeline.clocks()));
        // Not every journal can be graded.
        drop(grade(&timeline, &Rubric::default()));
    },
    seeds: || vec![lines(&flawless()), lines(&[])],
    words: &[
        "\"seq\":",
        "\"at\":",
        "\"what\":{\"",
        "started",
        "shop-ready",
        "fault-injected",
        "alert-fired",
        "responded",
        "impact-seen",
        "recovered",
        "relapsed",
        "finished",
        "18446744073709551615",
        "\"response\":",
        "acknowledge",
    ],
};

fn lines(events: &[Event]) -> Vec<u8> {
    let lines = events.iter().flat_map(serde_json::to_string);
    lines.collect::<Vec<_>>().join("\n").into_bytes()
}

/// A drill in which all goes well.
fn flawless() -> Vec<Event> {
    let source = Source::new("x.yaml", seeds::file("crates/catalog/tests/whole.yaml"));
    let scenario = catalog::scenario(&source, &authored::vocabulary());
    let scenario = scenario.unwrap_or_else(|problems| panic!("{}", problems.render()));
    let service = |name: &str| ServiceName::from(name.to_owned());
    let does = |response: Response, outcome: Outcome| Happening::Responded {
        by: Responder::Script("expert".into()),
        response,
        outcome,
    };
    let signs = vec![ServiceSigns {
        service: service("payment"),
        troubles: 3,
        ..ServiceSigns::default()
    }];
    let asked = Query {
        backend: Backend::Logs,
        text: "{app=\"payment\"}".into(),
    };
    let named = Diagnosis {
        cause: Some(service("payment")),
        mode: FailureMode::Hang,
        impact: Some("M06".into()),
    };
    let all = [
        Happening::Started {
            scenario: Box::new(scenario),
            row: None,
            rubric: Rubric::default(),
            seed: 1,
            responder: Responder::Script("expert".into()),
            version: "0".into(),
        },
        Happening::ShopReady {
            services: ["front-end", "orders", "payment"].map(service).to_vec(),
            calls: vec![CallEdge {
                from: service("orders"),
                to: service("payment"),
            }],
        },
        Happening::ImpactSeen(Impact {
            journey: "checkout".into(),
            step: "POST /orders".into(),
            seen: "503".into(),
            trace_id: None,
        }),
        Happening::AlertFired {
            alert: "PaymentDown".into(),
            severity: Severity::Page,
            service: Some(service("payment")),
            summary: String::new(),
            runbook: String::new(),
        },
        does(Response::Acknowledge, Outcome::Noted),
        does(Response::Declare(Severity::Page), Outcome::Noted),
        does(
            Response::Query(asked),
            Outcome::Answered(Evidence {
                results: 1,
                signs,
                ..Evidence::default()
            }),
        ),
        does(Response::Diagnose(named), Outcome::Noted),
        does(
            Response::Act(Action::RolloutRestart(service("payment"))),
            Outcome::Accepted,
        ),
        does(Response::Update("restarted".into()), Outcome::Noted),
        Happening::Recovered,
        Happening::Finished(Verdict::Complete),
    ];
    let stamped = all.into_iter().zip(0_u64..).map(|(what, seq)| Event {
        seq,
        at: Timestamp::from_millis((1_000 + seq) * 1_000),
        what,
    });
    stamped.collect()
}
