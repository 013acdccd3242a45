//! Runs one drill: brings it up, breaks it, records every Event, waits for the response.
//!
//! A [`Drill`] is one stream of Events: [`Drill::subscribe`] replays it from the
//! first, [`journal::read`] reads it back. Whoever responds does so through a
//! [`Desk`]; the engine itself plays scripts and baselines.
//!
//! Pure inside: `conduct` decides, `evidence`, `impact`,
//! `alerts`, `checks` and `window` compute; `run` alone looks and acts, through
//! the seams `senses` (telemetry), `platform` (the cluster) and `injector` (chaos).

mod alerts;
mod answer;
pub mod baseline;
mod checks;
mod clock;
mod conduct;
mod config;
mod desk;
mod drill;
mod error;
mod evidence;
mod impact;
mod injector;
pub mod journal;
mod journeys;
mod platform;
mod recorder;
mod run;
mod script;
mod senses;
mod shared;
mod view;
mod window;

pub use answer::{AnswerData, QueryAnswer};
pub use baseline::Baseline;
pub use clock::Clock;
pub use config::{DrillConfig, Limits};
pub use desk::Desk;
pub use drill::{Drill, HintOffer, Phase, Stop};
pub use error::EngineError;
pub use recorder::Subscription;
pub use view::{ClusterView, DeploymentRow, EventRow, ObjectKind, PodRow, ServiceRow, Usage};
