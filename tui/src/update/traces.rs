//! What a key does on the traces screen: in the list, on the map, in a trace.

use crossterm::event::KeyCode;

use super::keys::{step, unless_over};
use super::{ask, lines};
use crate::completion::Language;
use crate::effect::Effect;
use crate::message::Asker;
use crate::state::{
    Depth, LineFor, OpenTrace, Row, Screen, ServiceMap, Side, State, facts, requests_of,
};

/// How often the map is drawn anew while it is shown, in seconds.
const EVERY: u64 = 5;

/// Takes a key.
pub(super) fn key(state: &mut State, code: KeyCode) -> Vec<Effect> {
    if state.traces.open.is_some() {
        return open(state, code);
    }
    match state.traces.side {
        Side::Found => found(state, code),
        Side::Map => map(state, code),
    }
}

/// Asks for a newer map where one is looked at.
pub(super) fn refresh(state: &mut State, second: u64) -> Vec<Effect> {
    let traces = &state.traces;
    let seen = state.screen == Screen::Traces && traces.side == Side::Map && traces.open.is_none();
    if !seen || traces.map.waiting > 0 || !second.is_multiple_of(EVERY) {
        return Vec::new();
    }
    draw_map(state)
}

fn draw_map(state: &mut State) -> Vec<Effect> {
    state.traces.map.waiting += 1;
    vec![Effect::Map]
}

fn open(state: &mut State, code: KeyCode) -> Vec<Effect> {
    let Some(open) = &mut state.traces.open else {
        return Vec::new();
    };
    let back = matches!(code, KeyCode::Esc | KeyCode::Backspace | KeyCode::Char('h'));
    match (open.depth, code) {
        (Depth::Waterfall, _) if back => state.traces.open = None,
        (Depth::Span(_), KeyCode::Enter) => open.depth = Depth::Waterfall,
        (Depth::Span(_), _) if back => open.depth = Depth::Waterfall,
        (Depth::Waterfall, KeyCode::Enter) => open.depth = Depth::Span(0),
        (_, KeyCode::Char('l')) => return unless_over(state, logs),
        (_, KeyCode::Char('M')) => return unless_over(state, metrics),
        (Depth::Waterfall, code) => step(&mut open.selected, open.trace.spans.len(), code),
        (Depth::Span(mut line), code) => {
            let lines = open.span().map_or(0, |span| facts(span).len());
            step(&mut line, lines, code);
            open.depth = Depth::Span(line);
        }
    }
    Vec::new()
}

/// Goes to the lines that the services wrote within the trace.
fn logs(state: &mut State) -> Vec<Effect> {
    let Some(open) = &state.traces.open else {
        return Vec::new();
    };
    let (query, range) = open.logs(state.facts.scenario.shop.as_str());
    state.logs.filter.clear();
    state.logs.pin(query, range);
    state.screen = Screen::Logs;
    ask(state, Asker::Logs)
}

/// Goes to what the service of the selected span answers.
fn metrics(state: &mut State) -> Vec<Effect> {
    let span = state.traces.open.as_ref().and_then(OpenTrace::span);
    let Some(query) = span.map(|span| requests_of(&span.service)) else {
        return Vec::new();
    };
    state.metrics.asking.query = query;
    state.screen = Screen::Metrics;
    ask(state, Asker::Metrics)
}

fn found(state: &mut State, code: KeyCode) -> Vec<Effect> {
    match code {
        KeyCode::Char('i' | '/') => {
            return lines::begin(state, LineFor::Query(Language::TraceQl));
        }
        KeyCode::Char('n') => state.traces.asking.turn(1),
        KeyCode::Char('p') => state.traces.asking.turn(-1),
        KeyCode::Char('m') => {
            state.traces.side = Side::Map;
            return unless_over(state, draw_map);
        }
        KeyCode::Enter | KeyCode::Char('l') => {
            let found = state.traces.found().get(state.traces.selected);
            return found
                .map(|trace| Effect::Trace(trace.trace_id.clone()))
                .into_iter()
                .collect();
        }
        KeyCode::Char('r') => {}
        code => {
            let count = state.traces.found().len();
            step(&mut state.traces.selected, count, code);
        }
    }
    match code {
        KeyCode::Char('n' | 'p' | 'r') => unless_over(state, |state| ask(state, Asker::Traces)),
        _ => Vec::new(),
    }
}

fn map(state: &mut State, code: KeyCode) -> Vec<Effect> {
    let pane = &mut state.traces.map;
    let rows = pane.map.as_ref().map_or(0, |map| map.rows.len());
    let query = |way: fn(&ServiceMap, &Row) -> String| {
        let row = pane.row()?;
        pane.map.as_ref().map(|map| way(map, row))
    };
    let query = match code {
        KeyCode::Enter => query(ServiceMap::troubled),
        KeyCode::Char('e') => query(ServiceMap::failed),
        KeyCode::Char('i' | '/') => {
            return lines::begin(state, LineFor::Query(Language::TraceQl));
        }
        KeyCode::Char('m') | KeyCode::Esc | KeyCode::Backspace => {
            state.traces.side = Side::Found;
            return Vec::new();
        }
        KeyCode::Char('r') => return unless_over(state, draw_map),
        code => {
            step(&mut pane.selected, rows, code);
            return Vec::new();
        }
    };
    match query {
        Some(query) => unless_over(state, |state| {
            state.traces.asking.query = query;
            ask(state, Asker::Traces)
        }),
        None => Vec::new(),
    }
}
