//! What every screen shows, at the smallest and at a usual size.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use engine::{
    AnswerData, DeploymentRow, EngineError, EventRow, HintOffer, PodRow, QueryAnswer, ServiceRow,
    Usage,
};
use model::{
    Action, Answer, Backend, Bound, Check, Event, Evidence, FailureMode, Fault, Happening,
    Hypothesis, Load, LoadShape, MatrixRow, Outcome, Period, Ratio, Recovery, Responder, Response,
    Rubric, Scenario, ServiceName, Severity, Timestamp, Verdict,
};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use telemetry::{
    LogLine, Matrix, Point, Position, Series, Span, SpanKind, SpanStatus, TelemetryError,
    TimeRange, Trace, TraceSummary,
};

use crate::completion::{Language, Subject};
use crate::effect::Effect;
use crate::message::{Asker, Message, Snapshot};
use crate::state::{Complaint, Facts, Focus, Refusal, Screen, State};
use crate::theme::Theme;
use crate::update::update;

mod cluster;
mod logs;
mod metrics;
mod traces;

/// 17:41:07 on the day of the tests.
pub(crate) const NOW: Timestamp =
    Timestamp::from_millis(1_700_000_000_000 / 86_400_000 * 86_400_000 + 63_667_000);

pub(crate) fn before(seconds: u64) -> Timestamp {
    NOW.minus(Period::from_secs(seconds))
}

fn scenario() -> Scenario {
    Scenario {
        name: "payment-hangs".into(),
        title: "Checkout says \"Payment failed\"".into(),
        shop: "sock-shop".into(),
        matrix: Some("M06".into()),
        level: 2,
        briefing: "It is Friday, 17:40. Support says that some customers cannot pay: the shop thinks for a while, then gives up.".into(),
        load: Load { shape: LoadShape::Steady, users: 20 },
        steady_state: vec![],
        timeline: vec![],
        hypothesis: Hypothesis {
            spreads_to: vec!["orders".into(), "front-end".into()],
            ..Hypothesis::default()
        },
        answer: Answer {
            cause: Some("payment".into()),
            mode: FailureMode::Hang,
            severity: Severity::Page,
            fixes: vec![Action::RolloutRestart("payment".into())],
            wrong: vec![],
        },
        hints: vec![],
        responders: [].into(),
        pass_mark: 60,
        time_limit: Period::from_secs(600),
        recovery_window: Period::from_secs(10),
    }
}

fn facts() -> Facts {
    let check = |name: &str, title: &str, bound| Check {
        name: name.into(),
        title: title.into(),
        query: String::new(),
        bound,
    };
    Facts {
        scenario: scenario(),
        checks: vec![
            check(
                "checkout-availability",
                "Orders are taken",
                Bound::AtLeast(Ratio::new(0.95).expect("a share")),
            ),
            check(
                "front-end-latency",
                "95 of 100 requests are answered within a second",
                Bound::Within(Period::from_secs(1)),
            ),
        ],
        rows: vec![MatrixRow {
            id: "M06".into(),
            shop: "sock-shop".into(),
            failed: "payment".into(),
            impact: "orders fail".into(),
            experience: "\"Payment failed\"".into(),
            detect: Period::from_secs(15),
            recovery: Recovery::ManualRestart,
            journeys: Vec::new(),
            shows: Vec::new(),
        }],
        services: ["carts", "front-end", "orders", "orders-db", "payment"]
            .map(ServiceName::from)
            .to_vec(),
        addresses: vec![("shop".into(), "http://127.8.0.2:8079/".into())],
    }
}

/// A console in the middle of an incident.
pub(crate) fn console() -> State {
    let mut state = State::new(facts(), Theme::Plain, NOW);
    let mut seq = 0;
    let mut happen = |state: &mut State, at, what| {
        update(state, Message::Happened(Box::new(Event { seq, at, what })));
        seq += 1;
    };
    happen(
        &mut state,
        before(120),
        Happening::Started {
            scenario: Box::new(scenario()),
            row: None,
            rubric: Rubric::default(),
            seed: 1,
            responder: Responder::Trainee("pat".into()),
            version: "0".into(),
        },
    );
    happen(
        &mut state,
        before(100),
        Happening::SteadyState {
            observations: vec![],
        },
    );
    let mut args = serde_args();
    args.insert("service".into(), "payment".into());
    happen(
        &mut state,
        before(60),
        Happening::FaultInjected {
            injection: 1,
            fault: Fault {
                kind: "hang".into(),
                args,
            },
            lease: Period::from_secs(30),
        },
    );
    happen(
        &mut state,
        before(42),
        Happening::AlertFired {
            alert: "PaymentDown".into(),
            severity: Severity::Page,
            service: Some("payment".into()),
            summary: "Orders fail at payment".into(),
            runbook: "docs/runbooks/sock-shop.md#paymentdown".into(),
        },
    );
    state.toast = None;
    for share in [1.0, 0.99, 0.4, 0.0] {
        update(
            &mut state,
            Message::Measured(vec![
                ("checkout-availability".into(), Some(share)),
                ("front-end-latency".into(), Some(0.021)),
            ]),
        );
    }
    update(
        &mut state,
        Message::Complained(Ok(vec![Complaint {
            at: before(3),
            step: "POST /orders".into(),
            seen: "Payment failed".into(),
            trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
        }])),
    );
    state
}

fn serde_args() -> serde_json::Map<String, serde_json::Value> {
    serde_json::Map::new()
}

fn press(state: &mut State, code: KeyCode) -> Vec<Effect> {
    update(state, Message::Key(KeyEvent::new(code, KeyModifiers::NONE)))
}

fn press_control(state: &mut State, letter: char) -> Vec<Effect> {
    let key = KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL);
    update(state, Message::Key(key))
}

fn write(state: &mut State, text: &str) {
    for letter in text.chars() {
        press(state, KeyCode::Char(letter));
    }
}

pub(crate) fn answer(data: AnswerData) -> Box<QueryAnswer> {
    Box::new(QueryAnswer {
        range: TimeRange {
            from: before(300),
            to: NOW,
        },
        data,
        evidence: Evidence::default(),
    })
}

pub(crate) fn series(title: &str, values: &[f64]) -> Series {
    let points = values.iter().enumerate().map(|(index, value)| Point {
        at: before(300 - index as u64 * 60),
        value: *value,
    });
    Series {
        labels: [("service".to_owned(), title.to_owned())].into(),
        points: points.collect(),
    }
}

pub(crate) fn line(seconds: u64, app: &str, text: &str) -> LogLine {
    LogLine {
        at: before(seconds),
        nanos: before(seconds).as_millis() * 1_000_000,
        labels: [("app".to_owned(), app.to_owned())].into(),
        line: text.to_owned(),
    }
}

pub(crate) fn trace() -> Trace {
    let span =
        |id: &str, parent: Option<&str>, service: &str, name: &str, start: u64, millis: u64| Span {
            span_id: id.into(),
            parent: parent.map(Into::into),
            service: service.into(),
            name: name.into(),
            kind: SpanKind::Server,
            start: before(10),
            start_nanos: before(10).as_millis() * 1_000_000 + start * 1_000_000,
            duration: Period::from_millis(millis),
            status: if service == "orders" {
                SpanStatus::Error("payment did not answer in time".into())
            } else {
                SpanStatus::Unset
            },
            attributes: [
                ("http.route".to_owned(), "/orders".to_owned()),
                ("http.response.status_code".to_owned(), "500".to_owned()),
            ]
            .into(),
            resource: [].into(),
        };
    Trace {
        trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
        spans: vec![
            span("a", None, "front-end", "POST /orders", 0, 5_012),
            span("b", Some("a"), "orders", "POST /orders", 4, 5_003),
            span("c", Some("b"), "user", "GET /customers/{id}", 6, 3),
            span("d", Some("b"), "payment", "POST /paymentAuth", 10, 5_000),
        ],
    }
}

/// The console with something on every screen.
fn busy() -> State {
    let mut state = console();
    state.metrics.asking.begin();
    update(
        &mut state,
        Message::Answered(
            Asker::Metrics,
            Ok(answer(AnswerData::Series(Matrix {
                series: vec![
                    series("orders", &[0.0, 0.0, 0.2, 1.4, 1.5]),
                    series("front-end", &[0.0, 0.1, 0.0, 1.2, 1.4]),
                ],
            }))),
        ),
    );
    update(
        &mut state,
        Message::Answered(
            Asker::Logs,
            Ok(answer(AnswerData::Lines(vec![
                line(
                    2,
                    "orders",
                    r#"{"level":"error","msg":"payment did not answer in time","peer":"payment","trace_id":"0af7651916cd43dd8448eb211c80319c"}"#,
                ),
                line(
                    4,
                    "front-end",
                    r#"{"level":"warn","msg":"request","method":"POST","path":"/orders","status":500,"duration_ms":5012.1}"#,
                ),
                line(9, "carts", "plain text of somebody who does not write JSON"),
            ]))),
        ),
    );
    update(
        &mut state,
        Message::Answered(
            Asker::Traces,
            Ok(answer(AnswerData::Traces(vec![TraceSummary {
                trace_id: "0af7651916cd43dd8448eb211c80319c".into(),
                root_service: "front-end".into(),
                root_name: "POST /orders".into(),
                start: before(10),
                duration: Period::from_millis(5_012),
                matched: 0,
                spans: vec![],
            }]))),
        ),
    );
    update(
        &mut state,
        Message::Looked(Ok(Box::new(Snapshot {
            pods: vec![
                PodRow {
                    name: "orders-6d8f9c7b5-x2x4k".into(),
                    ready: 1,
                    containers: 1,
                    status: "Running".into(),
                    restarts: 0,
                    age: Period::from_secs(140),
                    address: "127.8.0.7".into(),
                    restarted: None,
                    labels: [("name".to_owned(), "orders".to_owned())].into(),
                    usage: Some(Usage {
                        millicores: 38,
                        bytes: 21 * 1_048_576,
                    }),
                },
                PodRow {
                    name: "payment-7c9d8b6f4-9qwpz".into(),
                    ready: 0,
                    containers: 1,
                    status: "CrashLoopBackOff".into(),
                    restarts: 4,
                    age: Period::from_secs(95),
                    address: "127.8.0.9".into(),
                    restarted: Some(Period::from_secs(31)),
                    labels: [("name".to_owned(), "payment".to_owned())].into(),
                    usage: None,
                },
            ],
            deployments: vec![DeploymentRow {
                name: "payment".into(),
                ready: 0,
                wanted: 1,
                updated: 1,
                available: 0,
                age: Period::from_secs(140),
                image: "shoplab/sock-shop/payment:v1.0.0".into(),
                selector: [("name".to_owned(), "payment".to_owned())].into(),
            }],
            services: vec![
                ServiceRow {
                    name: "orders".into(),
                    kind: "ClusterIP".into(),
                    address: "127.9.0.7".into(),
                    ports: "80/TCP".into(),
                    ready: vec!["127.8.0.7:8080".into()],
                    unready: 0,
                    age: Period::from_secs(140),
                },
                ServiceRow {
                    name: "payment".into(),
                    kind: "ClusterIP".into(),
                    address: "127.9.0.9".into(),
                    ports: "80/TCP".into(),
                    ready: vec![],
                    unready: 1,
                    age: Period::from_secs(140),
                },
            ],
            events: vec![EventRow {
                age: Period::from_secs(4),
                kind: "Warning".into(),
                reason: "BackOff".into(),
                object: "pod/payment-7c9d8b6f4-9qwpz".into(),
                message: "Back-off restarting failed container".into(),
            }],
        }))),
    );
    state
}

fn shown(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal
        .draw(|frame| super::draw(frame, state))
        .expect("drawn");
    terminal.backend().to_string()
}

#[test]
fn every_screen_is_drawn_at_the_smallest_and_at_a_usual_size() {
    for (width, height) in [(80, 24), (120, 40)] {
        for screen in Screen::ALL {
            let mut state = busy();
            state.screen = screen;
            let name = format!("{}-{width}x{height}", screen.title().to_lowercase());
            insta::assert_snapshot!(name, shown(&state, width, height));
        }
    }
}

#[test]
fn no_size_of_the_terminal_breaks_a_screen() {
    for screen in Screen::ALL {
        for (width, height) in [(1, 1), (10, 3), (40, 10), (250, 70)] {
            let mut state = busy();
            state.screen = screen;
            shown(&state, width, height);
            state.focus = Focus::Help;
            shown(&state, width, height);
        }
    }
}

#[test]
fn a_trace_is_opened_from_a_log_line_and_drawn_as_a_waterfall() {
    let mut state = busy();
    state.screen = Screen::Logs;
    let effects = press(&mut state, KeyCode::Enter);
    assert_eq!(
        effects,
        [Effect::Trace("0af7651916cd43dd8448eb211c80319c".into())]
    );
    update(&mut state, Message::Traced(Ok(Box::new(trace()))));
    insta::assert_snapshot!("waterfall", shown(&state, 120, 24));
    press(&mut state, KeyCode::Esc);
    assert!(state.traces.open.is_none());
}

#[test]
fn a_change_is_done_only_after_a_yes() {
    let mut state = busy();
    press(&mut state, KeyCode::Char(':'));
    write(&mut state, "rollout restart pay");
    insta::assert_snapshot!("completion", shown(&state, 100, 24));
    press(&mut state, KeyCode::Tab);
    assert!(press(&mut state, KeyCode::Enter).is_empty());
    insta::assert_snapshot!("confirmation", shown(&state, 100, 24));
    let mut other = busy();
    other.focus = state.focus.clone();
    assert!(press(&mut other, KeyCode::Char('n')).is_empty());
    let action = Action::RolloutRestart("payment".into());
    assert_eq!(
        press(&mut state, KeyCode::Char('y')),
        [Effect::Respond(Response::Act(action))]
    );
}

#[test]
fn a_page_is_acknowledged_once() {
    let mut state = console();
    assert_eq!(
        press(&mut state, KeyCode::Char('a')),
        [Effect::Respond(Response::Acknowledge)]
    );
    let what = Happening::Responded {
        by: Responder::Trainee("pat".into()),
        response: Response::Acknowledge,
        outcome: Outcome::Noted,
    };
    update(
        &mut state,
        Message::Happened(Box::new(Event {
            seq: 4,
            at: NOW,
            what,
        })),
    );
    assert!(press(&mut state, KeyCode::Char('a')).is_empty());
    assert!(
        state
            .toast
            .is_some_and(|toast| toast.text.contains("already"))
    );
}

#[test]
fn the_fault_is_not_shown_before_the_debrief() {
    let mut state = busy();
    for screen in Screen::ALL {
        state.screen = screen;
        assert!(!shown(&state, 200, 60).contains("FAULT"), "{screen:?}");
    }
    let end = Happening::Finished(Verdict::Complete);
    update(
        &mut state,
        Message::Happened(Box::new(Event {
            seq: 4,
            at: NOW,
            what: end,
        })),
    );
    assert_eq!(state.screen, Screen::Debrief);
    let debrief = shown(&state, 120, 40);
    assert!(debrief.contains("FAULT hang service=payment"), "{debrief}");
    insta::assert_snapshot!("debrief-after-the-end", debrief);
}

#[test]
fn a_refused_query_keeps_the_last_answer_and_says_why() {
    let mut state = busy();
    state.screen = Screen::Metrics;
    state.metrics.asking.query = "up{a".into();
    state.metrics.asking.begin();
    let error = EngineError::Telemetry(TelemetryError::Refused {
        backend: Backend::Metrics,
        kind: "bad_data".into(),
        message: "1:5: parse error: unclosed left brace".into(),
        position: Some(Position { line: 1, column: 5 }),
    });
    let refusal = Refusal::new("up{a".into(), &error);
    update(&mut state, Message::Answered(Asker::Metrics, Err(refusal)));
    let seen = shown(&state, 120, 40);
    assert!(
        seen.contains("1:5: parse error") && seen.contains("below: the last answer"),
        "{seen}"
    );
    assert!(seen.contains("service=\"orders\""), "{seen}");
    insta::assert_snapshot!("refused", shown(&state, 80, 24));
    // What another query did wrong is not marked in this one.
    press(&mut state, KeyCode::Char('n'));
    assert!(!shown(&state, 80, 24).contains('^'));
}

#[test]
fn the_answer_form_submits_its_vocabulary() {
    let mut state = busy();
    state.screen = Screen::Answer;
    for _ in 0..5 {
        press(&mut state, KeyCode::Char('l'));
    }
    press(&mut state, KeyCode::Down);
    for _ in 0..4 {
        press(&mut state, KeyCode::Char('l'));
    }
    let effects = press(&mut state, KeyCode::Enter);
    let [
        Effect::Respond(Response::Declare(Severity::Info)),
        Effect::Respond(Response::Diagnose(said)),
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(
        (said.cause.as_ref().map(ServiceName::as_str), said.mode),
        (Some("payment"), FailureMode::Hang)
    );
}

#[test]
fn hints_say_when_they_can_be_had() {
    let offer = |due_in| {
        Some(HintOffer {
            index: 0,
            cost: 5,
            due_in,
        })
    };
    for (hint, effects, said) in [
        (None, 0, "no more hints"),
        (offer(None), 0, "after the page"),
        (offer(Some(Period::from_secs(30))), 0, "in 30s"),
        (offer(Some(Period::ZERO)), 1, ""),
    ] {
        let mut state = console();
        update(&mut state, Message::Offered(hint));
        assert_eq!(press(&mut state, KeyCode::Char('H')).len(), effects);
        let toast = state.toast.map(|toast| toast.text).unwrap_or_default();
        assert!(toast.contains(said), "{toast}");
    }
}

#[test]
fn leaving_a_drill_that_runs_asks_first() {
    let mut state = console();
    assert!(press(&mut state, KeyCode::Char('q')).is_empty());
    assert_eq!(state.focus, Focus::ConfirmLeave);
    assert_eq!(press(&mut state, KeyCode::Char('y')), [Effect::Quit]);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    press(&mut state, KeyCode::Char(':'));
    assert_eq!(update(&mut state, Message::Key(interrupt)), [Effect::Quit]);
}

#[test]
fn a_query_is_completed_while_it_is_written() {
    let names = Subject::Names(Language::PromQl);
    let metrics = Subject::Values(Language::PromQl, "__name__".into());
    let mut state = busy();
    state.screen = Screen::Metrics;
    assert_eq!(
        press(&mut state, KeyCode::Char('i')),
        [Effect::Names(names.clone()), Effect::Names(metrics)]
    );
    insta::assert_snapshot!("query-begun", shown(&state, 80, 24));
    press_control(&mut state, 'u');
    // Nobody answered yet: the language itself is offered.
    write(&mut state, "sum by (s");
    insta::assert_snapshot!("query-names-asked", shown(&state, 80, 24));
    let told = |names: &[&str]| Ok(names.iter().map(|name| (*name).to_owned()).collect());
    update(
        &mut state,
        Message::Named(names, told(&["service", "peer", "status", "step"])),
    );
    insta::assert_snapshot!("query-names", shown(&state, 120, 40));
    press(&mut state, KeyCode::Tab);
    press(&mut state, KeyCode::Tab);
    assert_eq!(state.line.text(), "sum by (status");
    press(&mut state, KeyCode::BackTab);
    insta::assert_snapshot!("query-taken", shown(&state, 80, 24));
    // The list is closed first, then the line is given up.
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.line.text(), "sum by (s");
    assert!(state.offers.is_none());
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.focus, Focus::Screen);
}

#[test]
fn values_of_a_label_are_asked_for_when_its_quote_opens() {
    let values = Subject::Values(Language::LogQl, "app".into());
    let mut state = busy();
    state.screen = Screen::Logs;
    press(&mut state, KeyCode::Char('i'));
    press_control(&mut state, 'u');
    write(&mut state, "{app=~");
    let effects = press(&mut state, KeyCode::Char('"'));
    assert!(effects.is_empty(), "they are on their way: {effects:?}");
    let apps = [
        "carts",
        "front-end",
        "orders",
        "payment",
        "shipping",
        "user",
        "web",
    ];
    let told = apps.map(str::to_owned).to_vec();
    update(&mut state, Message::Named(values, Ok(told)));
    insta::assert_snapshot!("query-values", shown(&state, 80, 24));
    write(&mut state, "pay");
    press(&mut state, KeyCode::Tab);
    write(&mut state, "}");
    assert_eq!(state.line.text(), r#"{app=~"payment"}"#);
    let effects = press(&mut state, KeyCode::Enter);
    assert!(matches!(
        effects.as_slice(),
        [Effect::Ask(Asker::Logs, ..), Effect::Keep(..)]
    ));
}

#[test]
fn names_that_cannot_be_had_are_said_and_hold_nobody_up() {
    let mut state = busy();
    state.screen = Screen::Metrics;
    press(&mut state, KeyCode::Char('i'));
    press_control(&mut state, 'u');
    write(&mut state, "up{");
    let names = Subject::Names(Language::PromQl);
    update(
        &mut state,
        Message::Named(names, Err("nobody answers".into())),
    );
    assert!(shown(&state, 80, 24).contains("! nobody answers"));
    // Tab finds nothing to take, and the line is as it was.
    press(&mut state, KeyCode::Tab);
    assert_eq!(state.line.text(), "up{");
}

#[test]
fn a_long_query_has_its_list_in_sight() {
    let mut state = busy();
    state.screen = Screen::Traces;
    press(&mut state, KeyCode::Char('i'));
    press_control(&mut state, 'u');
    let long = "{ resource.service.name = \"orders\" && span.http.route = \"/orders\" && status = ";
    write(&mut state, long);
    insta::assert_snapshot!("query-long", shown(&state, 80, 24));
    for (width, height) in [(1, 1), (10, 3), (40, 10)] {
        shown(&state, width, height);
    }
}

#[test]
fn an_earlier_query_is_searched_backwards_and_those_of_earlier_drills_too() {
    let mut state = busy();
    state.screen = Screen::Metrics;
    let earlier = [
        "sum(rate(orders_total[1m]))",
        "rabbitmq_queue_messages",
        "rate(orders_total[5m])",
        "up",
    ];
    let earlier = earlier.map(str::to_owned).to_vec();
    update(&mut state, Message::Remembered(Language::PromQl, earlier));
    press(&mut state, KeyCode::Char('i'));
    press_control(&mut state, 'u');
    write(&mut state, "sum(");
    press_control(&mut state, 'r');
    write(&mut state, "orders_t");
    press_control(&mut state, 'r');
    insta::assert_snapshot!("query-searched", shown(&state, 80, 24));
    // Esc gives the search up, not the line.
    let mut other = busy();
    other.screen = Screen::Metrics;
    press(&mut other, KeyCode::Char('i'));
    press_control(&mut other, 'r');
    write(&mut other, "nobody asked this");
    assert!(shown(&other, 80, 24).contains("no earlier query has this in it"));
    press(&mut other, KeyCode::Esc);
    let written = other.metrics.asking.query.as_str();
    assert_eq!(other.line.text(), written);
    // Tab takes what was found to be changed, Enter asks it.
    press(&mut state, KeyCode::Tab);
    assert_eq!(state.line.text(), "sum(rate(orders_total[1m]))");
    let effects = press(&mut state, KeyCode::Enter);
    assert!(matches!(
        effects.as_slice(),
        [
            Effect::Ask(Asker::Metrics, query, _),
            Effect::Keep(Language::PromQl, kept)
        ] if query.text == *kept
    ));
    // What was asked last is found first.
    press(&mut state, KeyCode::Char('i'));
    press_control(&mut state, 'r');
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.metrics.asking.query, "sum(rate(orders_total[1m]))");
}
