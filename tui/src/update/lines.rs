//! Lines that are being written: queries, filters, commands, updates.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use engine::QueryAnswer;
use model::Response;

use super::ask;
use super::offers::{self, Closed};
use crate::completion::Language;
use crate::effect::Effect;
use crate::message::Asker;
use crate::state::{Asking, Focus, Input, LineFor, State, Tone, complete, parse};

/// Begins a line.
pub(super) fn begin(state: &mut State, line: LineFor) -> Vec<Effect> {
    state.line = match line {
        LineFor::Query(language) => Input::holding(asking(state, language).query.clone()),
        LineFor::Filter => Input::holding(state.logs.filter.clone()),
        LineFor::Command | LineFor::Update => Input::default(),
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
    if let LineFor::Query(language) = line {
        return key_of_query(state, language, key);
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
    Vec::new()
}

fn key_of_query(state: &mut State, language: Language, key: KeyEvent) -> Vec<Effect> {
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
fn edit(line: &mut Input, key: KeyEvent) {
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

/// The question of the screen that speaks `language`.
fn asking(state: &mut State, language: Language) -> &mut Asking<QueryAnswer> {
    match language {
        Language::PromQl => &mut state.metrics.asking,
        Language::LogQl => &mut state.logs.asking,
        Language::TraceQl => &mut state.traces.asking,
    }
}

fn recall(state: &mut State, language: Language, step: isize) {
    if let Some(line) = asking(state, language).recall(step) {
        state.line = line;
        state.offers = None;
    }
}

fn enter(state: &mut State, line: LineFor) -> Vec<Effect> {
    let text = state.line.text().trim().to_owned();
    state.focus = Focus::Screen;
    state.offers = None;
    match line {
        LineFor::Query(_) if text.is_empty() => Vec::new(),
        LineFor::Query(language) => {
            asking(state, language).query = text;
            let asker = match language {
                Language::PromQl => Asker::Metrics,
                Language::LogQl => Asker::Logs,
                Language::TraceQl => Asker::Traces,
            };
            ask(state, asker)
        }
        LineFor::Filter => Vec::new(),
        LineFor::Update if text.is_empty() => Vec::new(),
        LineFor::Update => vec![Effect::Respond(Response::Update(text))],
        LineFor::Command => command(state, &text),
    }
}

fn command(state: &mut State, text: &str) -> Vec<Effect> {
    match text {
        "q" | "quit" => state.focus = Focus::ConfirmLeave,
        "help" => state.focus = Focus::Help,
        _ => match parse(text, &state.facts.services) {
            Ok(action) => state.focus = Focus::Confirm(action),
            Err(why) => state.say(Tone::Wrong, why),
        },
    }
    Vec::new()
}
