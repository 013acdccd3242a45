//! Logs: a store of lines by stream, LogQL, and Loki's HTTP API.

mod api;
mod config;
mod detected;
mod encoding;
mod eval;
mod ingest;
mod jsonscan;
pub mod labels;
mod level;
pub mod logql;
mod otlp;
pub(crate) mod params;
mod patterns;
mod pipeline;
mod push;
mod storage;
mod tail;
mod template;

pub use api::router;
pub use config::{Experimental, LogsConfig};
pub use ingest::PushError;
pub use labels::Labels;
pub(crate) use logql::string_literal;
pub(crate) use logql::units::{go_duration, range as range_duration, show_duration, show_float};
pub(crate) use otlp::receive as receive_otlp;
pub(crate) use params::Params;
pub use storage::{Appended, Entry, Logs, Selected};
pub(crate) use template::title;
