//! The lab's side of the reaper: a process that kills the groups of a lab that is gone.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

use rustix::process::Pid;

use super::lock;

pub(super) struct Reaper {
    process: Mutex<Option<(Child, ChildStdin)>>,
}

impl Reaper {
    /// Starts `guard reap` in a group of its own, so that a Ctrl-C at the terminal does not end it.
    pub(super) fn start((program, args): &(PathBuf, Vec<String>)) -> io::Result<Self> {
        let mut child = Command::new(program)
            .args(args)
            .arg("reap")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let stdin = child
            .stdin
            .take()
            .ok_or_else(|| io::Error::other("the reaper has no input"))?;
        Ok(Self {
            process: Mutex::new(Some((child, stdin))),
        })
    }

    pub(super) fn add(&self, group: Pid) {
        self.tell('+', group);
    }

    pub(super) fn remove(&self, group: Pid) {
        self.tell('-', group);
    }

    fn tell(&self, sign: char, group: Pid) {
        let group = group.as_raw_nonzero();
        if let Some((_, stdin)) = &mut *lock(&self.process)
            && let Err(error) = writeln!(stdin, "{sign}{group}")
        {
            tracing::warn!(%error, "the reaper does not listen; containers may outlive a killed lab");
        }
    }

    /// Closes its input and waits for its end, which is at once.
    pub(super) fn stop(&self) {
        if let Some((mut child, stdin)) = lock(&self.process).take() {
            drop(stdin);
            if let Err(error) = child.wait() {
                tracing::warn!(%error, "the reaper's end was not seen");
            }
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.stop();
    }
}
