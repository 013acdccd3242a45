//! The cluster screen: lists, and the page that is open.

use crossterm::event::KeyCode;

use super::{keys, lines};
use crate::effect::Effect;
use crate::state::{
    Follow, Instance, LineFor, Listed, Owner, Page, Screen, Source, State, Tab, Tone,
    service_of_pod,
};

/// How far a page is moved to the side at once, in characters.
const ASIDE: usize = 20;

/// Takes a key of the screen.
pub(super) fn key(state: &mut State, code: KeyCode) -> Vec<Effect> {
    if state.cluster.page.is_some() {
        return of_page(state, code);
    }
    match code {
        KeyCode::Char('l') | KeyCode::Right => state.cluster.turn(1),
        KeyCode::Char('h') | KeyCode::Left => state.cluster.turn(-1),
        KeyCode::Char('s') => state.cluster.resort(),
        KeyCode::Char('/') => return lines::begin(state, LineFor::Rows),
        KeyCode::Esc => widen(state),
        KeyCode::Enter => return enter(state),
        KeyCode::Char('d') => return of_object(state, Source::Describe),
        KeyCode::Char('y') => return of_object(state, Source::Yaml),
        KeyCode::Char('o') => return logs(state, Instance::Present),
        KeyCode::Char('O') => return logs(state, Instance::Previous),
        KeyCode::Char('t') => change(state),
        code => {
            let rows = state.cluster.listed().len();
            keys::step(&mut state.cluster.selected, rows, code);
        }
    }
    Vec::new()
}

/// Takes the filter away, then shows the pods of all Deployments again.
fn widen(state: &mut State) {
    let cluster = &mut state.cluster;
    if cluster.filter.is_empty() {
        cluster.owner = None;
    }
    cluster.filter.clear();
    cluster.selected = 0;
}

/// From a Deployment to its pods; anything else is described.
fn enter(state: &mut State) -> Vec<Effect> {
    let Some(Listed::Deployment(row)) = state.cluster.row() else {
        return of_object(state, Source::Describe);
    };
    let owner = Owner {
        name: row.name.clone(),
        selector: row.selector.clone(),
    };
    state.cluster.show(Tab::Pods);
    state.cluster.owner = Some(owner);
    Vec::new()
}

fn of_object(
    state: &mut State,
    source: impl Fn(engine::ObjectKind, String) -> Source,
) -> Vec<Effect> {
    let Some(row) = state.cluster.row() else {
        state.say(Tone::Wrong, "there is nothing in the list");
        return Vec::new();
    };
    let Some((kind, name)) = row.object() else {
        let why = format!("{} is no pod, Deployment or Service", row.name());
        state.say(Tone::Wrong, why);
        return Vec::new();
    };
    let source = source(kind, name.to_owned());
    read(state, source)
}

fn logs(state: &mut State, instance: Instance) -> Vec<Effect> {
    match state.cluster.row().and_then(|row| row.object()) {
        Some((engine::ObjectKind::Pod, name)) => {
            let source = Source::Logs(name.to_owned(), instance);
            read(state, source)
        }
        _ => {
            state.say(Tone::Wrong, "logs are those of a pod: choose one");
            Vec::new()
        }
    }
}

fn read(state: &mut State, source: Source) -> Vec<Effect> {
    state.cluster.asked = Some(source.clone());
    vec![Effect::Read(source)]
}

/// To the screen of changes, with the service of the selected pod chosen.
fn change(state: &mut State) {
    let object = state.cluster.row().and_then(|row| row.object());
    let service = object.and_then(|(_, name)| service_of_pod(name, &state.facts.services));
    match service {
        Some(service) => {
            state.act.service = service;
            state.screen = Screen::Act;
        }
        None => state.say(Tone::Wrong, "no service of the shop is selected"),
    }
}

fn of_page(state: &mut State, code: KeyCode) -> Vec<Effect> {
    let Some(page) = &mut state.cluster.page else {
        return Vec::new();
    };
    match code {
        KeyCode::Esc | KeyCode::Backspace => state.cluster.page = None,
        KeyCode::Char('/') => return lines::begin(state, LineFor::Find),
        KeyCode::Char('n') => page.next(),
        KeyCode::Char('N') => page.previous(),
        KeyCode::Char('l') | KeyCode::Right => page.shift += ASIDE,
        KeyCode::Char('h') | KeyCode::Left => page.shift = page.shift.saturating_sub(ASIDE),
        KeyCode::Char('f') => return turn_follow(state),
        code => {
            let last = page.lines.len().saturating_sub(1);
            keys::step(&mut page.at, page.lines.len(), code);
            if page.at < last {
                page.follow = Follow::Off;
            }
        }
    }
    Vec::new()
}

fn turn_follow(state: &mut State) -> Vec<Effect> {
    let Some(page) = &mut state.cluster.page else {
        return Vec::new();
    };
    if !matches!(page.source, Source::Logs(_, Instance::Present)) {
        state.say(Tone::Wrong, "only the logs of a container that runs go on");
        return Vec::new();
    }
    page.follow = match page.follow {
        Follow::On => Follow::Off,
        Follow::Off => Follow::On,
    };
    page.at = page.lines.len().saturating_sub(1);
    follow(state)
}

/// Reads the logs that are followed again.
pub(super) fn follow(state: &State) -> Vec<Effect> {
    match &state.cluster.page {
        Some(page) if state.screen == Screen::Cluster && page.follow == Follow::On => {
            vec![Effect::Read(page.source.clone())]
        }
        _ => Vec::new(),
    }
}

/// Takes a text. One that nobody waits for any more is dropped.
pub(super) fn told(state: &mut State, source: Source, lines: Result<Vec<String>, String>) {
    let cluster = &mut state.cluster;
    let asked = cluster.asked.as_ref() == Some(&source);
    let open = cluster.page.as_mut().filter(|page| page.source == source);
    match (lines, open) {
        (Ok(lines), Some(page)) => page.renew(lines),
        (Ok(lines), None) if asked => cluster.page = Some(Page::new(source, lines)),
        (Ok(_), None) => {}
        (Err(why), Some(page)) => {
            page.follow = Follow::Off;
            state.say(Tone::Wrong, why);
        }
        (Err(why), None) if asked => state.say(Tone::Wrong, why),
        (Err(_), None) => {}
    }
    if asked {
        state.cluster.asked = None;
    }
}
