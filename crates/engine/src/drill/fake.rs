//! A world without a cluster: one fault that breaks one check until it is
//! fixed, on a clock that tests pause.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use model::{
    Action, Backend, Change, Fault, InjectionId, Period, Query, ServiceName, Timestamp, Undone,
};
use telemetry::{
    Alert, AlertState, Labels, LogLine, Matrix, Point, Rule, Series, TelemetryError, TimeRange,
};
use tokio::sync::mpsc;

use super::World;
use crate::injector::{Injector, Undo};
use crate::journeys::Counts;
use crate::platform::{Part, Platform};
use crate::senses::{Damage, Found, Senses};
use crate::{Clock, EngineError};

/// How the world behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nature {
    /// What the check shows while all is well.
    pub(super) well: f64,
    /// What the check shows while the fault is in.
    pub(super) broken: f64,
    /// Whether the fault can be injected.
    pub(super) injectable: bool,
    /// Whether undoing ever ends.
    pub(super) undoable: bool,
    /// How many of two pods are available.
    pub(super) available: u32,
}

impl Default for Nature {
    fn default() -> Self {
        Self {
            well: 1.0,
            broken: 0.2,
            injectable: true,
            undoable: true,
            available: 2,
        }
    }
}

/// The fake world.
pub(super) struct Fake {
    pub(super) clock: Clock,
    nature: Nature,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    injected: Option<Timestamp>,
    fixed: bool,
    undone: bool,
    watchers: Vec<mpsc::Sender<Change>>,
}

impl Fake {
    pub(super) fn new(nature: Nature) -> Arc<Self> {
        Arc::new(Self {
            clock: Clock::starting_at(Timestamp::from_millis(1_000_000)),
            nature,
            state: Mutex::default(),
        })
    }

    pub(super) fn world(self: &Arc<Self>) -> World {
        World {
            clock: self.clock,
            senses: Arc::clone(self) as Arc<dyn Senses>,
            patient_senses: Arc::clone(self) as Arc<dyn Senses>,
            platform: Arc::clone(self) as Arc<dyn Platform>,
            injector: Box::new(FakeInjector(Arc::clone(self))),
        }
    }

    /// Whether nothing of the fault is left.
    pub(super) fn is_clean(&self) -> bool {
        let state = self.state();
        state.injected.is_none() || state.undone
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panicked with it")
    }

    /// Since when the fault hurts, while it does.
    fn hurting(&self) -> Option<Timestamp> {
        let state = self.state();
        state.injected.filter(|_| !state.fixed && !state.undone)
    }

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let owned = |text: &&str| (*text).to_owned();
        pairs.iter().map(|(a, b)| (owned(a), owned(b))).collect()
    }
}

#[async_trait]
impl Senses for Fake {
    async fn measure(&self, _: &str) -> Result<Option<Point>, TelemetryError> {
        let value = match self.hurting() {
            Some(_) => self.nature.broken,
            None => self.nature.well,
        };
        let at = self.clock.now();
        Ok(Some(Point { at, value }))
    }

    async fn alerts(&self) -> Result<Vec<Alert>, TelemetryError> {
        let Some(active_at) = self.hurting() else {
            return Ok(Vec::new());
        };
        let firing = self.clock.now().since(active_at) >= Period::from_secs(3);
        Ok(vec![Alert {
            name: "PaymentDown".to_owned(),
            state: if firing {
                AlertState::Firing
            } else {
                AlertState::Pending
            },
            active_at,
            labels: Self::labels(&[("severity", "critical"), ("service", "payment")]),
            annotations: Self::labels(&[("summary", "Nobody can pay")]),
        }])
    }

    async fn rules(&self) -> Result<Vec<Rule>, TelemetryError> {
        Ok(vec![Rule {
            group: "shop".to_owned(),
            interval: Period::from_secs(1),
            name: "PaymentDown".to_owned(),
            query: String::new(),
            alerting: true,
            hold: Period::from_secs(3),
            labels: Labels::new(),
            annotations: Labels::new(),
            health: "ok".to_owned(),
            last_error: String::new(),
            alerts: Vec::new(),
        }])
    }

    async fn complaints(&self, _: TimeRange) -> Result<Vec<LogLine>, TelemetryError> {
        let injected = self.state().injected;
        let Some(start) = injected.filter(|_| self.nature.broken < 0.5) else {
            return Ok(Vec::new());
        };
        let start_ms = start.as_millis() + 400;
        Ok(vec![LogLine {
            at: start.plus(Period::from_millis(500)),
            nanos: (start_ms + 100) * 1_000_000,
            labels: Labels::new(),
            line: serde_json::json!({ "journey": "checkout", "step": "POST /orders", "start_ms": start_ms,
                "duration_ms": 100.0, "outcome": "failed", "seen": "Payment failed" })
            .to_string(),
        }])
    }

    async fn damage(&self, _: TimeRange) -> Result<Damage, TelemetryError> {
        Ok(Damage {
            failed_requests: 7,
            orders_lost: 3,
            users_hit: 2,
        })
    }

    async fn journeys(&self, _: TimeRange) -> Result<Counts, TelemetryError> {
        let count = |labels: &[(&str, &str)]| Matrix {
            series: vec![Series {
                labels: Self::labels(labels),
                points: vec![Point {
                    at: self.clock.now(),
                    value: 7.0,
                }],
            }],
        };
        Ok(Counts {
            requests: count(&[("journey", "checkout"), ("outcome", "failed")]),
            seen: count(&[
                ("journey", "checkout"),
                ("step", "POST /orders"),
                ("seen", "Payment failed"),
            ]),
        })
    }

    async fn answer(
        &self,
        query: &Query,
        range: TimeRange,
        compare_from: Timestamp,
    ) -> Result<Found, TelemetryError> {
        if query.text.is_empty() {
            return Err(TelemetryError::Refused {
                backend: query.backend,
                kind: "bad_data".to_owned(),
                message: "1:1: parse error: no expression found in input".to_owned(),
                position: None,
            });
        }
        if query.backend != Backend::Metrics {
            return Ok(Found::Lines(Vec::new()));
        }
        let injected = self.state().injected.unwrap_or(range.to);
        let seconds = compare_from.as_millis() / 1_000..=range.to.as_millis() / 1_000;
        let points = seconds.map(|second| {
            let at = Timestamp::from_millis(second * 1_000);
            let value = if at < injected { 1.0 } else { 0.0 };
            Point { at, value }
        });
        Ok(Found::Series(Matrix {
            series: vec![Series {
                labels: Self::labels(&[("job", "payment")]),
                points: points.collect(),
            }],
        }))
    }
}

#[async_trait]
impl Platform for Fake {
    async fn parts(&self) -> Result<Vec<Part>, EngineError> {
        let part = |name: &str, calls: &[&str]| Part {
            service: name.into(),
            wanted: 2,
            available: self.nature.available,
            settled: true,
            calls: calls.iter().map(|name| ServiceName::from(*name)).collect(),
        };
        Ok(vec![part("payment", &[]), part("orders", &["payment"])])
    }

    async fn act(&self, action: &Action) -> Result<(), String> {
        let watchers = {
            let mut state = self.state();
            match action {
                Action::RolloutRestart(service) if *service == "payment" => state.fixed = true,
                Action::RolloutRestart(_) => {}
                other => return Err(format!("{other}: forbidden")),
            }
            state.watchers.clone()
        };
        for watcher in watchers {
            let rolled = Change::RolledOut {
                service: action.service().clone(),
                image: "a:1".to_owned(),
            };
            drop(watcher.send(rolled).await);
        }
        Ok(())
    }

    async fn watch(&self, changes: mpsc::Sender<Change>) {
        self.state().watchers.push(changes.clone());
        changes.closed().await;
    }
}

struct FakeInjector(Arc<Fake>);

#[async_trait]
impl Injector for FakeInjector {
    async fn inject(&self, fault: &Fault) -> Result<(InjectionId, Period), String> {
        if !self.0.nature.injectable {
            return Err(format!("`{}` is not allowed here", fault.kind));
        }
        self.0.state().injected = Some(self.0.clock.now());
        Ok((1, Period::from_secs(30)))
    }

    async fn undo(&self, injection: InjectionId) -> Undo {
        self.0.state().undone = true;
        Undo {
            injection,
            how: Undone::Reverted,
            verified: true,
            detail: String::new(),
        }
    }

    async fn undo_all(&self) -> Vec<Undo> {
        if self.0.is_clean() {
            return Vec::new();
        }
        if !self.0.nature.undoable {
            std::future::pending::<()>().await;
        }
        self.0.state().undone = true;
        vec![Undo {
            injection: 1,
            how: Undone::Reverted,
            verified: true,
            detail: String::new(),
        }]
    }
}
