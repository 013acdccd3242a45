//! A small Mimir, Loki and Tempo for one machine: same paths, same JSON, same errors.
//!
//! [`Store::start`] checks the whole [`Config`], binds five loopback listeners
//! (Mimir, Loki, Tempo, OTLP over HTTP and gRPC), and, when it is given access to a Kubernetes API,
//! scrapes the pods' metrics and tails their logs. Everything is kept in memory
//! under a bound; the oldest data goes first.

pub mod alertmanager;
pub mod clock;
pub mod collect;
mod config;
mod grpc;
pub mod http;
pub mod logs;
pub mod metrics;
pub mod otlp;
pub mod rules;
mod store;
pub mod traces;

pub use config::{Config, KubernetesAccess, Limits, Ports, RuleFile};
pub use store::{Addresses, Store, StoreError};
