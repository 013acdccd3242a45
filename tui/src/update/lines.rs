//! Lines that are being written: queries, filters, commands, updates.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use model::Response;

use super::ask;
use crate::effect::Effect;
use crate::message::Asker;
use crate::state::{Focus, Input, LineFor, Screen, State, Tone, complete, key_of, parse};

/// Begins a line.
pub(super) fn begin(state: &mut State, line: LineFor) {
    state.line = match line {
        LineFor::Query => match state.screen {
            Screen::Logs => Input::holding(state.logs.asking.query.clone()),
            Screen::Traces => Input::holding(state.traces.asking.query.clone()),
            _ => Input::holding(state.metrics.asking.query.clone()),
        },
        LineFor::Filter => Input::holding(state.logs.filter.clone()),
        LineFor::Command | LineFor::Update => Input::default(),
    };
    state.focus = Focus::Line(line);
}

/// Takes pasted text, where a line is being written.
pub(super) fn paste(state: &mut State, text: &str) {
    if let Focus::Line(_) = state.focus {
        state.line.insert(text);
    }
}

/// Takes a key while a line is being written.
pub(super) fn key(state: &mut State, line: LineFor, key: KeyEvent) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Esc => state.focus = Focus::Screen,
        KeyCode::Enter => return enter(state, line),
        KeyCode::Tab if line == LineFor::Command => {
            let found = complete(state.line.text(), &state.facts.services);
            if let Some(first) = found.first() {
                state.line = Input::holding(first.clone());
            }
        }
        KeyCode::Up if line == LineFor::Query => recall(state, 1),
        KeyCode::Down if line == LineFor::Query => recall(state, -1),
        KeyCode::Char('a') if control => state.line.home(),
        KeyCode::Char('e') if control => state.line.end(),
        KeyCode::Char('u') if control => state.line.clear(),
        KeyCode::Char('w') if control => state.line.delete_word(),
        KeyCode::Char(letter) if !control => state.line.insert(letter.encode_utf8(&mut [0; 4])),
        KeyCode::Backspace => state.line.backspace(),
        KeyCode::Delete => state.line.delete(),
        KeyCode::Left => state.line.left(),
        KeyCode::Right => state.line.right(),
        KeyCode::Home => state.line.home(),
        KeyCode::End => state.line.end(),
        _ => {}
    }
    if line == LineFor::Filter {
        state.logs.filter = state.line.text().to_owned();
        state.logs.selected = 0;
    }
    Vec::new()
}

fn recall(state: &mut State, step: isize) {
    let recalled = match state.screen {
        Screen::Logs => state.logs.asking.recall(step),
        Screen::Traces => state.traces.asking.recall(step),
        _ => state.metrics.asking.recall(step),
    };
    if let Some(line) = recalled {
        state.line = line;
    }
}

fn enter(state: &mut State, line: LineFor) -> Vec<Effect> {
    let text = state.line.text().trim().to_owned();
    state.focus = Focus::Screen;
    match line {
        LineFor::Query if text.is_empty() => Vec::new(),
        LineFor::Query => match state.screen {
            Screen::Logs => {
                state.logs.asking.query = text;
                ask(state, Asker::Logs)
            }
            Screen::Traces => {
                state.traces.asking.query = text;
                ask(state, Asker::Traces)
            }
            _ => {
                state.metrics.asking.query = text;
                ask(state, Asker::Metrics)
            }
        },
        LineFor::Filter => Vec::new(),
        LineFor::Update if text.is_empty() => Vec::new(),
        LineFor::Update => vec![Effect::Respond(Response::Update(text))],
        LineFor::Command => command(state, &text),
    }
}

fn command(state: &mut State, text: &str) -> Vec<Effect> {
    if let Some(letter) = key_of(text) {
        return super::keys::key(state, KeyEvent::from(KeyCode::Char(letter)));
    }
    match parse(text, &state.facts.services) {
        Ok(action) => state.focus = Focus::Confirm(action),
        Err(why) => state.say(Tone::Wrong, why),
    }
    Vec::new()
}
