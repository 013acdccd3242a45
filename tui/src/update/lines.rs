//! Lines that are being written: queries, filters, commands, updates.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use model::Response;

use super::offers::{self, Closed};
use super::{ask, search};
use crate::completion::Language;
use crate::effect::Effect;
use crate::message::Asker;
use crate::state::{Focus, Input, LineFor, State, Tone, complete, key_of, parse};

/// Begins a line.
pub(super) fn begin(state: &mut State, line: LineFor) -> Vec<Effect> {
    state.line = match line {
        LineFor::Query(language) => {
            let asking = state.asking_mut(language);
            asking.history.rewind();
            Input::holding(asking.query.clone())
        }
        LineFor::Filter => Input::holding(state.logs.filter.clone()),
        LineFor::Rows => Input::holding(state.cluster.filter.clone()),
        LineFor::Command | LineFor::Update | LineFor::Find | LineFor::Search(_) => Input::default(),
    };
    state.focus = Focus::Line(line);
    match line {
        LineFor::Query(language) => offers::prepare(state, language),
        _ => Vec::new(),
    }
}

/// Takes pasted text, where a line is being written.
pub(super) fn paste(state: &mut State, text: &str) {
    if let Focus::Line(_) = state.focus {
        state.line.insert(text);
        state.offers = None;
    }
}

/// Takes a key while a line is being written.
pub(super) fn key(state: &mut State, line: LineFor, key: KeyEvent) -> Vec<Effect> {
    match line {
        LineFor::Query(language) => return key_of_query(state, language, key),
        LineFor::Search(language) => return search::key(state, language, key),
        LineFor::Filter | LineFor::Rows | LineFor::Find | LineFor::Command | LineFor::Update => {}
    }
    match key.code {
        KeyCode::Esc => state.focus = Focus::Screen,
        KeyCode::Enter => return enter(state, line),
        KeyCode::Tab if line == LineFor::Command => {
            let found = complete(state.line.text(), &state.facts.services);
            if let Some(first) = found.first() {
                state.line = Input::holding(first.clone());
            }
        }
        _ => edit(&mut state.line, key),
    }
    if line == LineFor::Filter {
        state.logs.filter = state.line.text().to_owned();
        state.logs.selected = 0;
    }
    if line == LineFor::Rows {
        state.cluster.filter = state.line.text().to_owned();
        state.cluster.selected = 0;
    }
    Vec::new()
}

fn key_of_query(state: &mut State, language: Language, key: KeyEvent) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Esc => {
            if offers::close(state) == Closed::Nothing {
                state.focus = Focus::Screen;
            }
        }
        KeyCode::Enter => return enter(state, LineFor::Query(language)),
        KeyCode::Tab => return offers::turn(state, language, 1),
        KeyCode::BackTab => return offers::turn(state, language, -1),
        KeyCode::Up => recall(state, language, 1),
        KeyCode::Down => recall(state, language, -1),
        KeyCode::Char('r') if control => search::begin(state, language),
        _ => {
            let before = state.line.clone();
            edit(&mut state.line, key);
            if state.line.text() != before.text() {
                return offers::open(state, language);
            }
            if state.line != before {
                state.offers = None;
            }
        }
    }
    Vec::new()
}

/// What a key does to the line itself.
pub(super) fn edit(line: &mut Input, key: KeyEvent) {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('a') if control => line.home(),
        KeyCode::Char('e') if control => line.end(),
        KeyCode::Char('u') if control => line.clear(),
        KeyCode::Char('w') if control => line.delete_word(),
        KeyCode::Char(letter) if !control => line.insert(letter.encode_utf8(&mut [0; 4])),
        KeyCode::Backspace => line.backspace(),
        KeyCode::Delete => line.delete(),
        KeyCode::Left => line.left(),
        KeyCode::Right => line.right(),
        KeyCode::Home => line.home(),
        KeyCode::End => line.end(),
        _ => {}
    }
}

fn recall(state: &mut State, language: Language, step: isize) {
    let recalled = state.asking_mut(language).history.recall(step);
    state.line = Input::holding(recalled);
    state.offers = None;
}

/// What a line that is complete does.
pub(super) fn enter(state: &mut State, line: LineFor) -> Vec<Effect> {
    let text = state.line.text().trim().to_owned();
    state.focus = Focus::Screen;
    state.offers = None;
    match line {
        LineFor::Query(_) | LineFor::Search(_) if text.is_empty() => Vec::new(),
        LineFor::Query(language) | LineFor::Search(language) => {
            let asking = state.asking_mut(language);
            asking.query = text.clone();
            // Ready-made queries are at hand anyway.
            let written = asking.title().is_none();
            let asker = match language {
                Language::PromQl => Asker::Metrics,
                Language::LogQl => Asker::Logs,
                Language::TraceQl => Asker::Traces,
            };
            let mut effects = ask(state, asker);
            if written {
                effects.push(Effect::Keep(language, text));
            }
            effects
        }
        LineFor::Filter | LineFor::Rows => Vec::new(),
        LineFor::Find => {
            if let Some(page) = &mut state.cluster.page {
                page.seek(text);
            }
            Vec::new()
        }
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
