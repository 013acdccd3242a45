//! The words of shoplab: scenarios, faults, events, responses, grades.
//!
//! Pure data: no I/O, no clock. Every other crate speaks in these types; the
//! glossary (`docs/glossary.md`) gives each word its one meaning.

mod action;
mod check;
mod event;
mod fault;
mod grade;
mod matrix;
mod name;
mod response;
mod scalar;
mod scenario;
mod timeline;
mod vocabulary;

pub use action::Action;
pub use check::{Bound, Check, Observation};
pub use event::{
    CallEdge, Change, Event, Happening, Impact, InjectionId, JourneyImpact, SeenText, Severity,
    Undone, Verdict,
};
pub use fault::{ArgKind, ArgSpec, Fault, FaultSpec};
pub use grade::{Criterion, Deduction, Grade, Rubric, Score};
pub use matrix::{FailureMatrix, MatrixRow, Recovery};
pub use name::{AlertName, CheckName, JourneyName, RowId, ServiceName, ShopName};
pub use response::{
    Backend, Diagnosis, Evidence, FailureMode, Outcome, Query, Responder, Response, ServiceSigns,
};
pub use scalar::{ParseScalarError, Period, Ratio, Timestamp};
pub use scenario::{
    Answer, Hint, Hypothesis, Load, LoadShape, Move, Proof, Scenario, Step, StepAction, Suite,
    Symptom, Trigger,
};
pub use timeline::{Clocks, Timeline};
pub use vocabulary::{QueryCheck, ShopVocabulary, Vocabulary};
