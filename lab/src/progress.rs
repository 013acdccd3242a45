//! How far the drills of a command are: on a terminal what each lab does now
//! and the time left, redrawn; elsewhere one line for each thing that happens.

mod steps;
mod time_left;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::{Event, Period, Timestamp};

use steps::step;
use time_left::{time_left, told};

/// How many of the last steps of a drill are shown.
const STEPS: usize = 5;

/// Shows how far each drill is.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<State>,
    screen: Screen,
}

/// Where progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    /// Lines are redrawn.
    Terminal,
    /// A line for each step.
    Plain,
}

#[derive(Debug, Default)]
struct State {
    began: Option<Instant>,
    lanes: usize,
    total: usize,
    done: usize,
    /// How many did not end as they should.
    wrong: usize,
    /// What waits, in its order: slot and estimate.
    waiting: VecDeque<(usize, Duration)>,
    running: BTreeMap<usize, Line>,
    /// What drills that ended took, and what they were thought to take.
    took: (Duration, Duration),
    drawn: usize,
}

#[derive(Debug)]
struct Line {
    label: String,
    began: Instant,
    estimate: Duration,
    from: Option<Timestamp>,
    steps: Vec<String>,
}

/// How a drill ended, for its last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// As it should.
    Right,
    /// Otherwise.
    Wrong,
}

impl Progress {
    /// On standard error.
    pub(crate) fn new() -> Self {
        let screen = if std::io::stderr().is_terminal() {
            Screen::Terminal
        } else {
            Screen::Plain
        };
        Self {
            state: Mutex::default(),
            screen,
        }
    }

    /// What is going to be run, in its order, after all that was planned before: slots and about how long each takes.
    pub(crate) fn plan(&self, jobs: Vec<(usize, Period)>, lanes: usize, now: Instant) {
        let mut state = self.state();
        state.began.get_or_insert(now);
        state.lanes = lanes;
        state.total += jobs.len();
        let planned = jobs.into_iter();
        state
            .waiting
            .extend(planned.map(|(slot, took)| (slot, took.duration())));
    }

    /// A drill began; `slot` tells it from others that run.
    pub(crate) fn begin(&self, slot: usize, label: &str, now: Instant) {
        let mut state = self.state();
        let place = state.waiting.iter().position(|(waits, _)| *waits == slot);
        let planned = place.and_then(|place| state.waiting.remove(place));
        let line = Line {
            label: label.to_owned(),
            began: now,
            estimate: planned.map_or(Duration::ZERO, |(_, estimate)| estimate),
            from: None,
            steps: vec!["starting".to_owned()],
        };
        state.running.insert(slot, line);
        let said = format!("{label}: starting\n");
        self.show(&mut state, now, Said::Step(said));
    }

    /// Something happened in a drill.
    pub(crate) fn event(&self, slot: usize, event: &Event, now: Instant) {
        let Some(step) = step(&event.what) else {
            return;
        };
        let mut state = self.state();
        let Some(line) = state.running.get_mut(&slot) else {
            return;
        };
        let from = *line.from.get_or_insert(event.at);
        let step = format!("{step} {:.0}s", event.at.since(from).as_secs_f64());
        let said = format!("{}: {step}\n", line.label);
        line.steps.push(step);
        self.show(&mut state, now, Said::Step(said));
    }

    /// A drill ended; its line stays.
    pub(crate) fn end(&self, slot: usize, result: &str, end: End, now: Instant) {
        let mut state = self.state();
        let Some(line) = state.running.remove(&slot) else {
            return;
        };
        let took = now.saturating_duration_since(line.began);
        state.done += 1;
        state.wrong += usize::from(end == End::Wrong);
        state.took.0 += took;
        state.took.1 += line.estimate;
        let said = format!("{}: {result}, after {}\n", line.label, told(took));
        let summary = state.summary(now);
        let said = match self.screen {
            Screen::Terminal => said,
            Screen::Plain => format!("{said}{summary}\n"),
        };
        self.show(&mut state, now, Said::Line(said));
    }

    /// Time goes by.
    pub(crate) fn tick(&self, now: Instant) {
        let mut state = self.state();
        self.show(&mut state, now, Said::Step(String::new()));
    }

    /// Nothing more comes: what is redrawn is taken away.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        if self.screen == Screen::Terminal {
            write(&erased(&mut state));
        }
    }

    fn show(&self, state: &mut State, now: Instant, said: Said) {
        match (self.screen, said) {
            (Screen::Plain, Said::Step(text) | Said::Line(text)) => write(&text),
            (Screen::Terminal, Said::Step(_)) => write(&redrawn(state, "", now)),
            (Screen::Terminal, Said::Line(text)) => write(&redrawn(state, &text, now)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is said: a step is shown in its drill's line, a line stays.
enum Said {
    Step(String),
    Line(String),
}

impl State {
    /// How many are done, what is wrong, and how long it will go on.
    fn summary(&self, now: Instant) -> String {
        let mut text = format!("{} of {} done", self.done, self.total);
        if self.wrong > 0 {
            let _ = write!(text, ", {} not as it should", self.wrong);
        }
        let so_far = self.began.map(|began| now.saturating_duration_since(began));
        let _ = write!(text, ", {} so far", told(so_far.unwrap_or_default()));
        if self.done < self.total {
            let _ = write!(text, ", about {} left", told(self.left(now)));
        }
        text
    }

    /// How long it will go on, with what was learnt from those that ended.
    fn left(&self, now: Instant) -> Duration {
        let (took, thought) = self.took;
        let scale = if thought.is_zero() {
            1.0
        } else {
            (took.as_secs_f64() / thought.as_secs_f64()).clamp(0.25, 4.0)
        };
        let run: Vec<Duration> = self
            .running
            .values()
            .map(|line| {
                let spent = now.saturating_duration_since(line.began);
                line.estimate.mul_f64(scale).saturating_sub(spent)
            })
            .collect();
        let wait: Vec<Duration> = self
            .waiting
            .iter()
            .map(|(_, estimate)| estimate.mul_f64(scale))
            .collect();
        time_left(&run, &wait, self.lanes)
    }

    /// The lines that are redrawn: one for each drill that runs, and a summary.
    fn lines(&self, now: Instant) -> Vec<String> {
        let labels = self.running.values().map(|line| line.label.len());
        let width = labels.max().unwrap_or(0);
        let mut lines: Vec<String> = self
            .running
            .values()
            .map(|line| {
                let tail = line.steps.iter().rev().take(STEPS).rev();
                let steps: Vec<&str> = tail.map(String::as_str).collect();
                let spent = told(now.saturating_duration_since(line.began));
                format!("  {:width$}  {spent:>5}  {}", line.label, steps.join(" → "))
            })
            .collect();
        if self.total > 0 {
            lines.push(self.summary(now));
        }
        lines
    }
}

/// Takes away what was drawn.
fn erased(state: &mut State) -> String {
    let text = match state.drawn {
        0 => String::new(),
        lines => format!("\x1b[{lines}A\x1b[J"),
    };
    state.drawn = 0;
    text
}

/// `stays`, and below it the lines that are redrawn. Long lines are cut off at
/// the edge instead of wrapped: otherwise one could not go back over them.
fn redrawn(state: &mut State, stays: &str, now: Instant) -> String {
    let lines = state.lines(now);
    let mut text = erased(state);
    text.push_str(stays);
    text.push_str("\x1b[?7l");
    for line in &lines {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str("\x1b[?7h");
    state.drawn = lines.len();
    text
}

/// Progress is a courtesy: a closed standard error must not end a drill.
fn write(text: &str) {
    drop(std::io::stderr().write_all(text.as_bytes()));
}

#[cfg(test)]
mod tests;
