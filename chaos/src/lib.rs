//! Injects faults through public APIs, with leases, a journal and a verified undo.
//!
//! The promise: an Injection is written to a journal and fsynced before the
//! world changes; it is undone on [`Injection::undo`], on drop, on
//! [`Chaos::close`], and by [`Chaos::recover`] after the lab was killed; what
//! an edge holds ends by itself when nobody renews its lease. Every undo is
//! bounded in time and read back. "The target is gone" counts as undone.
//!
//! ```text
//! Chaos ── plan -> journal (fsync) -> inject      faults/*.rs: one file per kind
//!   ├ keeper: tends every injection, undoes dropped ones
//!   └ World: Kubernetes objects, and edges through pods/proxy; nothing else
//! ```

mod args;
mod chaos;
mod error;
mod faults;
mod hook;
mod image;
mod injection;
mod journal;
mod keeper;
mod kind;
mod link;
mod management;
mod objects;
mod place;
mod quantity;
mod reference;
mod template;
mod undo;
mod world;

pub use chaos::{Chaos, ChaosConfig, Recovered};
pub use error::ChaosError;
pub use injection::Injection;
pub use reference::reference;
pub use undo::UndoReport;

/// Every registered fault, for authors and for the catalog.
pub fn specs() -> Vec<model::FaultSpec> {
    faults::all().iter().map(|fault| fault.spec()).collect()
}
