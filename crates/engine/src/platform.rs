//! The cluster, as the engine needs it.

mod act;
mod apply;
mod calls;
mod changes;
mod kubernetes;

use async_trait::async_trait;
use model::{Action, CallEdge, Change, ServiceName};
use tokio::sync::mpsc;

use crate::EngineError;

pub(crate) use act::said;
pub(crate) use kubernetes::{Kubernetes, client};

/// The shop's cluster; tests have a fake.
#[async_trait]
pub(crate) trait Platform: Send + Sync {
    /// The shop's parts as they are.
    async fn parts(&self) -> Result<Vec<Part>, EngineError>;
    /// Does what a runbook names; the platform's own words when it refuses.
    async fn act(&self, action: &Action) -> Result<(), String>;
    /// Tells every change from now on, until nobody listens.
    async fn watch(&self, changes: mpsc::Sender<Change>);
}

/// One service or store of the shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its name.
    pub(crate) service: ServiceName,
    /// How many pods it shall have.
    pub(crate) wanted: u32,
    /// How many of them are available.
    pub(crate) available: u32,
    /// Whether its controller has seen its present specification.
    pub(crate) settled: bool,
    /// Whom it calls.
    pub(crate) calls: Vec<ServiceName>,
}

impl Part {
    /// Whether all of it is there.
    fn is_ready(&self) -> bool {
        self.settled && self.available >= self.wanted
    }
}

/// What is not ready yet, in words; nothing when the shop is ready.
pub(crate) fn missing(parts: &[Part]) -> Vec<String> {
    let unready = parts.iter().filter(|part| !part.is_ready());
    unready
        .map(|part| format!("{} {}/{}", part.service, part.available, part.wanted))
        .collect()
}

/// Who calls whom.
pub(crate) fn call_edges(parts: &[Part]) -> Vec<CallEdge> {
    let mut edges: Vec<CallEdge> = parts
        .iter()
        .flat_map(|part| {
            part.calls.iter().map(|to| CallEdge {
                from: part.service.clone(),
                to: to.clone(),
            })
        })
        .collect();
    edges.sort();
    edges.dedup();
    edges
}

#[cfg(test)]
mod tests;
