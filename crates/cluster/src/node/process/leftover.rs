//! Notes about running processes, and the leftovers that they find after a crash.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use super::super::proc;

/// One file per running process.
pub(super) struct Notes {
    dir: PathBuf,
    /// Containers start in folders below it.
    state_dir: PathBuf,
    boot: String,
}

/// What is known of a process, enough to know it again.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    pid: i32,
    /// The lab that started it.
    owner: i32,
    owner_start_ticks: u64,
    boot: String,
    start_ticks: u64,
    /// A word of its command line.
    program: String,
}

impl Notes {
    pub(super) fn open(state_dir: &Path) -> io::Result<Self> {
        let dir = state_dir.join("run");
        fs::create_dir_all(&dir)?;
        Ok(Self {
            dir,
            state_dir: state_dir.canonicalize()?,
            boot: proc::boot_id(),
        })
    }

    pub(super) fn add(&self, pid: Pid, command: &[String]) {
        let pid = pid.as_raw_nonzero().get();
        let owner = i32::try_from(std::process::id()).unwrap_or(0);
        let ticks = |pid| proc::stat(pid).map_or(0, |stat| stat.start_ticks);
        let note = Note {
            pid,
            owner,
            owner_start_ticks: ticks(owner),
            boot: self.boot.clone(),
            start_ticks: ticks(pid),
            program: command.first().cloned().unwrap_or_default(),
        };
        let written = serde_json::to_vec(&note)
            .map_err(io::Error::other)
            .and_then(|text| fs::write(self.path(pid), text));
        if let Err(error) = written {
            tracing::warn!(%error, pid, "no note of a process; it would not be found after a crash");
        }
    }

    pub(super) fn remove(&self, pid: Pid) {
        // Without the file there is nothing to take away.
        let _ = fs::remove_file(self.path(pid.as_raw_nonzero().get()));
    }

    /// Kills what an earlier lab left, where it is certain that it was that lab's and that the lab is gone.
    pub(super) fn kill_leftovers(&self) {
        let Ok(entries) = fs::read_dir(&self.dir) else {
            return;
        };
        for entry in entries.flatten() {
            let note = fs::read(entry.path())
                .ok()
                .and_then(|text| serde_json::from_slice::<Note>(&text).ok());
            if let Some(note) = &note
                && self.lab_lives(note)
            {
                continue;
            }
            if let Some(note) = note
                && note.boot == self.boot
                && note.pid > 1
            {
                self.kill_group(&note);
            }
            let _ = fs::remove_file(entry.path());
        }
    }

    fn lab_lives(&self, note: &Note) -> bool {
        note.boot == self.boot
            && proc::stat(note.owner)
                .is_some_and(|stat| !stat.dead && stat.start_ticks == note.owner_start_ticks)
    }

    /// Kills the members of a group that are certainly of the lab that is gone.
    fn kill_group(&self, note: &Note) {
        let all = proc::all();
        for (pid, stat) in all.iter().filter(|(_, stat)| stat.group == note.pid) {
            if (is_leader(note, *pid, stat) || self.is_at_home(*pid))
                && let Some(pid) = Pid::from_raw(*pid)
            {
                tracing::info!(pid = ?pid, program = note.program, "killing a leftover of an earlier lab");
                // Gone already is as good.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }

    /// Whether a process works in a folder of this lab, where nobody else has any business.
    fn is_at_home(&self, pid: i32) -> bool {
        fs::read_link(format!("/proc/{pid}/cwd"))
            .is_ok_and(|cwd| cwd.starts_with(self.state_dir.join("pods")))
    }

    fn path(&self, pid: i32) -> PathBuf {
        self.dir.join(format!("{pid}.json"))
    }
}

/// The same pid, begun at the same tick, leading its own group, with the same command.
fn is_leader(note: &Note, pid: i32, stat: &proc::Stat) -> bool {
    let program = Path::new(&note.program).file_name();
    pid == note.pid
        && stat.start_ticks == note.start_ticks
        && proc::command_line(pid)
            .iter()
            .any(|arg| Path::new(arg).file_name() == program)
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};

    use super::*;

    fn sleeper() -> (Child, Pid) {
        let child = Command::new("sleep")
            .arg("1000")
            .process_group(0)
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        // A process has no arguments yet in the first moment of its program.
        while proc::command_line(pid).is_empty() {
            std::thread::yield_now();
        }
        (child, Pid::from_raw(pid).unwrap())
    }

    fn edit(notes: &Notes, pid: Pid, change: impl FnOnce(&mut Note)) {
        let path = notes.path(pid.as_raw_nonzero().get());
        let mut note = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut note);
        fs::write(&path, serde_json::to_vec(&note).unwrap()).unwrap();
    }

    #[test]
    fn a_leftover_of_a_lab_that_is_gone_is_killed() {
        let dir = tempfile::tempdir().unwrap();
        let notes = Notes::open(dir.path()).unwrap();
        let (mut child, pid) = sleeper();
        notes.add(pid, &["sleep".into()]);
        edit(&notes, pid, |note| note.owner_start_ticks += 1);
        notes.kill_leftovers();
        assert!(!child.wait().unwrap().success());
        assert_eq!(fs::read_dir(dir.path().join("run")).unwrap().count(), 0);
    }

    #[test]
    fn what_is_not_certainly_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let notes = Notes::open(dir.path()).unwrap();
        let (mut child, pid) = sleeper();
        let cases: [fn(&mut Note); 4] = [
            |_| {},
            |note| (note.owner_start_ticks, note.start_ticks) = (0, note.start_ticks + 1),
            |note| (note.owner_start_ticks, note.program) = (0, "postgres".into()),
            |note| (note.owner_start_ticks, note.boot) = (0, "another".into()),
        ];
        for case in cases {
            notes.add(pid, &["sleep".into()]);
            edit(&notes, pid, case);
            notes.kill_leftovers();
            assert!(child.try_wait().unwrap().is_none());
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
