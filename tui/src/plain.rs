//! The console without a screen: reads lines, writes lines. Nothing is redrawn, so it
//! serves screen readers, terminals that cannot draw, and programs.
//!
//! It has the same state, effects and desk as the screens: what counts for the grade is
//! the same. A command is answered before the next line is read; what happens meanwhile
//! is told as it happens.

mod answer;
mod answers;
mod command;
mod console;
mod ending;
mod events;
mod status;
mod told;

use std::io::{BufRead, Write};
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::effect::{Doer, Effect};
use crate::message::Message;
use crate::session::{self, Leave, Session, TuiError};
use crate::theme::Theme;
use console::{Console, Step};
use told::Told;

/// How often the drill is looked at when nothing happens.
const TICK: Duration = Duration::from_millis(500);
/// How many lines may wait: who writes faster waits too.
const LINES: usize = 64;

/// For whom lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For people: text, the time first.
    Plain,
    /// For programs: a JSON object a line.
    Json,
}

/// What a command still waits for.
type Waiting = Pin<Box<dyn Future<Output = Vec<Message>> + Send>>;

/// Runs a session that reads commands from `input` and writes lines to `output`, until its
/// user leaves, the input ends, or the drill is over and its debrief is written.
///
/// # Errors
/// [`TuiError::Output`] when a line cannot be written.
pub async fn run_plain(
    session: Session,
    mode: Mode,
    input: impl BufRead + Send + 'static,
    mut output: impl Write,
) -> Result<Leave, TuiError> {
    let (sender, mut answers) = mpsc::unbounded_channel();
    let (state, mut events, mut doer) = session::begin(session, Theme::Plain, sender);
    let mut console = Console::new(state, mode);
    let mut lines = lines_of(input);
    let mut tick = tokio::time::interval(TICK);
    let mut waiting: Option<Waiting> = None;
    write(&mut output, mode, &console.briefing())?;
    loop {
        let mut step = tokio::select! {
            Some(event) = events.next() => console.happened(event),
            Some(message) = answers.recv() => console.learn(message),
            messages = waited(&mut waiting), if waiting.is_some() => {
                waiting = None;
                console.answered(messages)
            }
            line = lines.recv(), if waiting.is_none() => match line {
                Some(line) => {
                    look(&mut console, &mut doer);
                    console.obey(&line)
                }
                // Nobody is there any more.
                None => return Ok(session::leave(&console.state)),
            },
            _ = tick.tick() => Step::default(),
        };
        while let Some(event) = events.try_next() {
            step.told.extend(console.happened(event).told);
        }
        write(&mut output, mode, &step.told)?;
        if console.state.over.is_some() || step.effects.contains(&Effect::Quit) {
            return Ok(session::leave(&console.state));
        }
        if !step.effects.is_empty() {
            waiting = Some(all(&doer, step.effects));
        }
        look(&mut console, &mut doer);
    }
}

/// Looks at what is due, as time goes on.
fn look(console: &mut Console, doer: &mut Doer) {
    let now = session::now();
    for effect in console.tick(now) {
        doer.begin(effect, now);
    }
}

/// Carries `effects` out, one after the other.
fn all(doer: &Doer, effects: Vec<Effect>) -> Waiting {
    let now = session::now();
    let effects = effects.into_iter();
    let works: Vec<_> = effects.map(|effect| doer.carry_out(effect, now)).collect();
    Box::pin(async move {
        let mut messages = Vec::with_capacity(works.len());
        for work in works {
            messages.extend(work.await);
        }
        messages
    })
}

async fn waited(waiting: &mut Option<Waiting>) -> Vec<Message> {
    match waiting {
        Some(work) => work.await,
        None => Vec::new(),
    }
}

/// The lines of `input`. They are read by a thread of their own: a read of standard input
/// cannot be given up, and must not keep the lab from ending. It ends with its input, or
/// with the first line that nobody wants.
fn lines_of(input: impl BufRead + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(LINES);
    std::thread::spawn(move || {
        for line in input.split(b'\n') {
            let Ok(line) = line else { return };
            let line = String::from_utf8_lossy(&line).into_owned();
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

fn write(output: &mut impl Write, mode: Mode, told: &[Told]) -> Result<(), TuiError> {
    for told in told {
        output
            .write_all(told.render(mode).as_bytes())
            .map_err(TuiError::Output)?;
    }
    output.flush().map_err(TuiError::Output)
}

#[cfg(test)]
mod tests;
