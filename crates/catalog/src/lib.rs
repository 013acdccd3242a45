//! Reads what instructors write: scenarios, the failure matrix, SLOs, suites.
//!
//! Every reader takes a [`Source`] and gives either the model's words or all
//! [`Problems`] of the file at once, each with its line and column, what was
//! found, what was expected, and the nearest name where one was misspelt.
//! [`lint`] looks further: at what can be read and does not make sense.
//! [`schema`] and [`template`] help to write such files. Nothing here does I/O.

mod decode;
mod documents;
mod fault;
mod keys;
mod lint;
mod node;
mod problem;
mod rule;
mod scenario;
mod schema;
mod syntax;
mod template;

pub use documents::{checks, matrix, suite};
pub use lint::{DocumentKind, lint};
pub use problem::{Problem, Problems, Source};
pub use rule::{Level, Rule};
pub use scenario::scenario;
pub use schema::schema;
pub use template::{Template, TemplateError, template};
