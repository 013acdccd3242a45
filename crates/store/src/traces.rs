//! Traces: a store of spans by trace, TraceQL, and Tempo's HTTP API.

mod api;
mod eval;
mod metrics;
mod render;
mod spans;
mod storage;
mod structure;
mod tags;
pub mod traceql;
mod value;

pub use api::router;
pub use storage::Traces;
pub use value::Value;
