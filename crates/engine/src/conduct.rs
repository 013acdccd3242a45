//! How a drill goes on from its steady state: a state machine without I/O.

use model::{
    Action, CheckName, Fault, Happening, Period, Scenario, Step, StepAction, Symptom, Timestamp,
    Verdict,
};

use crate::Limits;
use crate::checks::CheckBook;
use crate::window::Window;

/// What is to be done next, in this order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    /// Write this into the journal.
    Record(Timestamp, Box<Happening>),
    /// Break something, then tell [`Conduct::injected`]; undo it after the
    /// period, where there is one.
    Inject(Fault, Option<Period>),
    /// Do something harmless.
    Change(Action),
    /// Undo everything and end.
    End(Verdict),
}

/// How far the responder is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Responding {
    /// Said that it is over.
    pub(crate) resolved: bool,
    /// Said what is wrong.
    pub(crate) diagnosed: bool,
    /// Whether the engine plays the responder.
    pub(crate) played: bool,
    /// When a played responder had made all of its moves.
    pub(crate) moved: Option<Timestamp>,
}

/// Conducts the timeline, the fault-bite gate, the recovery and the end.
#[derive(Debug)]
pub(crate) struct Conduct {
    scenario: Scenario,
    after_moves: Option<Period>,
    /// The steady state: the timeline's zero.
    zero: Timestamp,
    /// The checks that have to hold again.
    wanted: Vec<CheckName>,
    /// How many steps of the timeline are done.
    done: usize,
    first_step: Option<Timestamp>,
    first_injection: Option<Timestamp>,
    last_injection: Option<Timestamp>,
    bitten: bool,
    /// Whether what was lost is there again.
    recovered: bool,
    window: Window,
}

impl Conduct {
    /// Goes on from the steady state at `zero`, in which the checks of `book`
    /// showed what they did.
    pub(crate) fn new(
        scenario: Scenario,
        limits: &Limits,
        zero: Timestamp,
        book: &CheckBook,
    ) -> Self {
        Self {
            window: Window::new(scenario.recovery_window),
            after_moves: limits.after_moves,
            zero,
            wanted: book.holding(),
            done: 0,
            first_step: None,
            first_injection: None,
            last_injection: None,
            bitten: false,
            recovered: false,
            scenario,
        }
    }

    /// From when on customers' complaints count: from the first injection, or,
    /// where nothing is injected, from the first step of the timeline. What a
    /// harmless change costs them is not the incident.
    pub(crate) fn complaints_from(&self) -> Option<Timestamp> {
        if self.scenario.timeline.is_empty() {
            return Some(self.zero);
        }
        if self.scenario.breaks() {
            return self.first_injection;
        }
        self.first_step
    }

    /// A fault went in, at `at`.
    pub(crate) fn injected(&mut self, at: Timestamp) {
        self.last_injection = Some(at);
    }

    /// What is to be done at `now`, with what the checks show and `fresh`
    /// saying whether they were looked at just now.
    pub(crate) fn step(
        &mut self,
        now: Timestamp,
        book: &CheckBook,
        fresh: bool,
        responding: Responding,
    ) -> Vec<Command> {
        let mut commands = self.timeline(now, book);
        if matches!(commands.last(), Some(Command::End(_))) {
            return commands;
        }
        if fresh {
            commands.extend(self.bite(now, book));
            commands.extend(self.recovery(now, book));
        }
        let injecting = commands
            .iter()
            .any(|command| matches!(command, Command::Inject(..)));
        if !injecting {
            commands.extend(self.end(now, responding).map(Command::End));
        }
        commands
    }

    /// The steps of the timeline that are due.
    fn timeline(&mut self, now: Timestamp, book: &CheckBook) -> Vec<Command> {
        let mut commands = Vec::new();
        while let Some(step) = self.scenario.timeline.get(self.done) {
            if self.zero.plus(step.at) > now {
                break;
            }
            let command = match &step.action {
                StepAction::Change(action) => Command::Change(action.clone()),
                StepAction::Inject(fault) => {
                    if let (None, Some(shown)) = (self.last_injection, self.shown(book)) {
                        let why = format!("{shown} before any fault went in");
                        commands.push(Command::End(Verdict::Invalid(why)));
                        return commands;
                    }
                    self.first_injection.get_or_insert(now);
                    Command::Inject(fault.clone(), step.lasts)
                }
            };
            self.done += 1;
            self.first_step.get_or_insert(now);
            commands.push(command);
        }
        commands
    }

    /// The fault-bite gate: the symptom shows.
    fn bite(&mut self, now: Timestamp, book: &CheckBook) -> Option<Command> {
        if self.bitten || self.last_injection.is_none_or(|at| at >= now) {
            return None;
        }
        let shown = book.shown(&self.scenario.hypothesis.symptoms)?;
        self.bitten = true;
        self.window.reset();
        let bit = Happening::FaultBit {
            check: shown.check.clone(),
            value: shown.value,
        };
        Some(Command::Record(now, Box::new(bit)))
    }

    /// The SLOs hold again, or are lost again.
    fn recovery(&mut self, now: Timestamp, book: &CheckBook) -> Option<Command> {
        if !self.bitten {
            return None;
        }
        let broken = book.broken(&self.wanted);
        let symptom = book.shown(&self.scenario.hypothesis.symptoms);
        let broken = broken.cloned().or(symptom.map(|shown| shown.check));
        let full = self.window.see(now, broken.is_none());
        match (self.recovered, full, broken) {
            (false, Some(since), _) => {
                self.recovered = true;
                Some(Command::Record(since, Box::new(Happening::Recovered)))
            }
            (true, _, Some(check)) => {
                self.recovered = false;
                let relapsed = Happening::Relapsed { check };
                Some(Command::Record(now, Box::new(relapsed)))
            }
            _ => None,
        }
    }

    /// Whether it is over, and how.
    fn end(&self, now: Timestamp, responding: Responding) -> Option<Verdict> {
        if self.must_bite() && !self.bitten {
            return self.toothless(now).map(Verdict::Invalid);
        }
        let last = self.done == self.scenario.timeline.len();
        let moved = responding.moved.is_some();
        let done = if self.must_bite() {
            self.recovered && (responding.resolved || moved)
        } else if responding.played {
            moved
        } else {
            responding.resolved || responding.diagnosed
        };
        let began = self.first_step.unwrap_or(self.zero);
        let out_of_time = now.since(began) >= self.scenario.time_limit;
        let out_of_moves = match (responding.moved, self.after_moves) {
            (Some(moved), Some(after)) => now.since(moved.max(began)) >= after,
            _ => false,
        };
        (last && (done || out_of_moves) || out_of_time).then_some(Verdict::Complete)
    }

    /// Whether there is a fault whose symptom must show.
    fn must_bite(&self) -> bool {
        self.scenario.must_bite()
    }

    /// Why the faults that are in did not bite in time.
    fn toothless(&self, now: Timestamp) -> Option<String> {
        let injected = self.last_injection?;
        let pending = self.scenario.timeline[self.done..]
            .iter()
            .any(Step::injects);
        let within = self.scenario.hypothesis.within;
        if pending || now.since(injected) <= within {
            return None;
        }
        let symptoms: Vec<String> = self
            .scenario
            .hypothesis
            .symptoms
            .iter()
            .map(|symptom| match symptom {
                Symptom::Slo {
                    check,
                    below: Some(ratio),
                } => format!("{check} below {ratio}"),
                Symptom::Slo { check, below: None } => format!("{check} lost"),
                Symptom::Alert(alert) => format!("alert {alert}"),
            })
            .collect();
        Some(format!(
            "the fault did not bite: no {} within {within}",
            symptoms.join(", no ")
        ))
    }

    /// The symptom that shows, in words.
    fn shown(&self, book: &CheckBook) -> Option<String> {
        let shown = book.shown(&self.scenario.hypothesis.symptoms)?;
        Some(format!("{} showed the symptom", shown.check))
    }

    /// Why the drill ends when somebody says so at once: complete only when it
    /// can be graded.
    pub(crate) fn finished_early(&self) -> Verdict {
        if self.must_bite() && !self.bitten {
            return Verdict::Invalid("it was ended before the fault bit".to_owned());
        }
        Verdict::Complete
    }
}

#[cfg(test)]
pub(crate) mod tests;
