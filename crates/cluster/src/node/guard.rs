//! How containers die with the lab, whatever becomes of it.
//!
//! Two modes of the lab's own binary, behind one hidden subcommand:
//!
//! * `exec <parent> -- program args`: asks the kernel for SIGKILL when the thread that started it ends
//!   (PR_SET_PDEATHSIG), makes sure that its parent is still the lab, and becomes the program.
//! * `reap`: one per lab. It is told the process groups that live; when the lab is gone (end of its input) it
//!   kills them, so that the children of containers go too.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::BufRead;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Pid, Signal, getppid, kill_process_group, set_parent_process_death_signal};

/// Why a guard gave up. Its process ends with 125 then.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The arguments are not those of a guard.
    #[error("usage: guard exec <parent pid> -- <program> [arguments] | guard reap")]
    Usage,
    /// The lab ended before its container began.
    #[error("the parent {0} is gone; the container is not started")]
    Orphan(u32),
    /// The kernel refused the death signal.
    #[error("cannot ask for a signal at the parent's death: {0}")]
    DeathSignal(rustix::io::Errno),
    /// The program could not be executed.
    #[error("exec: {program:?}: {source}")]
    Exec {
        /// The program.
        program: OsString,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The hidden subcommand: `args` is all that follows it. Returns when a reaper
/// has done its work, or with an error; as `exec` it never returns.
///
/// # Errors
/// See [`GuardError`]; the caller prints it and exits with 125.
pub fn main(args: impl IntoIterator<Item = OsString>) -> Result<(), GuardError> {
    let mut args = args.into_iter();
    let mode = args.next().ok_or(GuardError::Usage)?;
    if mode == "reap" {
        reap(std::io::stdin().lock());
        return Ok(());
    }
    let parent = args
        .next()
        .and_then(|pid| pid.to_str()?.parse().ok())
        .filter(|_| mode == "exec")
        .ok_or(GuardError::Usage)?;
    if args.next().is_none_or(|dashes| dashes != "--") {
        return Err(GuardError::Usage);
    }
    let program = args.next().ok_or(GuardError::Usage)?;
    match run(parent, program, args.collect()) {
        Ok(never) => match never {},
        Err(error) => Err(error),
    }
}

/// Becomes `program`, which will be killed when the thread that started this
/// process ends. The process must be the child of `parent`.
///
/// # Errors
/// [`GuardError::Orphan`] when the parent is gone already, and what the system refuses.
pub fn run(parent: u32, program: OsString, args: Vec<OsString>) -> Result<Infallible, GuardError> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(GuardError::DeathSignal)?;
    // The parent may have died before the request above was made.
    let present = getppid().map(|pid| pid.as_raw_nonzero().get());
    if present != i32::try_from(parent).ok() {
        return Err(GuardError::Orphan(parent));
    }
    let source = Command::new(&program).args(args).exec();
    Err(GuardError::Exec { program, source })
}

/// Reads `+<group>` and `-<group>` lines until the end of `input`, then kills the
/// groups that are left. The end comes when the lab closes the pipe or dies.
pub fn reap(input: impl BufRead) {
    let mut groups = Vec::new();
    for line in input.lines() {
        let Ok(line) = line else { break };
        note(&mut groups, &line);
    }
    for group in groups {
        if let Some(pid) = Pid::from_raw(group) {
            // It may be gone; nobody is left to be told.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

/// One line to a reaper.
fn note(groups: &mut Vec<i32>, line: &str) {
    let Some((sign, Ok(group))) = line
        .split_at_checked(1)
        .map(|(sign, group)| (sign, group.parse::<i32>()))
    else {
        return;
    };
    // Groups 0 and 1 would mean everybody.
    if group <= 1 {
        return;
    }
    groups.retain(|known| *known != group);
    if sign == "+" {
        groups.push(group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reaper_knows_the_groups_that_live() {
        let mut groups = Vec::new();
        for line in [
            "+20", "+30", "-20", "+40", "+40", "+1", "+0", "+-5", "x", "", "é",
        ] {
            note(&mut groups, line);
        }
        assert_eq!(groups, [30, 40]);
    }

    #[test]
    fn wrong_arguments_are_refused_before_anything_is_done() {
        for args in [
            &[][..],
            &["exec"],
            &["exec", "x", "--", "true"],
            &["exec", "1", "true"],
            &["exec", "1", "--"],
            &["walk", "1", "--", "true"],
        ] {
            let args = args.iter().map(OsString::from);
            assert!(matches!(main(args), Err(GuardError::Usage)));
        }
    }
}
