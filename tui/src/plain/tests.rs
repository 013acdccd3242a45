use engine::{AnswerData, DeploymentRow, EventRow, PodRow};
use std::collections::BTreeMap;

use model::{Action, Event, Happening, Outcome, Severity, Verdict};
use telemetry::{Matrix, TraceSummary};

use super::answer::filled;
use super::command::{Command, Consent, read};
use super::console::Console;
use super::events;
use super::*;
use crate::message::{Asker, Snapshot};
use crate::state::{Instance, Refusal, Source, Tab, key_of};
use crate::view::tests::{NOW, answer, before, console, line, series, trace};

fn services() -> Vec<model::ServiceName> {
    ["orders", "payment"].map(Into::into).to_vec()
}

#[test]
fn lines_are_read_as_help_tells_them() {
    let restart = || Action::RolloutRestart("payment".into());
    let query = r#"sum(rate(http_requests_total{service="orders"}[1m]))"#;
    for (text, expected) in [
        ("help", Command::Help),
        ("  status ", Command::Status),
        ("ack", Command::Acknowledge),
        ("acknowledge", Command::Acknowledge),
        ("declare page", Command::Declare(Severity::Page)),
        (
            &format!("metrics {query}"),
            Command::Ask(Asker::Metrics, query.to_owned()),
        ),
        (
            r#"logs {app="orders"} |= "x yes""#,
            Command::Ask(Asker::Logs, r#"{app="orders"} |= "x yes""#.to_owned()),
        ),
        (
            "traces { status = error }",
            Command::Ask(Asker::Traces, "{ status = error }".to_owned()),
        ),
        ("trace 0af7", Command::Trace("0af7".to_owned())),
        ("pods", Command::Look(Tab::Pods)),
        ("deployments", Command::Look(Tab::Deployments)),
        ("events", Command::Look(Tab::Events)),
        (
            "describe pod/orders-1",
            Command::Describe("orders-1".to_owned()),
        ),
        (
            "podlogs orders-1",
            Command::PodLogs("orders-1".to_owned(), Instance::Present),
        ),
        (
            "podlogs orders-1 previous",
            Command::PodLogs("orders-1".to_owned(), Instance::Previous),
        ),
        (
            "rollout restart deployment/payment",
            Command::Act(restart(), Consent::Wanted),
        ),
        (
            "kubectl -n sock-shop rollout restart deployment/payment yes",
            Command::Act(restart(), Consent::Given),
        ),
        (
            "update we look at payment, yes",
            Command::Update("we look at payment, yes".to_owned()),
        ),
        ("hint", Command::Hint),
        ("answer", Command::Vocabulary),
        (
            "answer cause=payment",
            Command::Answer("cause=payment".to_owned()),
        ),
        ("resolve", Command::Resolve(Consent::Wanted)),
        ("resolve yes", Command::Resolve(Consent::Given)),
        ("quit yes", Command::Quit(Consent::Given)),
        ("yes", Command::Yes),
        ("no", Command::No),
    ] {
        for mode in [Mode::Plain, Mode::Json] {
            let read = read(text, mode, &services());
            assert_eq!(read, Ok(Some(expected.clone())), "{text}");
        }
    }
    assert_eq!(read("  ", Mode::Plain, &services()), Ok(None));
}

#[test]
fn the_words_of_the_screens_keys_are_commands_here_too() {
    for word in ["acknowledge", "resolve", "update x", "hint", "help", "quit"] {
        let key = word.split(' ').next().and_then(key_of);
        assert!(key.is_some(), "{word}");
        assert!(read(word, Mode::Plain, &services()).is_ok(), "{word}");
    }
}

#[test]
fn programs_may_write_objects() {
    for (text, expected) in [
        (r#"{"do": "status"}"#, Command::Status),
        (
            r#"{"do": "resolve", "confirm": true}"#,
            Command::Resolve(Consent::Given),
        ),
        (
            r#"{"do": "quit", "confirm": false}"#,
            Command::Quit(Consent::Wanted),
        ),
    ] {
        let read = read(text, Mode::Json, &services());
        assert_eq!(read, Ok(Some(expected)), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_said_with_what_would_be_right() {
    use Mode::{Json, Plain};
    for (mode, text, expected) in [
        (Plain, "sing", "`sing` is no command; `help`"),
        (Plain, "metrics", "QUERY is missing: write metrics QUERY"),
        (Plain, "trace xyz", "hex digits"),
        (Plain, "status now", "`status` stands alone"),
        (Plain, "declare bad", "one of: info, ticket, page"),
        (Plain, "describe Orders", "`pods` lists them"),
        (Plain, "quit now", "or with `yes` behind it"),
        (
            Plain,
            "rollout restart deployment/ordrs",
            "no service called `ordrs`",
        ),
        (Plain, "rollout", "is not one of"),
        (Plain, r#"{"do": "status"}"#, "is no command"),
        (Json, r#"{"do": 3}"#, r#"write {"do": "COMMAND"}"#),
        (Json, r#"{"do": ""}"#, "is no command"),
        (Json, r#"{"do"#, "no JSON"),
        (
            Json,
            r#"{"do": "hint", "sure": true}"#,
            "`sure` is no field",
        ),
        (Json, r#"{"do": "hint", "confirm": 1}"#, "true or false"),
    ] {
        let error = read(text, mode, &services()).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn an_answer_is_checked_against_what_it_can_say() {
    let form = console().answer;
    let full = "cause=payment mode=hang impact=m06 severity=page";
    let first = filled(&form, full).expect("an answer");
    assert_eq!(first.diagnosis().cause, Some("payment".into()));
    assert_eq!(first.diagnosis().impact, Some("M06".into()));
    assert_eq!(first.severity(), Severity::Page);
    for (text, expected) in [
        (
            "cause=ordrs",
            "`ordrs` is no cause; it is one of: none, carts,",
        ),
        ("mode=slow", "one of: none, crash, crash-loop,"),
        ("impact=M99", "one of: none, M06"),
        ("severity=bad", "one of: info, ticket, page"),
        ("reason=x", "`reason` is no field"),
        ("payment", "is not written as answer cause="),
        ("cause=payment mode=hang", "impact and severity too"),
    ] {
        let error = filled(&form, text).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
    let mut submitted = first;
    submitted.submit();
    let second = filled(&submitted, "mode=freeze").expect("the rest is known");
    assert_eq!(second.diagnosis().mode, model::FailureMode::Freeze);
    assert_eq!(second.diagnosis().cause, Some("payment".into()));
}

#[test]
fn the_fault_is_not_told_while_the_drill_runs() {
    for event in console().timeline.events() {
        let hidden = !matches!(
            event.what,
            Happening::AlertFired { .. } | Happening::SteadyState { .. }
        );
        assert_eq!(events::event(event).is_none(), hidden, "{event:?}");
    }
}

#[test]
fn what_services_log_moves_no_cursor() {
    let told = Told::new(NOW, "lines", "one").rows(["\u{1b}[2Jred\r\nnext".to_owned()]);
    assert_eq!(told.render(Mode::Plain), "17:41:07 one\n   [2Jred  next\n");
}

/// The whole of what a console says to `help`.
#[test]
fn help_lists_all_commands() {
    let told = Console::new(console(), Mode::Plain).obey("help").told;
    insta::assert_snapshot!(said(&told, Mode::Plain));
}

fn said(told: &[Told], mode: Mode) -> String {
    told.iter().map(|told| told.render(mode)).collect()
}

/// What a backend, the cluster or the desk answers to an effect in these tests.
fn world(effect: &Effect) -> Option<Message> {
    let summary = TraceSummary {
        trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
        root_service: "front-end".into(),
        root_name: "POST /orders".into(),
        start: before(10),
        duration: model::Period::from_millis(5_012),
        matched: 1,
        spans: Vec::new(),
    };
    Some(match effect {
        Effect::Respond(response) => {
            let outcome = match response {
                model::Response::Hint => Outcome::Refused("the next hint comes in 30s".to_owned()),
                _ => Outcome::Noted,
            };
            Message::Responded(response.clone(), Ok(outcome))
        }
        Effect::Ask(asker, query, _) if query.text == "up{" => {
            let refusal = Refusal {
                query: query.text.clone(),
                why: "refused: parse error: unexpected end of input".to_owned(),
                place: Some(telemetry::Position { line: 1, column: 4 }),
            };
            Message::Answered(*asker, Err(refusal))
        }
        Effect::Ask(asker, _, _) => {
            let data = match asker {
                Asker::Metrics => AnswerData::Series(Matrix {
                    series: vec![
                        series("orders", &[0.2, 0.004, 0.4]),
                        series("payment", &[f64::NAN]),
                    ],
                }),
                Asker::Logs => {
                    AnswerData::Lines(vec![line(3, "orders", "payment did not answer in time")])
                }
                Asker::Traces => AnswerData::Traces(vec![summary]),
            };
            Message::Answered(*asker, Ok(answer(data)))
        }
        Effect::Trace(_) => Message::Traced(Ok(Box::new(trace()))),
        Effect::Look => Message::Looked(Ok(Box::new(cluster()))),
        Effect::Read(source @ Source::Logs(..)) => {
            Message::Told(source.clone(), Err("the logs could not be read".to_owned()))
        }
        Effect::Read(source) => Message::Told(
            source.clone(),
            Ok(vec![
                "Name: orders-1".to_owned(),
                "Status: Running".to_owned(),
            ]),
        ),
        _ => return None,
    })
}

fn cluster() -> Snapshot {
    let age = model::Period::from_secs(187);
    Snapshot {
        pods: vec![PodRow {
            name: "orders-1".into(),
            ready: 1,
            containers: 1,
            status: "Running".into(),
            restarts: 0,
            restarted: None,
            age,
            address: "127.8.0.9".into(),
            labels: BTreeMap::default(),
            usage: None,
        }],
        deployments: vec![DeploymentRow {
            name: "orders".into(),
            ready: 1,
            wanted: 1,
            updated: 1,
            available: 1,
            age,
            image: "shoplab/sock-shop/orders:v1.0.0".into(),
            selector: BTreeMap::default(),
        }],
        services: Vec::new(),
        events: vec![EventRow {
            age,
            kind: "Normal".into(),
            reason: "Started".into(),
            object: "pod/orders-1".into(),
            message: "Started container orders".into(),
        }],
    }
}

const SCRIPT: [&str; 25] = [
    "status",
    "ack",
    "declare ticket",
    "metrics rate(http_request_duration_seconds_sum[1m]) / rate(http_request_duration_seconds_count[1m])",
    "metrics up{",
    r#"logs {app="orders"}"#,
    "traces { status = error }",
    "trace 0af7651916cd43dd8448eb211c80319c",
    "pods",
    "deployments",
    "events",
    "describe orders-1",
    "podlogs orders-1 previous",
    "hint",
    "answer",
    "answer cause=payment mode=hang impact=M06 severity=page",
    "update payment hangs, we restart it",
    "rollout restart deployment/payment",
    "no",
    "rollout restart deployment/payment",
    "yes",
    "scale deployment/orders --replicas=0",
    "rollout undo deployment/orders yes",
    "sing",
    "resolve yes",
];

/// A whole session, each line after a `> `.
fn session(mode: Mode) -> String {
    let mut console = Console::new(console(), mode);
    let mut out = said(&console.briefing(), mode);
    for line in SCRIPT {
        out.push_str(&format!("> {line}\n"));
        let step = console.obey(line);
        out.push_str(&said(&step.told, mode));
        let messages = step.effects.iter().filter_map(world).collect();
        out.push_str(&said(&console.answered(messages).told, mode));
    }
    let first = console.state.timeline.events().len() as u64;
    let happenings = [
        Happening::Recovered,
        Happening::AlertResolved {
            alert: "PaymentDown".into(),
            service: Some("payment".into()),
        },
        Happening::HintGiven {
            index: 0,
            cost: 5,
            text: "look at payment".into(),
        },
        Happening::Relapsed {
            check: "checkout-availability".into(),
        },
        Happening::Cost {
            failed_requests: 12,
            orders_lost: 7,
            users_hit: 5,
        },
        Happening::Finished(Verdict::Complete),
    ];
    for (seq, what) in (first..).zip(happenings) {
        let told = console.happened(Event { seq, at: NOW, what }).told;
        out.push_str(&said(&told, mode));
    }
    out
}

#[test]
fn a_session_is_read_from_top_to_bottom() {
    insta::assert_snapshot!(session(Mode::Plain));
}

#[test]
fn a_session_is_lines_of_json_for_programs() {
    let session = session(Mode::Json);
    for line in session.lines().filter(|line| !line.starts_with('>')) {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(value["at"].is_u64() && value["kind"].is_string(), "{line}");
    }
    insta::assert_snapshot!(session);
}

#[tokio::test]
async fn lines_are_read_to_the_end_of_the_input() {
    let mut lines = lines_of(&b"ack\nresolve yes"[..]);
    assert_eq!(lines.recv().await.as_deref(), Some("ack"));
    assert_eq!(lines.recv().await.as_deref(), Some("resolve yes"));
    assert_eq!(lines.recv().await, None);
}
