//! The traces screen: the map, durations, a trace.

use crossterm::event::KeyCode;
use engine::AnswerData;
use model::{Backend, Period, Query, Timestamp};
use telemetry::{Matrix, Point, Series, TimeRange, TraceSummary};

use super::{NOW, answer, before, busy, press, shown, trace};
use crate::effect::Effect;
use crate::key;
use crate::message::{Asker, Message};
use crate::state::{Follow, Screen, ServiceMap, State};
use crate::update::update;

/// Who calls whom: maker, peer, kind, calls, failed calls, median and 95th percentile in
/// milliseconds, system.
type Calls = (
    &'static str,
    &'static str,
    &'static str,
    f64,
    f64,
    [f64; 2],
    &'static str,
);

const SHOP: [Calls; 17] = [
    (
        "customers",
        "front-end",
        "client",
        1_480.0,
        61.0,
        [8.1, 5_012.0],
        "",
    ),
    ("front-end", "carts", "client", 410.0, 0.0, [2.0, 8.2], ""),
    (
        "front-end",
        "catalogue",
        "client",
        702.0,
        0.0,
        [2.1, 7.9],
        "",
    ),
    (
        "front-end",
        "orders",
        "client",
        122.0,
        61.0,
        [4_010.0, 5_011.0],
        "",
    ),
    (
        "front-end",
        "session-db",
        "client",
        1_502.0,
        0.0,
        [0.3, 0.9],
        "redis",
    ),
    ("front-end", "user", "client", 160.0, 1.0, [2.0, 16.1], ""),
    (
        "carts",
        "carts-db",
        "client",
        810.0,
        0.0,
        [0.8, 2.1],
        "postgresql",
    ),
    (
        "catalogue",
        "catalogue-db",
        "client",
        702.0,
        0.0,
        [0.9, 2.0],
        "postgresql",
    ),
    ("orders", "carts", "client", 122.0, 0.0, [2.2, 8.0], ""),
    (
        "orders",
        "orders-db",
        "client",
        61.0,
        0.0,
        [1.0, 2.4],
        "postgresql",
    ),
    (
        "orders",
        "payment",
        "client",
        122.0,
        61.0,
        [4_008.0, 5_000.0],
        "",
    ),
    ("orders", "shipping", "client", 61.0, 0.0, [2.0, 4.1], ""),
    ("orders", "user", "client", 244.0, 0.0, [2.0, 4.0], ""),
    (
        "payment",
        "payment-gateway",
        "client",
        61.0,
        0.0,
        [62.0, 700.0],
        "",
    ),
    (
        "shipping",
        "rabbitmq",
        "producer",
        61.0,
        0.0,
        [0.5, 1.0],
        "",
    ),
    (
        "queue-master",
        "rabbitmq",
        "consumer",
        61.0,
        0.0,
        [3.0, 7.5],
        "",
    ),
    (
        "queue-master",
        "orders",
        "client",
        61.0,
        0.0,
        [2.0, 4.0],
        "",
    ),
];

fn map(shop: &[Calls]) -> ServiceMap {
    let series = |calls: &Calls, more: [(&str, &str); 2], value: f64| {
        let (maker, peer, kind, ..) = calls;
        let labels = [
            ("resource.service.name", *maker),
            ("span.peer.service", *peer),
            ("kind", *kind),
        ];
        let labels = labels.into_iter().chain(more);
        Series {
            labels: labels
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            points: vec![Point { at: NOW, value }],
        }
    };
    let mut calls = Matrix::default();
    let mut latencies = Matrix::default();
    for edge in shop {
        let (.., count, failed, [median, slowest], system) = *edge;
        for (status, value) in [("unset", count - failed), ("error", failed)] {
            let more = [("status", status), ("span.db.system.name", system)];
            calls.series.push(series(edge, more, value));
        }
        for (p, millis) in [("0.5", median), ("0.95", slowest)] {
            let more = [("p", p), ("", "")];
            latencies.series.push(series(edge, more, millis / 1e3));
        }
    }
    ServiceMap::of(&calls, &latencies)
}

/// The traces screen with its map.
fn mapped() -> State {
    let mut state = busy();
    state.screen = Screen::Traces;
    assert_eq!(press(&mut state, KeyCode::Char('m')), [Effect::Map]);
    update(&mut state, Message::Mapped(Ok(Box::new(map(&SHOP)))));
    state
}

/// A second that the console's clock turns to.
fn second(seconds: u64) -> Timestamp {
    NOW.plus(Period::from_secs(seconds))
}

fn asked(asker: Asker, backend: Backend, text: &str, range: TimeRange) -> Effect {
    let text = text.to_owned();
    Effect::Ask(asker, Query { backend, text }, Some(range))
}

#[test]
fn help_has_all_keys_of_traces_and_logs_on_the_smallest_terminal() {
    for screen in [Screen::Traces, Screen::Logs] {
        let mut state = busy();
        state.screen = screen;
        press(&mut state, KeyCode::Char('?'));
        let seen = shown(&state, 80, 24);
        for binding in key::of_screen(screen) {
            assert!(seen.contains(binding.does), "{}: {seen}", binding.keys);
        }
    }
}

#[test]
fn the_map_shows_callers_above_callees_and_marks_what_fails() {
    let mut state = mapped();
    for _ in 0..8 {
        press(&mut state, KeyCode::Char('j'));
    }
    insta::assert_snapshot!("map-80x24", shown(&state, 80, 24));
    insta::assert_snapshot!("map-120x40", shown(&state, 120, 40));
    for (width, height) in [(1, 1), (10, 3), (40, 10), (250, 70)] {
        shown(&state, width, height);
    }
}

#[test]
fn a_map_that_does_not_come_says_why_and_keeps_the_last_one() {
    let mut state = mapped();
    let why = "the traces backend cannot be reached at http://127.0.0.1:3200/: connection refused";
    update(&mut state, Message::Mapped(Err(why.into())));
    let seen = shown(&state, 120, 24);
    assert!(seen.contains(why) && seen.contains("front-end"), "{seen}");
    update(&mut state, Message::Mapped(Ok(Box::default())));
    let seen = shown(&state, 120, 24);
    assert!(seen.contains("nobody called anybody") && !seen.contains(why));
}

#[test]
fn calls_of_the_map_are_asked_for_as_traces() {
    let range = TimeRange::last(Period::from_secs(600), NOW);
    for (key, query) in [
        (
            KeyCode::Enter,
            r#"{ resource.service.name = "orders" && span.peer.service = "payment" && (status = error || duration > 2500ms) }"#,
        ),
        (
            KeyCode::Char('e'),
            r#"{ resource.service.name = "orders" && span.peer.service = "payment" && status = error }"#,
        ),
    ] {
        let mut state = mapped();
        for _ in 0..9 {
            press(&mut state, KeyCode::Down);
        }
        let effects = press(&mut state, key);
        assert_eq!(
            effects,
            [asked(Asker::Traces, Backend::Traces, query, range)]
        );
        let seen = shown(&state, 120, 24);
        assert!(seen.contains("newest first"), "{seen}");
        // And back, with the same calls selected.
        press(&mut state, KeyCode::Char('m'));
        assert!(shown(&state, 120, 24).contains("orders → payment"));
    }
}

#[test]
fn the_map_is_drawn_anew_while_it_is_looked_at() {
    let mut state = mapped();
    let mut asked = Vec::new();
    for seconds in 1..=20 {
        let effects = update(&mut state, Message::Tick(second(seconds)));
        if effects.contains(&Effect::Map) {
            asked.push(seconds);
        }
        // The answer to the second takes long; on the third the map is out of sight.
        match seconds {
            3 => update(&mut state, Message::Mapped(Ok(Box::new(map(&SHOP))))),
            14 => update(&mut state, Message::Mapped(Err("slow".into()))),
            17 => press(&mut state, KeyCode::Esc),
            _ => Vec::new(),
        };
    }
    assert_eq!(asked, [3, 8]);
}

#[test]
fn a_newer_map_keeps_the_selection_where_it_was() {
    let mut state = mapped();
    for _ in 0..9 {
        press(&mut state, KeyCode::Down);
    }
    let mut less = SHOP.to_vec();
    less.retain(|(_, peer, ..)| *peer != "carts-db");
    update(&mut state, Message::Mapped(Ok(Box::new(map(&less)))));
    assert!(shown(&state, 120, 24).contains(" orders → payment: 122 calls, 61 failed"));
}

#[test]
fn durations_of_found_traces_stand_above_them() {
    let mut state = busy();
    state.screen = Screen::Traces;
    let found = [4, 6, 7, 7, 8, 8, 8, 9, 11, 14, 33, 120, 4_800, 5_012, 5_020];
    let found = found
        .iter()
        .enumerate()
        .map(|(index, millis)| TraceSummary {
            trace_id: format!("{index:032x}"),
            root_service: "front-end".into(),
            root_name: "POST /orders".into(),
            start: before(index as u64),
            duration: Period::from_millis(*millis),
            matched: 1,
            spans: vec![],
        });
    let found = AnswerData::Traces(found.collect());
    update(
        &mut state,
        Message::Answered(Asker::Traces, Ok(answer(found))),
    );
    insta::assert_snapshot!("durations", shown(&state, 80, 24));
}

#[test]
fn a_span_is_read_in_full() {
    let mut state = busy();
    update(&mut state, Message::Traced(Ok(Box::new(trace()))));
    press(&mut state, KeyCode::Down);
    insta::assert_snapshot!("waterfall-80x24", shown(&state, 80, 24));
    press(&mut state, KeyCode::Enter);
    insta::assert_snapshot!("span", shown(&state, 80, 24));
    for key in [KeyCode::Char('G'), KeyCode::Esc] {
        press(&mut state, key);
    }
    assert!(shown(&state, 80, 24).contains("4 spans"));
    press(&mut state, KeyCode::Esc);
    assert!(state.traces.open.is_none());
}

#[test]
fn a_trace_leads_to_its_logs_and_to_the_metrics_of_a_service() {
    let mut state = busy();
    state.logs.follow = Follow::On;
    update(&mut state, Message::Traced(Ok(Box::new(trace()))));
    let of_trace = TimeRange {
        from: before(12),
        to: before(10).plus(Period::from_millis(7_012)),
    };
    let id = "0af7651916cd43dd8448eb211c80319c";
    let query = format!(r#"{{namespace="sock-shop"}} |= "{id}""#);
    let effects = press(&mut state, KeyCode::Char('l'));
    let logs = vec![asked(Asker::Logs, Backend::Logs, &query, of_trace)];
    assert_eq!(effects, logs);
    assert_eq!(
        (state.screen, state.logs.follow),
        (Screen::Logs, Follow::Off)
    );
    assert!(shown(&state, 120, 24).contains("17:40:55 to 17:41:04"));
    // Asked again it looks at the same time; another query does not.
    assert_eq!(press(&mut state, KeyCode::Char('r')), logs);
    assert_ne!(press(&mut state, KeyCode::Char('n')), logs);
    // The trace is still open where it was.
    press(&mut state, KeyCode::Char('4'));
    press(&mut state, KeyCode::Down);
    let effects = press(&mut state, KeyCode::Char('M'));
    let query = r#"sum by (status_code) (rate(http_requests_total{service="orders"}[15s]))"#;
    let two_minutes = TimeRange::last(Period::from_secs(120), NOW);
    assert_eq!(
        effects,
        [asked(Asker::Metrics, Backend::Metrics, query, two_minutes)]
    );
    assert_eq!(state.screen, Screen::Metrics);
}
