//! Search for a query among those that were asked before, as a shell does it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::lines;
use crate::completion::Language;
use crate::effect::Effect;
use crate::state::{Focus, Input, LineFor, Search, State};

/// Begins to search, in place of the query that is being written.
pub(super) fn begin(state: &mut State, language: Language) {
    state.search = Search {
        written: std::mem::take(&mut state.line),
        chosen: 0,
    };
    state.offers = None;
    state.focus = Focus::Line(LineFor::Search(language));
}

/// Takes a key while something is searched.
pub(super) fn key(state: &mut State, language: Language, key: KeyEvent) -> Vec<Effect> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Esc => take(state, language, Taken::Nothing),
        KeyCode::Enter => {
            take(state, language, Taken::Chosen);
            return lines::enter(state, LineFor::Query(language));
        }
        KeyCode::Tab | KeyCode::Left | KeyCode::Right => take(state, language, Taken::Chosen),
        KeyCode::Char('r') if control => step(state, language, 1),
        KeyCode::Up => step(state, language, 1),
        KeyCode::Down => step(state, language, -1),
        _ => {
            lines::edit(&mut state.line, key);
            state.search.chosen = 0;
        }
    }
    Vec::new()
}

/// To an older query that fits, or a newer one.
fn step(state: &mut State, language: Language, step: isize) {
    let last = state.found(language).len().saturating_sub(1);
    state.search.chosen = state.search.chosen.saturating_add_signed(step).min(last);
}

/// What becomes of the line when the search is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// It is as it was before.
    Nothing,
    /// It is what was found, if anything was.
    Chosen,
}

fn take(state: &mut State, language: Language, taken: Taken) {
    let written = std::mem::take(&mut state.search.written);
    let found = state.found(language);
    let chosen = match taken {
        Taken::Nothing => None,
        Taken::Chosen => found
            .get(state.search.chosen)
            .map(|query| Input::holding(*query)),
    };
    state.line = chosen.unwrap_or(written);
    state.focus = Focus::Line(LineFor::Query(language));
}
