//! Completion of a query while it is written.

use crate::completion::{Language, Subject, complete};
use crate::effect::Effect;
use crate::state::{Focus, LineFor, Offers, State};

/// Fetches what is wanted first, so that it is there when it is looked for.
pub(super) fn prepare(state: &mut State, language: Language) -> Vec<Effect> {
    state.offers = None;
    let mut wants = vec![Subject::Names(language)];
    if language == Language::PromQl {
        wants.push(Subject::Values(language, "__name__".to_owned()));
    }
    fetch(state, &wants)
}

/// Offers what the line may go on with now.
pub(super) fn open(state: &mut State, language: Language) -> Vec<Effect> {
    let offers = offers(state, language);
    let wants = offers.wants().to_vec();
    state.offers = Some(offers);
    fetch(state, &wants)
}

/// Takes the candidate `step` places on.
pub(super) fn turn(state: &mut State, language: Language, step: isize) -> Vec<Effect> {
    let mut effects = Vec::new();
    if state.offers.is_none() {
        effects = open(state, language);
    }
    let Some(offers) = &mut state.offers else {
        return effects;
    };
    if let Some(line) = offers.turn(step) {
        state.line = line;
        // Where there is no choice there is nothing to step through.
        if offers.candidates().len() == 1 {
            effects.extend(open(state, language));
        }
    }
    effects
}

/// Closes the list, if one is shown, and takes back what was taken from it.
pub(super) fn close(state: &mut State) -> Closed {
    match state.offers.take() {
        Some(offers) if !offers.candidates().is_empty() => {
            state.line = offers.written().clone();
            Closed::List
        }
        _ => Closed::Nothing,
    }
}

/// What there was to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    List,
    Nothing,
}

/// Takes what a backend told.
pub(super) fn told(state: &mut State, subject: Subject, answer: Result<Vec<String>, String>) {
    state.names.told(subject.clone(), answer, state.now);
    // Nobody's choice is changed under their hands.
    let waits = |offers: &Offers| offers.taken().is_none() && offers.wants().contains(&subject);
    if state.offers.as_ref().is_some_and(waits)
        && let Focus::Line(LineFor::Query(language)) = state.focus
    {
        state.offers = Some(offers(state, language));
    }
}

fn offers(state: &State, language: Language) -> Offers {
    let line = &state.line;
    let completion = complete(language, line.text(), line.cursor(), &state.names);
    Offers::new(completion, line.clone())
}

fn fetch(state: &mut State, wants: &[Subject]) -> Vec<Effect> {
    let now = state.now;
    let due = wants
        .iter()
        .filter(|subject| state.names.want(subject, now));
    due.cloned().map(Effect::Names).collect()
}
