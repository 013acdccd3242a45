//! Draws the state. One file per screen.
//!
//! ```text
//! ┌ header: shop · title · clock · page and its age ──────────────────┐
//! │ tabs: 1 Incident 2 Metrics 3 Logs 4 Traces 5 Cluster 6 Act ...    │
//! │                                                                   │
//! │ the screen                                                        │
//! │                                                                   │
//! │ foot: a toast, the line being written, or the keys; under a query │
//! │       that is being written, what it may go on with               │
//! └───────────────────────────────────────────────────────────────────┘
//! ```

mod act;
mod answer;
mod asked;
mod axis;
mod cluster;
mod dashboard;
mod debrief;
mod dialog;
mod editor;
mod frame;
mod incident;
mod logs;
mod map;
mod metrics;
mod page;
mod part;
mod plot;
mod traces;
mod unit;
mod waterfall;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
pub(crate) use unit::Unit;

use crate::state::{Focus, LineFor, Screen, State};

/// Draws everything.
pub(crate) fn draw(frame: &mut Frame<'_>, state: &State) {
    let [header, tabs, body, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    frame::header(frame, header, state);
    frame::tabs(frame, tabs, state);
    match state.screen {
        Screen::Incident => incident::draw(frame, body, state),
        Screen::Metrics => metrics::draw(frame, body, state),
        Screen::Logs => logs::draw(frame, body, state),
        Screen::Traces => traces::draw(frame, body, state),
        Screen::Cluster => cluster::draw(frame, body, state),
        Screen::Act => act::draw(frame, body, state),
        Screen::Answer => answer::draw(frame, body, state),
        Screen::Debrief => debrief::draw(frame, body, state),
    }
    match state.focus {
        Focus::Line(line @ (LineFor::Query(_) | LineFor::Search(_))) => {
            editor::draw(frame, body, foot, state, line);
        }
        _ => frame::foot(frame, foot, state),
    }
    dialog::draw(frame, body, state);
}

#[cfg(test)]
pub(crate) mod tests;
