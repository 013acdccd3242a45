//! The logs screen: what was sought, and what stands around a line.

use crossterm::event::KeyCode;

use super::{busy, line, press, shown, write};
use crate::effect::Effect;
use crate::message::Message;
use crate::state::{LogContext, Screen, State};
use crate::theme::Theme;
use crate::update::update;

fn logs() -> State {
    let mut state = busy();
    state.screen = Screen::Logs;
    state
}

#[test]
fn what_the_filter_seeks_is_marked_with_colours_and_without() {
    let mut state = logs();
    press(&mut state, KeyCode::Char('/'));
    write(&mut state, "pay");
    press(&mut state, KeyCode::Enter);
    insta::assert_snapshot!("filter", shown(&state, 80, 24));
    state.theme = Theme::Sixteen;
    assert!(!shown(&state, 80, 24).contains("[pay]"));
    // What is left out cannot be marked.
    state.theme = Theme::Plain;
    state.logs.filter = "!pay".into();
    assert!(!shown(&state, 80, 24).contains('['));
}

#[test]
fn a_line_is_looked_at_among_what_its_stream_wrote() {
    let mut state = logs();
    press(&mut state, KeyCode::Down);
    let effects = press(&mut state, KeyCode::Char('c'));
    let [Effect::Context(asked)] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(asked.labels["app"], "front-end");
    // The line itself is four seconds old.
    let others = (1..=38).map(|n| line(40 - n, "front-end", &format!("request {n}")));
    let context = LogContext::of(asked, others.collect());
    update(&mut state, Message::Surrounded(Ok(Box::new(context))));
    insta::assert_snapshot!("context", shown(&state, 80, 24));
    press(&mut state, KeyCode::Up);
    assert!(shown(&state, 80, 24).contains("│request "));
    press(&mut state, KeyCode::Esc);
    assert!(shown(&state, 80, 24).contains("3 lines, newest first"));
    update(&mut state, Message::Surrounded(Err("slow".into())));
    assert!(shown(&state, 80, 24).contains("! slow"));
}
