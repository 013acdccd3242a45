//! TraceQL: what a query says, read by a parser of our own.
//!
//! Source: <https://grafana.com/docs/tempo/latest/traceql/>.

mod ast;
mod check;
mod display;
mod lexer;
mod parser;
mod pipe;

pub use ast::{
    Aggregate, Attribute, Expr, Intrinsic, MetricOp, Metrics, Op, Pipeline, Query, Scope, SetOp,
    Stage,
};
pub use parser::{ParseError, parse, parse_attribute};

#[cfg(test)]
mod tests;
