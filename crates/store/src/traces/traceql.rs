//! TraceQL: what a query says, read by a parser of our own.
//!
//! Source: <https://grafana.com/docs/tempo/latest/traceql/>.

mod ast;
mod check;
mod display;
mod functions;
mod lenient;
mod lexer;
mod parser;
mod pipe;

pub use ast::{
    Aggregate, Attribute, Comparison, Expr, Fold, Form, Intrinsic, MetricOp, Metrics, Op, Pipeline,
    Query, Relation, Scope, SecondStage, SetOp, Stage,
};
pub use lenient::parse_unfinished;
pub use parser::{ParseError, parse, parse_attribute};

#[cfg(test)]
mod tests;
