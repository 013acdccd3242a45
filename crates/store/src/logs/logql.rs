//! LogQL: what a query says, read by a parser of our own.
//!
//! Source: <https://grafana.com/docs/loki/latest/query/>.

mod assign;
mod ast;
mod build;
mod display;
mod filter;
mod lexer;
mod metric;
mod parser;
mod patterns;
mod pretty;
pub(crate) mod units;

pub use ast::{
    Binary, Card, CompareOp, Convert, Expr, FilterTest, Grouping, LabelFilter, LineFilter, LineOp,
    LineTest, LogExpr, MatchOp, Matcher, Matching, PathPart, Picked, RangeAgg, RangeOp, Renamed,
    SampleExpr, Stage, Unwrap, VectorAgg, VectorOp,
};
pub use build::IpRange;
pub use parser::{ParseError, parse, parse_matchers};
pub use patterns::Pattern;

/// Reads a quoted text at the start of `input`; gives it unquoted, and its length as written.
pub(crate) fn string_literal(input: &str) -> Option<(String, usize)> {
    lexer::string(input)
}
pub(crate) use build::regex_message;
pub(crate) use pretty::pretty;

#[cfg(test)]
mod tests;
