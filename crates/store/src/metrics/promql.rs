//! PromQL: parsing, checking, printing and evaluating.
//!
//! The parser is our own and not that of `promql-parser`, because answers and errors name
//! places in the query (`1:5: parse error: ...`) which that crate does not keep; a test holds
//! the two against each other.

pub mod ast;
pub mod eval;
pub mod functions;
mod lexer;
mod parser;
mod print;
mod token;
mod tree;

pub use eval::{Answer, EvalError, LOOKBACK, Outcome, RangeSeries, Request, evaluate};
pub use parser::{ParseError, format_duration, parse, parse_duration, parse_selector, place};
pub use print::pretty;
pub use tree::tree;

#[cfg(test)]
mod tests;
