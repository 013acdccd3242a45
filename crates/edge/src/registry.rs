//! The proxies of an edge, and the task that ends leases.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::proxy::Proxy;
use crate::{Config, Signal, Upstream, WorkloadError};

/// All that the control API and the lease keeper share.
pub(crate) struct Registry {
    pub(crate) config: Config,
    proxies: Mutex<BTreeMap<String, Arc<Proxy>>>,
    /// Whether the workload was stopped from here and has not been continued since.
    stopped: AtomicBool,
    /// When a stopped workload goes on by itself.
    stopped_until: Mutex<Option<Instant>>,
    /// Something about leases changed.
    leases: Notify,
}

/// Why a proxy was not added.
#[derive(Debug)]
pub(crate) enum AddError {
    Exists,
    Bind(io::Error),
}

impl Registry {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            proxies: Mutex::default(),
            stopped: AtomicBool::new(false),
            stopped_until: Mutex::default(),
            leases: Notify::new(),
        }
    }

    fn locked(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Proxy>>> {
        self.proxies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every proxy, by name.
    pub(crate) fn proxies(&self) -> Vec<Arc<Proxy>> {
        self.locked().values().cloned().collect()
    }

    pub(crate) fn proxy(&self, name: &str) -> Option<Arc<Proxy>> {
        self.locked().get(name).cloned()
    }

    /// A proxy that is not up yet; [`Registry::add`] takes it.
    pub(crate) fn make(&self, name: &str, listen: &str, upstream: Upstream) -> Arc<Proxy> {
        // Nothing listens beyond loopback unless told to.
        let listen = if listen.is_empty() {
            "127.0.0.1:0"
        } else {
            listen
        };
        Arc::new(Proxy::new(
            name,
            listen.to_owned(),
            upstream,
            self.config.seed,
        ))
    }

    /// Adds the proxy and starts it where `enabled` says so.
    pub(crate) async fn add(&self, proxy: Arc<Proxy>, enabled: bool) -> Result<(), AddError> {
        let name = proxy.name.clone();
        {
            let mut proxies = self.locked();
            if proxies.contains_key(&name) {
                return Err(AddError::Exists);
            }
            proxies.insert(name.clone(), proxy.clone());
        }
        if enabled && let Err(error) = proxy.start().await {
            self.locked().remove(&name);
            return Err(AddError::Bind(error));
        }
        Ok(())
    }

    /// Removes and stops a proxy; `false` when there is none.
    pub(crate) async fn remove(&self, name: &str) -> bool {
        let removed = self.locked().remove(name);
        match removed {
            Some(proxy) => {
                proxy.stop().await;
                true
            }
            None => false,
        }
    }

    /// Stops every proxy.
    pub(crate) async fn stop(&self) {
        let proxies = std::mem::take(&mut *self.locked());
        for proxy in proxies.values() {
            proxy.stop().await;
        }
    }

    /// Aborts every proxy without waiting.
    pub(crate) fn abort(&self) {
        for proxy in self.locked().values() {
            proxy.abort();
        }
    }

    /// Sends a signal to the workload; a stop under a lease ends by itself.
    /// `None` when this edge has no workload.
    pub(crate) fn signal(
        &self,
        signal: Signal,
        lease: Option<Duration>,
    ) -> Option<Result<(), WorkloadError>> {
        let workload = self.config.workload.as_ref()?;
        let result = workload.signal(signal);
        if result.is_ok() {
            let until = match signal {
                Signal::Stop => lease.map(|lease| Instant::now() + lease),
                Signal::Kill | Signal::Continue | Signal::Terminate => None,
            };
            self.stopped
                .store(signal == Signal::Stop, Ordering::Relaxed);
            *self.stopped_until() = until;
            self.leases_changed();
        }
        Some(result)
    }

    /// Whether the workload was stopped from here and has not been continued since.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn stopped_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.stopped_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the lease keeper to look again.
    pub(crate) fn leases_changed(&self) {
        self.leases.notify_one();
    }

    /// Ends leases when their time comes, until it is cancelled.
    pub(crate) async fn keep_leases(&self, cancel: CancellationToken) {
        loop {
            let proxies = self.proxies();
            let stopped = *self.stopped_until();
            let ends = proxies.iter().filter_map(|proxy| proxy.next_lease());
            let next = ends.chain(stopped).min();
            let end = async {
                match next {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                () = self.leases.notified() => continue,
                () = end => {}
            }
            let now = Instant::now();
            for proxy in proxies {
                proxy.expire(now).await;
            }
            if self.stopped_until().is_some_and(|until| until <= now) {
                self.resume();
            }
        }
    }

    fn resume(&self) {
        match self.signal(Signal::Continue, None) {
            Some(Err(WorkloadError::Failed(error))) => {
                tracing::error!(
                    error,
                    "the stopped process could not be continued; trying on"
                );
                *self.stopped_until() = Some(Instant::now() + Duration::from_secs(1));
            }
            // Gone counts as continued.
            _ => *self.stopped_until() = None,
        }
    }
}
