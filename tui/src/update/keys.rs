//! What a key does, by what has the keys.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use model::Response;

use super::{ask, cluster, lines, logs, metrics, traces};
use crate::effect::Effect;
use crate::message::Asker;
use crate::state::{Focus, KINDS, LineFor, Screen, State, Tone};

/// Takes a key.
pub(super) fn key(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    // Ctrl-C means now, whatever has the keys.
    if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
        return vec![Effect::Quit];
    }
    match state.focus.clone() {
        Focus::Line(line) => lines::key(state, line, key),
        Focus::Confirm(action) => {
            confirmed(state, key, vec![Effect::Respond(Response::Act(action))])
        }
        Focus::ConfirmResolve => confirmed(state, key, vec![Effect::Respond(Response::Resolve)]),
        Focus::ConfirmLeave => confirmed(state, key, vec![Effect::Quit]),
        Focus::Help => {
            state.focus = Focus::Screen;
            Vec::new()
        }
        Focus::Screen => on_screen(state, key),
    }
}

fn confirmed(state: &mut State, key: KeyEvent, effects: Vec<Effect>) -> Vec<Effect> {
    match key.code {
        KeyCode::Char('y' | 'Y') | KeyCode::Enter => {
            state.focus = Focus::Screen;
            effects
        }
        KeyCode::Char('n' | 'N' | 'q') | KeyCode::Esc => {
            state.focus = Focus::Screen;
            Vec::new()
        }
        _ => Vec::new(),
    }
}

fn on_screen(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Char('q') => return leave(state),
        KeyCode::Char('?') => state.focus = Focus::Help,
        KeyCode::Char(':') => {
            return unless_over(state, |state| lines::begin(state, LineFor::Command));
        }
        KeyCode::Char(digit @ '1'..='8') => {
            let index = digit as usize - '1' as usize;
            return go(state, Screen::ALL[index]);
        }
        KeyCode::Tab => return go(state, state.screen.next()),
        KeyCode::BackTab => return go(state, state.screen.previous()),
        KeyCode::Char('a') => return acknowledge(state),
        KeyCode::Char('u') => {
            return unless_over(state, |state| lines::begin(state, LineFor::Update));
        }
        KeyCode::Char('H') => return unless_over(state, hint),
        KeyCode::Char('R') => {
            return unless_over(state, |state| {
                state.focus = Focus::ConfirmResolve;
                Vec::new()
            });
        }
        _ => return of_screen(state, key),
    }
    Vec::new()
}

/// Acts, unless the drill is over.
pub(super) fn unless_over(
    state: &mut State,
    act: impl FnOnce(&mut State) -> Vec<Effect>,
) -> Vec<Effect> {
    if state.over.is_some() {
        state.say(
            Tone::Wrong,
            "the drill is over: nothing can be changed any more",
        );
        return Vec::new();
    }
    act(state)
}

fn leave(state: &mut State) -> Vec<Effect> {
    if state.over.is_some() {
        return vec![Effect::Quit];
    }
    state.focus = Focus::ConfirmLeave;
    Vec::new()
}

/// Goes to a screen; one that has never asked anything asks now.
fn go(state: &mut State, screen: Screen) -> Vec<Effect> {
    state.screen = screen;
    let asker = match screen {
        Screen::Metrics if state.metrics.asking.untouched() => Asker::Metrics,
        Screen::Logs if state.logs.asking.untouched() => Asker::Logs,
        Screen::Traces if state.traces.asking.untouched() => Asker::Traces,
        Screen::Cluster => return vec![Effect::Look],
        _ => return Vec::new(),
    };
    if state.over.is_some() {
        return Vec::new();
    }
    ask(state, asker)
}

fn acknowledge(state: &mut State) -> Vec<Effect> {
    unless_over(state, |state| {
        if state.acknowledged() {
            state.say(Tone::Wrong, "the page is acknowledged already");
            return Vec::new();
        }
        if state.timeline.clocks().paged.is_none() {
            state.say(Tone::Wrong, "nothing to acknowledge: no page has come");
            return Vec::new();
        }
        vec![Effect::Respond(Response::Acknowledge)]
    })
}

fn hint(state: &mut State) -> Vec<Effect> {
    match &state.incident.hint {
        None => state.say(Tone::Wrong, "there are no more hints"),
        Some(offer) => match offer.due_in {
            None => state.say(Tone::Wrong, "hints come after the page"),
            Some(left) if left > model::Period::ZERO => {
                let seconds = model::Period::from_secs(left.as_secs_f64().ceil() as u64);
                state.say(
                    Tone::Wrong,
                    format!("the next hint can be asked for in {seconds}"),
                );
            }
            Some(_) => return vec![Effect::Respond(Response::Hint)],
        },
    }
    Vec::new()
}

fn of_screen(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    match state.screen {
        Screen::Incident => {
            let last = state.incident.complaints.len();
            step(&mut state.incident.selected, last, key.code);
            Vec::new()
        }
        Screen::Metrics => metrics::key(state, key.code),
        Screen::Logs => logs::key(state, key.code),
        Screen::Traces => traces::key(state, key.code),
        Screen::Cluster => cluster::key(state, key.code),
        Screen::Act => act(state, key.code),
        Screen::Answer => answer(state, key.code),
        Screen::Debrief => {
            step(&mut state.debrief_scroll, usize::MAX / 2, key.code);
            Vec::new()
        }
    }
}

/// Moves a selection among `count` rows.
pub(super) fn step(selected: &mut usize, count: usize, code: KeyCode) {
    let last = count.saturating_sub(1);
    *selected = match code {
        KeyCode::Down | KeyCode::Char('j') => (*selected + 1).min(last),
        KeyCode::Up | KeyCode::Char('k') => selected.saturating_sub(1),
        KeyCode::PageDown => (*selected + 10).min(last),
        KeyCode::PageUp => selected.saturating_sub(10),
        KeyCode::Home | KeyCode::Char('g') => 0,
        KeyCode::End | KeyCode::Char('G') if count < usize::MAX / 2 => last,
        _ => (*selected).min(last),
    };
}

fn act(state: &mut State, code: KeyCode) -> Vec<Effect> {
    let kinds = KINDS.len() as isize;
    let turn = |kind: usize, step: isize| (kind as isize + step).rem_euclid(kinds) as usize;
    match code {
        KeyCode::Char('l') | KeyCode::Right => state.act.kind = turn(state.act.kind, 1),
        KeyCode::Char('h') | KeyCode::Left => state.act.kind = turn(state.act.kind, -1),
        KeyCode::Enter => {
            return unless_over(state, |state| {
                if let Some(action) = state.chosen_action() {
                    state.focus = Focus::Confirm(action);
                }
                Vec::new()
            });
        }
        code => {
            let count = state.facts.services.len();
            step(&mut state.act.service, count, code);
        }
    }
    Vec::new()
}

fn answer(state: &mut State, code: KeyCode) -> Vec<Effect> {
    match code {
        KeyCode::Down | KeyCode::Char('j') => state.answer.go(1),
        KeyCode::Up | KeyCode::Char('k') => state.answer.go(-1),
        KeyCode::Right | KeyCode::Char('l') => state.answer.turn(1),
        KeyCode::Left | KeyCode::Char('h') => state.answer.turn(-1),
        KeyCode::Enter => {
            return unless_over(state, |state| state.answer.submit());
        }
        _ => {}
    }
    Vec::new()
}
