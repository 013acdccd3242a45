//! What a key does on the metrics screen.

use crossterm::event::KeyCode;

use super::keys::{step, unless_over};
use super::{ask, lines, watch};
use crate::completion::Language;
use crate::effect::Effect;
use crate::message::Asker;
use crate::state::{LineFor, MetricsView, State};

/// Takes a key.
pub(super) fn key(state: &mut State, code: KeyCode) -> Vec<Effect> {
    match state.metrics.view {
        MetricsView::Query => query(state, code),
        MetricsView::Dashboard => dashboard(state, code),
    }
}

fn query(state: &mut State, code: KeyCode) -> Vec<Effect> {
    let now = state.now;
    let metrics = &mut state.metrics;
    match code {
        KeyCode::Char('i' | '/') => {
            return lines::begin(state, LineFor::Query(Language::PromQl));
        }
        KeyCode::Char('n') => metrics.asking.turn(1),
        KeyCode::Char('p') => metrics.asking.turn(-1),
        KeyCode::Char('+') => metrics.zoom(-1, now),
        KeyCode::Char('-') => metrics.zoom(1, now),
        KeyCode::Char('0') => metrics.back_to_now(),
        KeyCode::Char('r') => {}
        KeyCode::Char('h') | KeyCode::Left => metrics.move_cursor(-1),
        KeyCode::Char('l') | KeyCode::Right => metrics.move_cursor(1),
        KeyCode::Esc => metrics.cursor = None,
        KeyCode::Char('s') | KeyCode::Enter => metrics.toggle_drawn(),
        KeyCode::PageDown => metrics.turn_page(1),
        KeyCode::PageUp => metrics.turn_page(-1),
        KeyCode::Char('d') => {
            return unless_over(state, |state| {
                state.metrics.view = MetricsView::Dashboard;
                watch::panels(state)
            });
        }
        code => {
            let series = metrics.series().len();
            step(&mut metrics.selected, series, code);
        }
    }
    match code {
        KeyCode::Char('n' | 'p' | '+' | '-' | '0' | 'r') => {
            unless_over(state, |state| ask(state, Asker::Metrics))
        }
        _ => Vec::new(),
    }
}

fn dashboard(state: &mut State, code: KeyCode) -> Vec<Effect> {
    let panels = state.panels();
    let last = panels.len().saturating_sub(1);
    let services = state.facts.services.len().max(1) as isize;
    let metrics = &mut state.metrics;
    let dashboard = &mut metrics.dashboard;
    let turned = |from: usize, step: isize| (from as isize + step).rem_euclid(services) as usize;
    match code {
        KeyCode::Char('d') | KeyCode::Esc => metrics.view = MetricsView::Query,
        KeyCode::Char('i' | '/') => {
            metrics.view = MetricsView::Query;
            return lines::begin(state, LineFor::Query(Language::PromQl));
        }
        KeyCode::Char(']') => dashboard.service = turned(dashboard.service, 1),
        KeyCode::Char('[') => dashboard.service = turned(dashboard.service, -1),
        KeyCode::Char('+') => metrics.widen(-1),
        KeyCode::Char('-') => metrics.widen(1),
        KeyCode::Char('r') => {}
        KeyCode::Enter => {
            if let Some(panel) = panels.get(dashboard.selected) {
                let query = panel.query.clone();
                return unless_over(state, |state| {
                    state.metrics.open(query);
                    ask(state, Asker::Metrics)
                });
            }
        }
        KeyCode::Char('l') | KeyCode::Right => {
            dashboard.selected = (dashboard.selected + 1).min(last);
        }
        KeyCode::Char('h') | KeyCode::Left => {
            dashboard.selected = dashboard.selected.saturating_sub(1);
        }
        code => step(&mut dashboard.selected, last + 1, code),
    }
    match code {
        KeyCode::Char('[' | ']' | '+' | '-' | 'r') => {
            state.metrics.dashboard.selected = state.metrics.dashboard.selected.min(last);
            unless_over(state, watch::panels)
        }
        _ => Vec::new(),
    }
}
