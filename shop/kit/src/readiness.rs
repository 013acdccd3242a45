//! Whether a service can serve, and if not, why.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What a service still waits for; clones share it. Ready when it waits for nothing.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Readiness {
    /// Says that the service waits for `what`, and why.
    pub fn wait(&self, what: &'static str, reason: impl Into<String>) {
        self.lock().insert(what, reason.into());
    }

    /// Says that the service no longer waits for `what`.
    pub fn done(&self, what: &'static str) {
        self.lock().remove(what);
    }

    /// What the service waits for, each with its reason; empty when it is ready.
    pub fn reasons(&self) -> BTreeMap<&'static str, String> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<&'static str, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
