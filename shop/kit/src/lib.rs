//! What every service of every shop shares: context, errors, peers, readiness, drain, defects.
//!
//! A service is a function `app(Context) -> Router`; [`run`] does the rest: telemetry,
//! listening, probes, error bodies, hooks, and an orderly end.

mod cache;
mod context;
mod database;
mod env;
mod error;
mod families;
mod hooks;
mod middleware;
mod peer;
mod queue;
mod readiness;
mod release;
mod router;
mod service;

pub use cache::{Cache, CacheError};
pub use context::Context;
pub use database::{Database, DbError, Migration, Row, Value};
pub use env::{ConfigError, Env};
pub use error::{AppError, ErrorBody, ErrorShape, ErrorSite};
pub use families::{Durations, Families, ServedRequest, Summaries};
pub use hooks::ServiceHooks;
pub use instrument;
pub use peer::{Answer, Call, Peer, PeerError};
pub use queue::{Declared, Handled, Message, Queue, QueueError};
pub use readiness::Readiness;
pub use release::{Defect, Release, UnknownRelease};
pub use router::router;
pub use service::{Service, Shop, run};
