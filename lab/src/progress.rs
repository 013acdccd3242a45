//! A live line per drill.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};

use model::{Event, Happening, Response, Severity, Timestamp, Verdict};

/// Shows how far each drill is: lines that are redrawn on a terminal, one line
/// an event elsewhere.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<State>,
    redraw: bool,
}

#[derive(Debug, Default)]
struct State {
    lines: BTreeMap<usize, Line>,
    drawn: usize,
}

#[derive(Debug)]
struct Line {
    label: String,
    from: Option<Timestamp>,
    steps: Vec<String>,
}

impl Progress {
    /// On standard error.
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::default(),
            redraw: std::io::stderr().is_terminal(),
        }
    }

    /// A drill began; `slot` tells it from others that run.
    pub(crate) fn begin(&self, slot: usize, label: &str) {
        let line = Line {
            label: label.to_owned(),
            from: None,
            steps: vec!["starting".to_owned()],
        };
        self.change(slot, |state| {
            state.lines.insert(slot, line);
        });
    }

    /// Something happened in a drill.
    pub(crate) fn event(&self, slot: usize, event: &Event) {
        let step = match (&event.what, step(&event.what)) {
            (Happening::Started { .. }, _) => "started".to_owned(),
            (_, Some(step)) => step,
            (_, None) => return,
        };
        self.change(slot, |state| {
            if let Some(line) = state.lines.get_mut(&slot) {
                let from = *line.from.get_or_insert(event.at);
                line.steps.push(format!("{step} {}", short(from, event.at)));
            }
        });
    }

    /// A drill ended; its line stays.
    pub(crate) fn end(&self, slot: usize, result: &str) {
        self.change(slot, |state| {
            if let Some(line) = state.lines.get_mut(&slot) {
                line.steps.push(result.to_owned());
            }
        });
    }

    fn change(&self, slot: usize, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let text = if self.redraw {
            redrawn(&mut state)
        } else {
            state.lines.get(&slot).map_or_else(String::new, |line| {
                let last = line.steps.last().map_or("", String::as_str);
                format!("{}: {last}\n", line.label)
            })
        };
        // Progress is a courtesy: a closed standard error must not end a drill.
        drop(std::io::stderr().write_all(text.as_bytes()));
    }
}

/// The lines once more, over those drawn before.
fn redrawn(state: &mut State) -> String {
    let mut text = String::new();
    if state.drawn > 0 {
        text.push_str(&format!("\x1b[{}A", state.drawn));
    }
    for line in state.lines.values() {
        let tail = line.steps.iter().rev().take(6).rev();
        let steps: Vec<&str> = tail.map(String::as_str).collect();
        text.push_str(&format!("\x1b[2K{:24} {}\n", line.label, steps.join(" → ")));
    }
    state.drawn = state.lines.len();
    text
}

/// Seconds since the drill began.
fn short(from: Timestamp, at: Timestamp) -> String {
    format!("{:.0}s", at.since(from).as_secs_f64())
}

/// What is worth showing of an Event.
fn step(what: &Happening) -> Option<String> {
    Some(match what {
        Happening::ShopReady { .. } => "shop ready".to_owned(),
        Happening::SteadyState { .. } => "steady".to_owned(),
        Happening::FaultInjected { fault, .. } => format!("injected {}", fault.kind),
        Happening::FaultBit { .. } => "bites".to_owned(),
        Happening::ImpactSeen(_) => "impact".to_owned(),
        Happening::AlertFired {
            alert,
            severity: Severity::Page,
            ..
        } => format!("page {alert}"),
        Happening::Responded { response, .. } => match response {
            Response::Acknowledge => "acknowledged".to_owned(),
            Response::Diagnose(_) => "diagnosed".to_owned(),
            Response::Act(action) => action.to_string(),
            Response::Resolve => "resolved".to_owned(),
            _ => return None,
        },
        Happening::Recovered => "recovered".to_owned(),
        Happening::Relapsed { check } => format!("relapsed ({check})"),
        Happening::FaultUndone { .. } => "undone".to_owned(),
        Happening::Finished(Verdict::Complete) => "finished".to_owned(),
        Happening::Finished(Verdict::Invalid(_)) => "invalid".to_owned(),
        Happening::Finished(Verdict::Interrupted) => "interrupted".to_owned(),
        _ => return None,
    })
}
