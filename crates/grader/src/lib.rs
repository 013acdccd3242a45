//! Grades a drill: a pure function of its timeline and a rubric.
//!
//! No clock, no I/O, no judgement by a model: every point names the Events
//! that earned it, and grading the same journal twice gives the same bytes.

mod criteria;
mod deductions;
mod distance;
mod facts;

use model::{Grade, Rubric, Timeline};

use facts::Facts;

/// Why a timeline cannot be graded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ungraded {
    /// The journal has no `started` Event.
    NeverStarted,
    /// The drill has not finished.
    Unfinished,
    /// The drill was INVALID, for this reason: its result would prove nothing.
    Invalid(String),
    /// The drill was interrupted before its end.
    Interrupted,
}

impl std::fmt::Display for Ungraded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NeverStarted => f.write_str("the journal does not begin with a started drill"),
            Self::Unfinished => f.write_str("the drill has not finished"),
            Self::Invalid(why) => write!(f, "the drill was invalid: {why}"),
            Self::Interrupted => f.write_str("the drill was interrupted"),
        }
    }
}

impl std::error::Error for Ungraded {}

/// Judges `timeline` by `rubric`.
///
/// # Errors
/// [`Ungraded`] where the drill did not run to its end, or was INVALID.
pub fn grade(timeline: &Timeline, rubric: &Rubric) -> Result<Grade, Ungraded> {
    let facts = Facts::read(timeline)?;
    let scores = criteria::scores(&facts, rubric);
    let (deductions, cap) = deductions::deductions(&facts);
    let earned: f64 = scores.iter().map(|score| score.points).sum();
    let taken: f64 = deductions.iter().map(|deduction| deduction.points).sum();
    let ceiling = cap.as_ref().map_or(100.0, |(cap, _)| f64::from(*cap));
    let total = tenth((earned - taken).clamp(0.0, ceiling));
    let pass_mark = facts.scenario.pass_mark;
    Ok(Grade {
        scenario: facts.scenario.name.clone(),
        total,
        pass_mark,
        passed: total >= f64::from(pass_mark),
        scores,
        deductions,
        cap,
    })
}

/// `points` rounded to a tenth, so that no grade depends on the last bit.
fn tenth(points: f64) -> f64 {
    (points * 10.0).round() / 10.0
}
