//! Runs a drill from its start to its end: looks at the world, lets
//! [`Conduct`] decide, and does what it says.

use std::sync::Arc;
use std::time::Duration;

use model::{Change, Check, Fault, Happening, InjectionId, Period, Timestamp, Verdict};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, timeout};

use crate::alerts::AlertBook;
use crate::checks::CheckBook;
use crate::conduct::{Command, Conduct};
use crate::drill::{Phase, Stop};
use crate::impact::ImpactBook;
use crate::injector::Injector;
use crate::journal::JournalError;
use crate::platform::{call_edges, missing};
use crate::senses::Senses;
use crate::shared::Shared;
use crate::window::Window;
use crate::{EngineError, Limits, script};

mod ending;
mod look;

/// One drill that runs.
pub(crate) struct Run {
    pub(crate) shared: Arc<Shared>,
    /// The backends for the engine, which does not wait long.
    pub(crate) senses: Arc<dyn Senses>,
    pub(crate) injector: Box<dyn Injector>,
    pub(crate) checks: Vec<Check>,
    pub(crate) limits: Limits,
    state: State,
}

/// What is known of the world and of the drill.
struct State {
    checks: CheckBook,
    alerts: AlertBook,
    impact: Option<ImpactBook>,
    /// Customers' lines are read from here on.
    read_from: Timestamp,
    conduct: Option<Conduct>,
    /// What telemetry complained of last, for messages.
    trouble: Option<String>,
    injected: Vec<InjectionId>,
    /// Injections that are to be undone before the end, and when.
    leaving: Vec<(Timestamp, InjectionId)>,
    /// The watch of the cluster and the player.
    background: JoinSet<()>,
}

impl Run {
    pub(crate) fn new(
        shared: Arc<Shared>,
        senses: Arc<dyn Senses>,
        injector: Box<dyn Injector>,
        checks: Vec<Check>,
        limits: Limits,
    ) -> Self {
        Self {
            shared,
            senses,
            injector,
            checks,
            limits,
            state: State {
                checks: CheckBook::default(),
                alerts: AlertBook::default(),
                impact: None,
                read_from: Timestamp::default(),
                conduct: None,
                trouble: None,
                injected: Vec::new(),
                leaving: Vec::new(),
                background: JoinSet::new(),
            },
        }
    }

    /// Runs to the end. Whatever happens, everything is undone first.
    pub(crate) async fn run(mut self) -> Result<(), EngineError> {
        let mut stop = self.shared.stop.subscribe();
        let played = tokio::select! {
            biased;
            why = stopped(&mut stop) => Ok(match why {
                Stop::Interrupted => Verdict::Interrupted,
                Stop::Finished => self.finished_early(),
            }),
            played = self.play() => played,
        };
        let (verdict, error) = match played {
            Ok(verdict) => (verdict, None),
            Err(error) => (Verdict::Invalid(error.to_string()), Some(error)),
        };
        let ended = self.end(verdict, &mut stop).await;
        self.shared.recorder.close();
        self.shared.phase.send_replace(Phase::Over);
        match error {
            Some(error) => Err(error.into()),
            None => Ok(ended?),
        }
    }

    fn finished_early(&self) -> Verdict {
        match &self.state.conduct {
            Some(conduct) => conduct.finished_early(),
            None => Verdict::Invalid("it was ended before the steady state".to_owned()),
        }
    }

    async fn play(&mut self) -> Result<Verdict, JournalError> {
        if let Some(why) = self.until_ready().await? {
            return Ok(Verdict::Invalid(why));
        }
        self.shared.phase.send_replace(Phase::Steadying);
        let (sender, mut changes) = mpsc::channel(256);
        let platform = Arc::clone(&self.shared.platform);
        let watched = async move { platform.watch(sender).await };
        self.state.background.spawn(watched);
        if self.shared.is_played() {
            let player = script::play(Arc::clone(&self.shared), self.limits.patience);
            self.state.background.spawn(player);
        }
        if let Some(why) = self.until_steady().await? {
            return Ok(Verdict::Invalid(why));
        }
        self.shared.phase.send_replace(Phase::Running);
        self.conduct(&mut changes).await
    }

    /// Waits for the shop's Deployments; why it was in vain.
    async fn until_ready(&mut self) -> Result<Option<String>, JournalError> {
        let began = self.now();
        let mut ticks = self.ticks();
        loop {
            ticks.tick().await;
            let limit = self.limits.ready;
            let parts = timeout(limit.duration(), self.shared.platform.parts()).await;
            let why = match parts {
                Ok(Ok(parts)) if parts.is_empty() => "there is no Deployment".to_owned(),
                Ok(Ok(parts)) if missing(&parts).is_empty() => {
                    let mut services: Vec<_> =
                        parts.iter().map(|part| part.service.clone()).collect();
                    services.sort();
                    // There is one shop a drill: it is set once only.
                    drop(self.shared.services.set(services.clone()));
                    let calls = call_edges(&parts);
                    self.record(self.now(), Happening::ShopReady { services, calls })?;
                    return Ok(None);
                }
                Ok(Ok(parts)) => missing(&parts).join(", "),
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the cluster gave no answer".to_owned(),
            };
            if self.now().since(began) >= limit {
                return Ok(Some(format!(
                    "the shop was not ready within {limit}: {why}"
                )));
            }
        }
    }

    /// Waits for the steady state; why it was in vain.
    async fn until_steady(&mut self) -> Result<Option<String>, JournalError> {
        let began = self.now();
        let mut window = Window::new(self.limits.steady_window);
        let mut ticks = self.ticks();
        loop {
            ticks.tick().await;
            let fresh = self.look().await?;
            let now = self.now();
            let scenario = &self.shared.scenario;
            let broken = self.state.checks.broken(&scenario.steady_state);
            let shown = self.state.checks.shown(&scenario.hypothesis.symptoms);
            let holds = fresh && broken.is_none() && shown.is_none();
            if window.see(now, holds).is_some() {
                let observations = self.state.checks.observations();
                self.record(now, Happening::SteadyState { observations })?;
                let scenario = scenario.clone();
                let conduct = Conduct::new(scenario, &self.limits, now, &self.state.checks);
                self.state.conduct = Some(conduct);
                return Ok(None);
            }
            let limit = self.limits.steady;
            if now.since(began) >= limit {
                let why = self.unsteady();
                return Ok(Some(format!("no steady state within {limit}: {why}")));
            }
        }
    }

    /// What keeps the shop from its steady state, in words.
    fn unsteady(&self) -> String {
        let scenario = &self.shared.scenario;
        let mut whys = Vec::new();
        for observation in self.state.checks.observations() {
            let named = scenario.steady_state.contains(&observation.check);
            let check = self.checks.iter().find(|c| c.name == observation.check);
            if let (true, false, Some(check)) = (named, observation.holds, check) {
                let value = observation.value.map(|value| check.bound.show(value));
                let value = value.unwrap_or_else(|| "without a sample".to_owned());
                whys.push(format!("{} was {value}", check.name));
            }
        }
        if let Some(shown) = self.state.checks.shown(&scenario.hypothesis.symptoms) {
            whys.push(format!("{} showed the symptom already", shown.check));
        }
        whys.extend(self.state.trouble.clone());
        if whys.is_empty() {
            whys.push("the checks did not hold for long enough".to_owned());
        }
        whys.join("; ")
    }

    /// Runs the timeline until it is over.
    async fn conduct(
        &mut self,
        changes: &mut mpsc::Receiver<Change>,
    ) -> Result<Verdict, JournalError> {
        let mut ticks = self.ticks();
        loop {
            tokio::select! {
                Some(change) = changes.recv() => {
                    self.record(self.now(), Happening::Changed(change))?;
                    continue;
                }
                _ = ticks.tick() => {}
            }
            self.let_go().await?;
            let fresh = self.look().await?;
            let now = self.now();
            let responding = self.shared.responding();
            let Some(conduct) = &mut self.state.conduct else {
                return Ok(Verdict::Invalid("there was no steady state".to_owned()));
            };
            for command in conduct.step(now, &self.state.checks, fresh, responding) {
                if let Some(verdict) = self.execute(command).await? {
                    return Ok(verdict);
                }
            }
        }
    }

    /// Does what is to be done; how the drill ends, where it does.
    async fn execute(&mut self, command: Command) -> Result<Option<Verdict>, JournalError> {
        match command {
            Command::Record(at, what) => self.record(at, *what)?,
            Command::Inject(fault, lasts) => return self.inject(fault, lasts).await,
            Command::Change(action) => {
                if let Err(why) = self.shared.platform.act(&action).await {
                    let why = format!("`{action}` of the timeline was refused: {why}");
                    return Ok(Some(Verdict::Invalid(why)));
                }
            }
            Command::End(verdict) => return Ok(Some(verdict)),
        }
        Ok(None)
    }

    /// Undoes the injections whose time is over.
    async fn let_go(&mut self) -> Result<(), JournalError> {
        let now = self.now();
        let (due, leaving) = self
            .state
            .leaving
            .iter()
            .partition(|(until, _)| *until <= now);
        self.state.leaving = leaving;
        let due: Vec<(Timestamp, InjectionId)> = due;
        for (_, injection) in due {
            let undo = self.injector.undo(injection).await;
            if !undo.verified {
                // It is tried again at the end, where it counts.
                tracing::warn!(injection, detail = %undo.detail, "a fault could not be undone in time");
                continue;
            }
            self.state.injected.retain(|known| *known != injection);
            let undone = Happening::FaultUndone {
                injection,
                how: undo.how,
                verified: undo.verified,
            };
            self.record(self.now(), undone)?;
        }
        Ok(())
    }

    async fn inject(
        &mut self,
        fault: Fault,
        lasts: Option<Period>,
    ) -> Result<Option<Verdict>, JournalError> {
        // All that happened before is on the disk before the world changes.
        self.shared.recorder.sync()?;
        let at = self.now();
        match self.injector.inject(&fault).await {
            Ok((injection, lease)) => {
                self.state.injected.push(injection);
                let injected = Happening::FaultInjected {
                    injection,
                    fault,
                    lease,
                };
                self.record(at, injected)?;
                let now = self.now();
                let leaves = lasts.map(|lasts| (now.plus(lasts), injection));
                self.state.leaving.extend(leaves);
                if let Some(conduct) = &mut self.state.conduct {
                    conduct.injected(now);
                }
                Ok(None)
            }
            Err(why) => {
                let why = format!("`{}` could not be injected: {why}", fault.kind);
                Ok(Some(Verdict::Invalid(why)))
            }
        }
    }

    fn record(&self, at: Timestamp, what: Happening) -> Result<(), JournalError> {
        self.shared.recorder.record(at, what)
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    fn ticks(&self) -> Interval {
        let every = self
            .limits
            .interval
            .duration()
            .max(Duration::from_millis(1));
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }
}

/// Waits until somebody asks for the end.
async fn stopped(stop: &mut watch::Receiver<Option<Stop>>) -> Stop {
    match stop.wait_for(Option::is_some).await {
        Ok(why) => why.unwrap_or(Stop::Interrupted),
        Err(_) => Stop::Interrupted,
    }
}

/// Waits until somebody asks for an end at once.
async fn interrupted(stop: &mut watch::Receiver<Option<Stop>>) {
    // Without a sender nobody can ask.
    if stop
        .wait_for(|stop| *stop == Some(Stop::Interrupted))
        .await
        .is_err()
    {
        std::future::pending::<()>().await;
    }
}
