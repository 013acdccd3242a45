//! What a key does on the logs screen: in the answer, around one line.

use crossterm::event::KeyCode;
use telemetry::LogLine;

use super::keys::{step, unless_over};
use super::{ask, lines};
use crate::completion::Language;
use crate::effect::Effect;
use crate::message::Asker;
use crate::state::{Follow, LineFor, State, Tone};

/// Takes a key.
pub(super) fn key(state: &mut State, code: KeyCode) -> Vec<Effect> {
    if state.logs.context.is_some() {
        return around(state, code);
    }
    match code {
        KeyCode::Char('i') => return lines::begin(state, LineFor::Query(Language::LogQl)),
        KeyCode::Char('/') => return lines::begin(state, LineFor::Filter),
        KeyCode::Char('f') => {
            state.logs.follow = match state.logs.follow {
                Follow::On => Follow::Off,
                Follow::Off => Follow::On,
            };
            state.logs.selected = 0;
        }
        KeyCode::Char('n') => state.logs.asking.turn(1),
        KeyCode::Char('p') => state.logs.asking.turn(-1),
        KeyCode::Char('t') | KeyCode::Enter => return trace(state),
        KeyCode::Char('c') => {
            let selected = state.logs.selected;
            let line = state.logs.lines().get(selected).copied().cloned();
            return match line {
                Some(line) => unless_over(state, |_| vec![Effect::Context(Box::new(line))]),
                None => Vec::new(),
            };
        }
        KeyCode::Char('r') => {}
        code => {
            let count = state.logs.lines().len();
            step(&mut state.logs.selected, count, code);
        }
    }
    match code {
        KeyCode::Char('n' | 'p' | 'r') => unless_over(state, |state| ask(state, Asker::Logs)),
        _ => Vec::new(),
    }
}

fn around(state: &mut State, code: KeyCode) -> Vec<Effect> {
    let Some(context) = &mut state.logs.context else {
        return Vec::new();
    };
    match code {
        KeyCode::Esc | KeyCode::Backspace | KeyCode::Char('c') => state.logs.context = None,
        KeyCode::Char('t') | KeyCode::Enter => return trace(state),
        code => step(&mut context.selected, context.lines.len(), code),
    }
    Vec::new()
}

/// Goes to the trace of the selected line.
fn trace(state: &mut State) -> Vec<Effect> {
    let id = |line: &LogLine| {
        let id = line.field("trace_id")?;
        id.as_str().map(str::to_owned)
    };
    match state.logs.line().and_then(id) {
        Some(id) if !id.is_empty() => vec![Effect::Trace(id)],
        _ => {
            state.say(Tone::Wrong, "this line belongs to no trace");
            Vec::new()
        }
    }
}
