//! Runs one drill: brings it up, breaks it, records every Event, waits for the response.
//!
//! A [`Drill`] is one stream of Events: [`Drill::subscribe`] replays it from the
//! first, [`journal::read`] reads it back. Whoever responds does so through a
//! [`Desk`]; the engine itself plays scripts and baselines.

mod answer;
pub mod baseline;
mod clock;
mod config;
mod drill;
mod error;
pub mod journal;
mod recorder;

pub use answer::{AnswerData, QueryAnswer};
pub use baseline::Baseline;
pub use clock::Clock;
pub use config::{DrillConfig, Limits};
pub use drill::{Desk, Drill, HintOffer, Phase, Stop};
pub use error::EngineError;
pub use recorder::Subscription;
