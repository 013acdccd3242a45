//! Alertmanager: takes alerts, groups, inhibits and silences them, and tells receivers
//! (<https://prometheus.io/docs/alerting/latest/alertmanager/>).

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

mod alert;
pub mod api;
mod config;
mod dispatch;
mod inhibit;
mod intervals;
mod matcher;
mod route;
mod silence;
#[cfg(test)]
mod tests;
mod webhook;

use crate::clock::Clock;
pub use alert::Alert;
use config::EMPTY;
pub use config::{AlertmanagerConfig, ConfigError};
use dispatch::{Delivery, Flush, State};
pub use silence::{Silence, SilenceError, SilenceState};

/// A running Alertmanager: alerts, silences and groups in memory.
#[derive(Debug)]
pub struct Alertmanager {
    clock: Clock,
    started_at: i64,
    state: Mutex<State>,
    changed: Notify,
    external_url: OnceLock<String>,
    /// Whether somebody gave a configuration.
    configured: Mutex<bool>,
}

impl Alertmanager {
    /// Starts with this configuration file's text; without one, alerts are only kept and shown.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn new(text: Option<&str>, clock: Clock) -> Result<Self, ConfigError> {
        let config = AlertmanagerConfig::parse(text.unwrap_or(EMPTY))?;
        warn_of_undelivered(&config);
        Ok(Self {
            clock,
            started_at: clock.now_ms(),
            state: Mutex::new(State::new(Arc::new(config))),
            changed: Notify::new(),
            external_url: OnceLock::new(),
            configured: Mutex::new(text.is_some()),
        })
    }

    /// Under what URL people reach this server; notifications link to it. Only the first
    /// call counts.
    pub fn set_external_url(&self, url: String) {
        // A later call has nothing to tell.
        let _ = self.external_url.set(url);
    }

    /// Under what URL people reach this server; empty while nobody said.
    #[must_use]
    pub fn external_url(&self) -> &str {
        self.external_url.get().map_or("", String::as_str)
    }

    /// Takes alerts, or news about known ones.
    pub fn put(&self, alerts: Vec<Alert>) {
        let now = self.clock.now_ms();
        let mut state = self.lock();
        for alert in alerts {
            state.put(alert, now);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// All alerts that are known, those that were resolved lately included.
    #[must_use]
    pub fn alerts(&self) -> Vec<Alert> {
        self.lock().alerts.values().cloned().collect()
    }

    /// Replaces the configuration; alerts and silences stay.
    pub fn configure(&self, config: AlertmanagerConfig) {
        warn_of_undelivered(&config);
        let now = self.clock.now_ms();
        self.lock().configure(Arc::new(config), now);
        *self.configured() = true;
        self.changed.notify_one();
    }

    /// Goes back to where nobody is notified.
    pub fn unconfigure(&self) {
        if let Ok(config) = AlertmanagerConfig::parse(EMPTY) {
            self.configure(config);
        }
        *self.configured() = false;
    }

    /// Sends what is due until `stop` is cancelled.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap_or_default();
        let mut flights: JoinSet<(Flush, Vec<Delivery>)> = JoinSet::new();
        loop {
            let next = self.lock().next();
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.changed.notified() => {}
                () = sleep_until(self.clock.instant_at(next)) => {}
                Some(landed) = flights.join_next(), if !flights.is_empty() => {
                    if let Ok((flush, arrived)) = landed {
                        let all = arrived.len() == flush.deliveries.len();
                        self.lock().done(&flush, all, &arrived);
                    }
                }
            }
            let due = self.lock().due(self.clock.now_ms(), self.external_url());
            for flush in due {
                flights.spawn(send(client.clone(), flush, self.clock));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn configured(&self) -> MutexGuard<'_, bool> {
        self.configured
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends all of a flush at once; tells what arrived.
async fn send(client: reqwest::Client, flush: Flush, clock: Clock) -> (Flush, Vec<Delivery>) {
    let all = flush.deliveries.iter().map(|delivery| async {
        match webhook::deliver(&client, delivery, clock).await {
            Ok(()) => Some(delivery.clone()),
            Err(why) => {
                tracing::error!(why, "notification was not delivered");
                None
            }
        }
    });
    let arrived = futures::future::join_all(all).await;
    (flush, arrived.into_iter().flatten().collect())
}

fn warn_of_undelivered(config: &AlertmanagerConfig) {
    for receiver in &config.receivers {
        for kind in &receiver.undelivered {
            tracing::warn!(
                receiver = %receiver.name,
                kind,
                "only webhooks are delivered from here: this integration hears nothing"
            );
        }
    }
}
