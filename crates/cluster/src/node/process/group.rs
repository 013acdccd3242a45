//! The process group of a container: signals, memory, processor time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use rustix::process::{Pid, kill_process, kill_process_group};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::super::proc;
use super::super::runtime::Signal;
use super::lock;
use crate::runtime::Usage;

/// A process group, named by the pid of its leader.
pub(super) struct Group {
    pid: Pid,
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
    counted: Option<Instant>,
}

impl Group {
    pub(super) fn new(pid: Pid) -> Self {
        Self {
            pid,
            state: Mutex::default(),
        }
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    pub(super) fn signal(&self, signal: Signal) -> io::Result<()> {
        use rustix::process::Signal as Number;
        // Under the lock the pid cannot be given up and used again by another process.
        let state = lock(&self.state);
        if state.ended {
            return Ok(());
        }
        let sent = match signal {
            Signal::Terminate => kill_process(self.pid, Number::TERM),
            Signal::Kill => kill_process_group(self.pid, Number::KILL),
            Signal::Stop => kill_process_group(self.pid, Number::STOP),
            Signal::Continue => kill_process_group(self.pid, Number::CONT),
        };
        match sent {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The leader has ended: kills what is left of the group, and gives the pid up.
    pub(super) fn end(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        state.usage = Usage {
            cpu_seconds_total: state.usage.cpu_seconds_total,
            ..Usage::default()
        };
        // The leader is collected, so the number could be another's by now; but as long as members live the
        // kernel does not give a group's number away, and without members a new process that leads a group of
        // this number would have to have been made within this moment.
        if !state.members.is_empty() {
            let _ = kill_process_group(self.pid, rustix::process::Signal::KILL);
        }
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
        let memory_bytes = present.keys().filter_map(|pid| proc::own_memory(*pid)).sum();
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
        let cpu_seconds = state.past_cpu + present.values().sum::<f64>();
        let cpu_cores = match state.counted {
            Some(before) if now > before => {
                (cpu_seconds - state.usage.cpu_seconds_total).max(0.0) / (now - before).as_secs_f64()
            }
            _ => 0.0,
        };
        state.members = present;
        state.counted = Some(now);
        state.usage = Usage {
            cpu_cores,
            cpu_seconds_total: cpu_seconds,
            memory_bytes,
        };
    }
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
