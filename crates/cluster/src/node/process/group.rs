//! The process group of a container: signals, memory, processor time.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rustix::process::{
    Pid, Signal as Number, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::super::proc;
use super::super::runtime::Signal;
use super::lock;
use super::quota::{Quota, Turn};
use crate::runtime::Usage;

/// Over how long the rate of processor time is taken, so that one busy second is not yet a trend.
const RATE_WINDOW: Duration = Duration::from_secs(5);

/// A process group, named by the pid of its leader.
pub(super) struct Group {
    pid: Pid,
    /// How many cores one CPU is worth.
    cpu_factor: f64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The leader was collected: the pid is no longer ours to signal.
    ended: bool,
    /// Members beside the leader, with processor seconds as last seen.
    members: BTreeMap<i32, f64>,
    /// Of members that are gone.
    past_cpu: f64,
    usage: Usage,
    /// When processor time was counted, and how much: over the last [`RATE_WINDOW`].
    counted: VecDeque<(Instant, f64)>,
    /// Somebody stopped it; the quota does not continue it then.
    frozen: bool,
    quota: Option<Quota>,
    /// Processor time of each member when the quota was last looked at.
    booked: BTreeMap<i32, Duration>,
}

impl Group {
    pub(super) fn new(pid: Pid, cpu_factor: f64) -> Self {
        Self {
            pid,
            cpu_factor,
            state: Mutex::default(),
        }
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        // Under the lock the pid cannot be given up and used again by another process.
        let mut state = lock(&self.state);
        if state.ended {
            return Ok(());
        }
        let sent = match signal {
            Signal::Terminate => {
                let sent = kill_process(self.pid, Number::TERM);
                // One that waits for its quota hears it now, not some periods later.
                if let Some(quota) = state.quota.as_mut().filter(|quota| quota.waits()) {
                    quota.let_run(Instant::now());
                    if !state.frozen {
                        self.send(Number::CONT)?;
                    }
                }
                sent
            }
            Signal::Kill => kill_process_group(self.pid, Number::KILL),
            Signal::Stop => {
                state.frozen = true;
                kill_process_group(self.pid, Number::STOP)
            }
            Signal::Continue => {
                state.frozen = false;
                if state.quota.as_ref().is_some_and(Quota::waits) {
                    return Ok(());
                }
                kill_process_group(self.pid, Number::CONT)
            }
        };
        heard(sent)
    }

    /// Holds the group to `cpus` until it has ended.
    ///
    /// Processor time is that of the leader and of the members that were found at the last count; what runs a child for
    /// each piece of work gets away with more.
    pub(super) async fn keep_to(&self, cpus: f64) -> Infallible {
        lock(&self.state).quota = Some(Quota::new(cpus * self.cpu_factor, Instant::now()));
        loop {
            match self.keep(Instant::now()) {
                Some(next) => sleep_until(next).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Stops or continues the group as its quota wants it; says when to look again.
    fn keep(&self, now: Instant) -> Option<Instant> {
        let mut state = lock(&self.state);
        if state.ended {
            return None;
        }
        let spent = self.spend(&mut state);
        let quota = state.quota.as_mut()?;
        let waited = quota.waits();
        let (turn, next) = quota.look(spent, now);
        state.usage.throttling = Some(quota.throttling());
        let sent = match (waited, turn) {
            (false, Turn::Waits) => self.send(Number::STOP),
            (true, Turn::Runs) if !state.frozen => self.send(Number::CONT),
            _ => Ok(()),
        };
        if let Err(error) = sent {
            tracing::warn!(%error, "a container could not be held to its CPU limit");
        }
        Some(next)
    }

    /// The processor time of all members since the last call.
    fn spend(&self, state: &mut State) -> Duration {
        let leader = self.pid.as_raw_nonzero().get();
        let others = state.members.keys().filter(|pid| **pid != leader);
        let now: BTreeMap<i32, Duration> = std::iter::once(&leader)
            .chain(others)
            .filter_map(|pid| Some((*pid, proc::cpu_time(*pid)?)))
            .collect();
        let spent = now
            .iter()
            .map(|(pid, time)| match state.booked.get(pid) {
                Some(before) => time.saturating_sub(*before),
                None => *time,
            })
            .sum();
        state.booked = now;
        spent
    }

    fn send(&self, signal: Number) -> io::Result<()> {
        heard(kill_process_group(self.pid, signal))
    }

    /// The leader has ended but is not collected yet, so that the number is still its own: kills what is left of the
    /// group, and gives the number up.
    pub(super) fn end(&self) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.ended, true) {
            return;
        }
        state.usage = Usage {
            cpu_seconds_total: state.usage.cpu_seconds_total,
            throttling: state.usage.throttling,
            ..Usage::default()
        };
        kill_group(self.pid);
    }

    pub(super) fn usage(&self) -> Usage {
        lock(&self.state).usage
    }

    /// Returns when the group holds more than `limit` bytes.
    pub(super) async fn exceeds(&self, limit: u64, look: Duration) {
        let leader = self.pid.as_raw_nonzero().get();
        // An open file keeps to its process, whoever gets the pid later.
        let Ok(statm) = File::open(format!("/proc/{leader}/statm")) else {
            return std::future::pending().await;
        };
        let mut ticks = interval(look);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut buffer = [0; 128];
        loop {
            ticks.tick().await;
            let Ok(length) = statm.read_at(&mut buffer, 0) else {
                return std::future::pending().await;
            };
            let text = std::str::from_utf8(&buffer[..length]).unwrap_or_default();
            let own = proc::own_memory_of(text).unwrap_or(0);
            if own + self.members_memory() > limit {
                return;
            }
        }
    }

    fn members_memory(&self) -> u64 {
        let members: Vec<i32> = lock(&self.state).members.keys().copied().collect();
        let leader = self.pid.as_raw_nonzero().get();
        members
            .into_iter()
            .filter(|pid| *pid != leader)
            .filter_map(proc::own_memory)
            .sum()
    }

    fn count(&self, all: &BTreeMap<i32, proc::Stat>, now: Instant) {
        let group = self.pid.as_raw_nonzero().get();
        let present: BTreeMap<i32, f64> = all
            .iter()
            .filter(|(_, stat)| stat.group == group && !stat.dead)
            .map(|(pid, stat)| (*pid, stat.cpu_seconds))
            .collect();
        let memory_bytes = present
            .keys()
            .filter_map(|pid| proc::own_memory(*pid))
            .sum();
        let mut state = lock(&self.state);
        if state.ended {
            return;
        }
        let gone: f64 = state
            .members
            .iter()
            .filter(|(pid, _)| !present.contains_key(pid))
            .map(|(_, cpu)| cpu)
            .sum();
        state.past_cpu += gone;
        let cpu_seconds = (state.past_cpu + present.values().sum::<f64>()) / self.cpu_factor;
        while state.counted.len() > 1 && now - state.counted[0].0 > RATE_WINDOW {
            state.counted.pop_front();
        }
        let cpu_cores = match state.counted.front() {
            Some((before, seconds)) if now > *before => {
                (cpu_seconds - seconds).max(0.0) / (now - *before).as_secs_f64()
            }
            _ => 0.0,
        };
        state.counted.push_back((now, cpu_seconds));
        state.members = present;
        state.usage = Usage {
            cpu_cores,
            cpu_seconds_total: cpu_seconds,
            memory_bytes,
            throttling: state.quota.as_ref().map(Quota::throttling),
        };
    }
}

/// A group without members hears nothing, and needs not.
fn heard(sent: rustix::io::Result<()>) -> io::Result<()> {
    match sent {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Waits for the end of a child, calls `before`, and then collects the child. In this order its number cannot be
/// another's when `before` kills what is left of its group.
pub(super) async fn wait(
    child: &mut Child,
    pid: Pid,
    before: impl FnOnce(),
) -> io::Result<ExitStatus> {
    let seen = seen_to_end(pid).await;
    if let Err(error) = seen {
        // The number is given up a moment too early then.
        tracing::warn!(%error, "a child is collected before its group is killed");
        let status = child.wait().await;
        before();
        return status;
    }
    before();
    child.wait().await
}

/// Looks at each SIGCHLD whether it was this child's, and leaves the child to be collected.
async fn seen_to_end(pid: Pid) -> io::Result<()> {
    let mut children = signal(SignalKind::child())?;
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    while waitid(WaitId::Pid(pid), look)?.is_none() {
        if children.recv().await.is_none() {
            return Err(io::Error::other("no more signals"));
        }
    }
    Ok(())
}

/// SIGKILL to a group whose leader is not collected.
pub(super) fn kill_group(leader: Pid) {
    // No member is left: as good.
    let _ = kill_process_group(leader, Number::KILL);
}

/// The groups that live.
#[derive(Clone, Default)]
pub(super) struct Groups {
    all: Arc<Mutex<Vec<Weak<Group>>>>,
}

impl Groups {
    pub(super) fn add(&self, group: &Arc<Group>) {
        let mut all = lock(&self.all);
        all.retain(|known| known.strong_count() > 0);
        all.push(Arc::downgrade(group));
    }

    fn alive(&self) -> Vec<Arc<Group>> {
        lock(&self.all).iter().filter_map(Weak::upgrade).collect()
    }

    pub(super) fn kill_all(&self) {
        for group in self.alive() {
            if let Err(error) = group.signal(Signal::Kill) {
                tracing::warn!(%error, "a container could not be killed");
            }
        }
    }
}

/// Counts processor time and members of all groups again and again.
pub(super) async fn count(groups: Groups, every: Duration, cancel: CancellationToken) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while cancel.run_until_cancelled(ticks.tick()).await.is_some() {
        let alive = groups.alive();
        if alive.is_empty() {
            continue;
        }
        let counted = tokio::task::spawn_blocking(move || {
            let all = proc::all();
            let now = Instant::now();
            for group in alive {
                group.count(&all, now);
            }
        });
        if counted.await.is_err() {
            return;
        }
    }
}
