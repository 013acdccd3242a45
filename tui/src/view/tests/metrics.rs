//! The metrics screen: cursor, pages, refreshes, dashboard.

use crossterm::event::KeyCode;
use engine::{AnswerData, DeploymentRow};
use model::{Backend, Period, Query, Timestamp};
use telemetry::{Matrix, Point, Series, TimeRange};

use super::{NOW, answer, before, busy, press, series, shown, write};
use crate::effect::Effect;
use crate::key::of_screen;
use crate::message::{Asker, Message, Snapshot, Watch, Watched};
use crate::state::{Refusal, Screen, State};
use crate::update::update;
use crate::view::unit::Unit;

/// The console on the metrics screen, with an answer of `count` series.
fn chart(count: usize) -> State {
    let mut state = busy();
    state.screen = Screen::Metrics;
    state.metrics.asking.query = "rate(http_requests_total[15s])".into();
    let all = (0..count).map(|index| {
        let height = index as f64;
        let title = format!("service-{index:02}");
        series(&title, &[height, height + 1.0, height + 0.5, height, 12.0])
    });
    let series = all.collect();
    state.metrics.asking.begin();
    answered(&mut state, Matrix { series });
    state
}

fn answered(state: &mut State, matrix: Matrix) {
    let answer = Ok(answer(AnswerData::Series(matrix)));
    update(state, Message::Answered(Asker::Metrics, answer));
}

fn tick(state: &mut State, second: u64) -> Vec<Effect> {
    update(state, Message::Tick(NOW.plus(Period::from_secs(second))))
}

fn watches(effects: Vec<Effect>) -> Vec<Watch> {
    let watches = effects.into_iter().filter_map(|effect| match effect {
        Effect::Watch(watch) => Some(watch),
        _ => None,
    });
    watches.collect()
}

#[test]
fn the_cursor_stands_on_points_and_the_legend_reads_there() {
    let mut state = chart(3);
    press(&mut state, KeyCode::Char('j'));
    for code in [KeyCode::Char('h'), KeyCode::Left, KeyCode::Char('h')] {
        press(&mut state, code);
    }
    press(&mut state, KeyCode::Char('l'));
    assert_eq!(state.metrics.cursor, Some(before(120)));
    for (width, height) in [(80, 24), (120, 40)] {
        insta::assert_snapshot!(
            format!("cursor-{width}x{height}"),
            shown(&state, width, height)
        );
    }
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.metrics.cursor, None);
}

#[test]
fn the_cursor_does_not_leave_the_points() {
    let mut state = chart(1);
    for _ in 0..10 {
        press(&mut state, KeyCode::Char('h'));
    }
    assert_eq!(state.metrics.cursor, Some(before(300)));
    for _ in 0..10 {
        press(&mut state, KeyCode::Char('l'));
    }
    assert_eq!(state.metrics.cursor, Some(before(60)));
    let mut empty = chart(0);
    press(&mut empty, KeyCode::Char('h'));
    assert_eq!(empty.metrics.cursor, None);
}

#[test]
fn more_series_than_a_chart_holds_are_paged() {
    let mut state = chart(19);
    press(&mut state, KeyCode::PageDown);
    press(&mut state, KeyCode::Char('j'));
    insta::assert_snapshot!("pages", shown(&state, 120, 40));
    press(&mut state, KeyCode::Enter);
    insta::assert_snapshot!("one-series", shown(&state, 120, 40));
    press(&mut state, KeyCode::Char('s'));
    press(&mut state, KeyCode::PageDown);
    press(&mut state, KeyCode::PageDown);
    assert_eq!(state.metrics.selected, 17);
    assert!(shown(&state, 120, 40).contains("series 17 to 19 of 19"));
    press(&mut state, KeyCode::Char('G'));
    press(&mut state, KeyCode::PageUp);
    assert_eq!(state.metrics.selected, 10);
}

#[test]
fn time_is_stretched_around_the_cursor_and_comes_back_to_now() {
    let mut state = chart(1);
    let range = |effects: Vec<Effect>| match effects.as_slice() {
        [Effect::Ask(Asker::Metrics, _, Some(range))] => *range,
        other => panic!("{other:?}"),
    };
    let last = |seconds, to| TimeRange::last(Period::from_secs(seconds), to);
    let wider = press(&mut state, KeyCode::Char('-'));
    assert_eq!(range(wider), last(300, NOW));
    state.metrics.cursor = Some(before(240));
    let narrow = press(&mut state, KeyCode::Char('+'));
    assert_eq!(range(narrow), last(120, before(180)));
    let wide = press(&mut state, KeyCode::Char('-'));
    assert_eq!(range(wide), last(300, before(90)));
    let back = press(&mut state, KeyCode::Char('0'));
    assert_eq!(range(back), last(300, NOW));
    assert_eq!(state.metrics.cursor, None);
}

#[test]
fn a_chart_up_to_now_is_refreshed_and_nothing_else_of_it_changes() {
    let mut state = chart(3);
    press(&mut state, KeyCode::Char('+'));
    answered(
        &mut state,
        Matrix {
            series: vec![series("a", &[1.0]), series("b", &[1.0])],
        },
    );
    press(&mut state, KeyCode::Char('j'));
    press(&mut state, KeyCode::Char('h'));
    let cursor = state.metrics.cursor;
    let record = |state: &mut State| {
        let mut history = state.metrics.asking.history.clone();
        [1, 1, 1].map(|step| history.recall(step).to_owned())
    };
    let history = record(&mut state);
    assert!(watches((1..5).flat_map(|s| tick(&mut state, s)).collect()).is_empty());
    let mut asked = watches(tick(&mut state, 5));
    let watch = asked.pop().expect("a refresh");
    let query = "rate(http_requests_total[15s])".to_owned();
    let range = TimeRange::last(Period::from_secs(60), NOW.plus(Period::from_secs(5)));
    assert_eq!(
        watch,
        Watch {
            what: Watched::Chart,
            query,
            range
        }
    );
    // While it is not answered, it is not asked again.
    assert!(watches(tick(&mut state, 11)).is_empty());
    let fresh = Matrix {
        series: vec![
            series("0", &[3.0]),
            series("a", &[2.0]),
            series("b", &[2.0]),
        ],
    };
    update(&mut state, Message::Watched(watch, Ok(fresh.clone())));
    assert_eq!(state.metrics.series(), fresh.series);
    assert_eq!(state.metrics.selected, 2, "the series that was selected");
    assert_eq!(state.metrics.cursor, cursor);
    assert_eq!(record(&mut state), history);
}

#[test]
fn a_failed_refresh_keeps_what_is_shown_and_says_how_old_it_is() {
    let mut state = chart(3);
    let watch = watches(tick(&mut state, 5)).pop().expect("a refresh");
    update(
        &mut state,
        Message::Watched(watch, Err("connection refused".into())),
    );
    tick(&mut state, 8);
    let seen = shown(&state, 80, 24);
    assert!(
        seen.contains("not refreshed for 8s: connection refused"),
        "{seen}"
    );
    assert!(seen.contains("service-02"), "{seen}");
    let watch = watches(tick(&mut state, 10)).pop().expect("another");
    let fresh = Matrix {
        series: vec![series("a", &[1.0])],
    };
    update(&mut state, Message::Watched(watch, Ok(fresh)));
    assert!(!shown(&state, 80, 24).contains("not refreshed"));
}

#[test]
fn what_is_not_shown_or_stands_still_is_not_refreshed() {
    let elsewhere = |state: &mut State| state.screen = Screen::Logs;
    let past = |state: &mut State| {
        state.metrics.cursor = Some(before(3_000));
        press(state, KeyCode::Char('+'));
        answered(state, Matrix::default());
    };
    let waiting = |state: &mut State| {
        press(state, KeyCode::Char('r'));
    };
    let refused = |state: &mut State| {
        press(state, KeyCode::Char('r'));
        update(state, Message::Answered(Asker::Metrics, Err(refusal())));
    };
    let cases: [fn(&mut State); 4] = [elsewhere, past, waiting, refused];
    for (index, case) in cases.into_iter().enumerate() {
        let mut state = chart(1);
        case(&mut state);
        assert!(watches(tick(&mut state, 5)).is_empty(), "{index}");
    }
}

#[test]
fn an_answer_to_an_earlier_query_is_dropped() {
    let mut state = chart(3);
    let watch = watches(tick(&mut state, 5)).pop().expect("a refresh");
    press(&mut state, KeyCode::Char('n'));
    update(&mut state, Message::Watched(watch, Ok(Matrix::default())));
    assert_eq!(state.metrics.series().len(), 3);
}

/// The dashboard of `payment`, answered.
fn dashboard(image: &str) -> State {
    let mut state = chart(1);
    let mut snapshot = Snapshot::default();
    snapshot.deployments.push(DeploymentRow {
        name: "payment".into(),
        ready: 1,
        wanted: 1,
        updated: 1,
        available: 1,
        age: Period::from_secs(140),
        image: image.into(),
        selector: [].into(),
    });
    update(&mut state, Message::Looked(Ok(Box::new(snapshot))));
    press(&mut state, KeyCode::Char('d'));
    let asked = watches(press(&mut state, KeyCode::Char('[')));
    for (index, watch) in asked.into_iter().enumerate() {
        let points = (0..60).map(|second| Point {
            at: before(120 - second * 2),
            value: match index {
                0 => 12.0 + (second % 7) as f64,
                1 => second.saturating_sub(40) as f64 / 25.0,
                2 => 0.004 + second as f64 * 0.008,
                _ => 0.3 + (second % 5) as f64 / 100.0,
            },
        });
        let matrix = Matrix {
            series: vec![Series {
                labels: [("service".to_owned(), "payment".to_owned())].into(),
                points: points.collect(),
            }],
        };
        let answer = if index == 5 {
            Err("connection refused".into())
        } else {
            Ok(matrix)
        };
        update(&mut state, Message::Watched(watch, answer));
    }
    state
}

#[test]
fn a_dashboard_shows_one_service_at_any_size() {
    let mut state = dashboard("shoplab/sock-shop/payment:v1.0.0");
    assert_eq!(
        state.dashboard_service().map(|s| s.as_str()),
        Some("payment")
    );
    insta::assert_snapshot!("dashboard-120x40", shown(&state, 120, 40));
    press(&mut state, KeyCode::Char('G'));
    insta::assert_snapshot!("dashboard-80x24", shown(&state, 80, 24));
    for (width, height) in [(1, 1), (10, 3), (40, 10), (60, 5), (250, 70)] {
        shown(&state, width, height);
    }
}

#[test]
fn a_store_shows_what_it_has() {
    let state = dashboard("postgres:16");
    insta::assert_snapshot!("dashboard-store", shown(&state, 120, 40));
}

#[test]
fn a_dashboard_is_not_on_record_until_a_panel_is_opened() {
    let mut state = dashboard("shoplab/sock-shop/payment:v1.0.0");
    let other = press(&mut state, KeyCode::Char('['));
    assert_eq!(watches(other.clone()).len(), other.len());
    assert_eq!(watches(other).len(), 6);
    press(&mut state, KeyCode::Char(']'));
    assert_eq!(watches(tick(&mut state, 4)).len(), 0);
    press(&mut state, KeyCode::Char('l'));
    press(&mut state, KeyCode::Char('j'));
    let effects = press(&mut state, KeyCode::Enter);
    let [
        Effect::Ask(
            Asker::Metrics,
            Query {
                backend: Backend::Metrics,
                text,
            },
            Some(_),
        ),
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(Some(text), state.panels().get(2).map(|panel| &panel.query));
    assert_eq!(&state.metrics.asking.query, text);
    press(&mut state, KeyCode::Char('d'));
    press(&mut state, KeyCode::Char('/'));
    write(&mut state, " or up");
    let effects = press(&mut state, KeyCode::Enter);
    assert!(
        matches!(effects.as_slice(), [Effect::Ask(..), Effect::Keep(..)]),
        "{effects:?}"
    );
}

#[test]
fn a_dashboard_is_asked_again_while_it_is_shown() {
    let mut state = dashboard("postgres:16");
    assert_eq!(watches(tick(&mut state, 5)).len(), 7);
    // None of them was answered: they are not asked twice.
    assert_eq!(watches(tick(&mut state, 10)).len(), 0);
    state.screen = Screen::Incident;
    assert_eq!(watches(tick(&mut state, 20)).len(), 0);
}

#[test]
fn every_panel_has_the_unit_of_its_title() {
    let units = |image| {
        let panels = dashboard(image).panels();
        let units = panels.iter().map(|panel| Unit::of(&panel.query));
        units.take(panels.len() - 3).collect::<Vec<_>>()
    };
    let of_container = |image| {
        let panels = dashboard(image).panels();
        let units = panels.iter().map(|panel| Unit::of(&panel.query));
        units.skip(panels.len() - 3).collect::<Vec<_>>()
    };
    use Unit::{PerSecond, Plain, Ratio, Seconds};
    assert_eq!(units("x/payment:v1"), [PerSecond, Ratio, Seconds]);
    assert_eq!(units("postgres:16"), [PerSecond, PerSecond, Seconds, Ratio]);
    assert_eq!(units("redis:7"), [PerSecond, Seconds, Plain, Ratio]);
    assert_eq!(units("rabbitmq:3"), [Plain, PerSecond, Plain, Plain]);
    assert_eq!(of_container("redis:7"), [Ratio, Ratio, Plain]);
}

#[test]
fn a_refused_query_leaves_the_unit_of_what_is_shown() {
    let mut state = chart(1);
    press(&mut state, KeyCode::Char('n'));
    state.metrics.asking.query = "x_bytes{".into();
    update(
        &mut state,
        Message::Answered(Asker::Metrics, Err(refusal())),
    );
    assert!(shown(&state, 80, 24).contains("12.0/s"));
}

#[test]
fn help_fits_the_smallest_terminal() {
    let mut state = chart(1);
    press(&mut state, KeyCode::Char('?'));
    let seen = shown(&state, 80, 24);
    for binding in of_screen(Screen::Metrics) {
        let row = format!(" {:20}{}", binding.keys, binding.does);
        assert!(seen.contains(&row), "{row}\n{seen}");
    }
}

#[test]
fn times_apart_from_all_points_have_no_value() {
    let mut state = chart(1);
    state.metrics.cursor = Some(Timestamp::from_millis(1));
    let seen = shown(&state, 120, 40);
    assert!(seen.contains("▶━            - {service="), "{seen}");
}

/// A backend's no, without a place.
fn refusal() -> Refusal {
    Refusal {
        query: "up".into(),
        why: "no".into(),
        place: None,
    }
}
