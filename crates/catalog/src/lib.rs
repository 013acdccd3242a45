//! Reads what instructors write: scenarios, the failure matrix, SLOs, suites.
//!
//! Every reader takes a [`Source`] and gives either the model's words or all
//! [`Problems`] of the file at once, each with its line and column, what was
//! found, what was expected, and the nearest name where one was misspelt.

mod decode;
mod documents;
mod fault;
mod node;
mod problem;
mod scenario;

pub use documents::{checks, matrix, suite};
pub use problem::{Problem, Problems, Source};
pub use scenario::scenario;
