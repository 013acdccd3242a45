//! One drill at the console, from its briefing to its debrief.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use crossterm::event::{Event as Input, EventStream};
use engine::{ClusterView, Desk, Subscription};
use futures::StreamExt;
use model::{Check, MatrixRow, Scenario, ServiceName, Timestamp};
use telemetry::Telemetry;
use tokio::sync::mpsc::{self, UnboundedSender};

use crate::completion::Language;
use crate::effect::{Doer, Effect};
use crate::message::Message;
use crate::state::{Bell, Facts, State};
use crate::terminal::Screen;
use crate::theme::Theme;
use crate::update::update;
use crate::view;

/// How often the clocks on the screen go on.
const TICK: Duration = Duration::from_millis(250);

/// What a session at the console needs.
#[derive(Debug)]
pub struct Session {
    /// The desk of the drill that runs.
    pub desk: Desk,
    /// The backends, for what is not on record: SLOs, traces that are opened.
    pub telemetry: Telemetry,
    /// The cluster as a responder may see it.
    pub cluster: ClusterView,
    /// What is run.
    pub scenario: Scenario,
    /// The SLOs of its shop.
    pub checks: Vec<Check>,
    /// The rows of the failure matrix from which the answer form chooses.
    pub rows: Vec<MatrixRow>,
    /// The shop's services and stores.
    pub services: Vec<ServiceName>,
    /// Addresses worth knowing: a label and an address each.
    pub addresses: Vec<(String, String)>,
    /// The folder in which queries are kept between drills; it is made when needed.
    pub history: PathBuf,
}

/// How a session was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// After the drill had ended.
    AfterTheEnd,
    /// While the drill ran.
    Early,
}

/// Why the console could not go on.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// The terminal could not be used.
    #[error(
        "the terminal cannot be used: {0}; the console needs an interactive terminal, `--mode plain` needs none"
    )]
    Terminal(#[from] std::io::Error),
    /// Nothing can be drawn there.
    #[error(
        "{0}, so the console cannot be drawn; with `--mode plain` it writes lines, with `--mode json` lines for programs"
    )]
    NoScreen(&'static str),
    /// A line could not be written.
    #[error("standard output cannot be written: {0}")]
    Output(std::io::Error),
}

/// Whether standard output is a terminal on which the console can be drawn.
///
/// # Errors
/// [`TuiError::NoScreen`] where it is not.
pub fn check_terminal() -> Result<(), TuiError> {
    if !std::io::stdout().is_terminal() {
        return Err(TuiError::NoScreen("standard output is no terminal"));
    }
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return Err(TuiError::NoScreen("TERM is `dumb`"));
    }
    Ok(())
}

/// Runs the console until its user leaves.
///
/// # Errors
/// [`TuiError`] when the terminal cannot be used. It is given back as it was.
pub async fn run(session: Session) -> Result<Leave, TuiError> {
    let (sender, mut answers) = mpsc::unbounded_channel();
    let (mut state, mut events, mut doer) = begin(session, Theme::of_environment(), sender);
    for language in [Language::PromQl, Language::LogQl, Language::TraceQl] {
        doer.begin(Effect::Remember(language), state.now);
    }
    let mut screen = Screen::take()?;
    let mut input = EventStream::new();
    let mut tick = tokio::time::interval(TICK);
    let mut listening = true;
    loop {
        draw(&mut screen, &mut state)?;
        let message = tokio::select! {
            event = input.next() => match event {
                Some(Ok(Input::Key(key))) => Message::Key(key),
                Some(Ok(Input::Paste(text))) => Message::Paste(text),
                Some(Ok(_)) => Message::Tick(now()),
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(leave(&state)),
            },
            event = events.next(), if listening => match event {
                Some(event) => Message::Happened(Box::new(event)),
                None => {
                    listening = false;
                    continue;
                }
            },
            Some(answer) = answers.recv() => answer,
            _ = tick.tick() => Message::Tick(now()),
        };
        // What came meanwhile is taken too, so that a burst is drawn once.
        let mut effects = update(&mut state, message);
        while let Ok(answer) = answers.try_recv() {
            effects.extend(update(&mut state, answer));
        }
        while let Some(event) = events.try_next() {
            effects.extend(update(&mut state, Message::Happened(Box::new(event))));
        }
        for effect in effects {
            if effect == Effect::Quit {
                return Ok(leave(&state));
            }
            doer.begin(effect, state.now);
        }
    }
}

/// What a session begins with, on every kind of console.
pub(crate) fn begin(
    session: Session,
    theme: Theme,
    sender: UnboundedSender<Message>,
) -> (State, Subscription, Doer) {
    let facts = Facts {
        scenario: session.scenario,
        checks: session.checks.clone(),
        rows: session.rows,
        services: session.services,
        addresses: session.addresses,
    };
    let state = State::new(facts, theme, now());
    let events = session.desk.subscribe();
    let doer = Doer::new(
        session.desk,
        session.telemetry,
        session.cluster,
        session.checks,
        session.history,
        sender,
    );
    (state, events, doer)
}

fn draw(screen: &mut Screen, state: &mut State) -> Result<(), TuiError> {
    if state.bell == Bell::Due {
        state.bell = Bell::Silent;
        std::io::Write::write_all(&mut std::io::stdout(), b"\x07")?;
    }
    screen.terminal.draw(|frame| view::draw(frame, state))?;
    Ok(())
}

pub(crate) fn leave(state: &State) -> Leave {
    if state.over.is_some() {
        Leave::AfterTheEnd
    } else {
        Leave::Early
    }
}

pub(crate) fn now() -> Timestamp {
    engine::Clock::system().now()
}
