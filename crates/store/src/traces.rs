//! Traces: a store of spans by trace, TraceQL, and Tempo's HTTP API.

mod api;
mod column;
mod eval;
mod fetch;
mod gate;
mod hex;
mod ingest;
mod limits;
mod messages;
mod metrics;
mod need;
mod pool;
mod receive;
mod render;
mod scan;
mod spans;
mod storage;
mod summary;
mod tags;
#[cfg(test)]
mod tests;
pub mod traceql;
mod tree;
mod value;

pub use api::router;
pub use limits::{PushError, Rejected, TraceLimits};
pub(crate) use receive::{GRPC_PATH, grpc as receive_grpc, http as receive_http};
pub use storage::Traces;
pub use value::Value;
