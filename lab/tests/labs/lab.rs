//! Runs the real program, and looks at what it leaves.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Whole labs are run two at a time: each has a shop's worth of processes.
static SEATS: Mutex<u8> = Mutex::new(2);
static SEAT_FREED: Condvar = Condvar::new();

/// The right to run that many labs.
struct Seats(u8);

impl Seats {
    fn take(count: u8) -> Self {
        let free = SEATS.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = SEAT_FREED
            .wait_while(free, |free| *free < count)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= count;
        Self(count)
    }
}

impl Drop for Seats {
    fn drop(&mut self) {
        *SEATS.lock().unwrap_or_else(PoisonError::into_inner) += self.0;
        SEAT_FREED.notify_all();
    }
}

/// A place for labs, and seats for them.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    _seats: Seats,
}

impl Place {
    /// For one lab; waits for a seat.
    pub(crate) fn take() -> Self {
        Self::for_labs(1)
    }

    /// For `count` labs side by side; waits until there are seats for all of them.
    pub(crate) fn for_labs(count: u8) -> Self {
        let seats = Seats::take(count);
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            _seats: seats,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, told to keep everything in this place.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shoplab"));
        command
            .args(args)
            .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
            .env("XDG_STATE_HOME", self.folder.path().join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the program runs")
    }

    /// Starts the program.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.command(args).spawn().expect("the program starts")
    }

    /// Whether any process was started from this place: containers have its
    /// state folder in their environment or as their working folder.
    pub(crate) fn processes(&self) -> Vec<String> {
        let mark = self.folder.path().to_string_lossy().into_owned();
        let mut found = Vec::new();
        for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.parse::<u32>().is_err() || name == std::process::id().to_string() {
                continue;
            }
            let read = |file: &str| std::fs::read(entry.path().join(file)).unwrap_or_default();
            let environ = String::from_utf8_lossy(&read("environ")).into_owned();
            let cwd = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default();
            if environ.contains(&mark) || cwd.starts_with(&mark) {
                let line = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
                if !line.is_empty() {
                    found.push(format!("{name}: {line}"));
                }
            }
        }
        found
    }

    /// Waits until no process of this place is left.
    pub(crate) fn wait_until_empty(&self, within: Duration) {
        wait_until(within, || {
            let left = self.processes();
            if left.is_empty() {
                Ok(())
            } else {
                Err(format!("still there: {left:#?}"))
            }
        });
    }
}

/// Waits until `check` is content; fails with its last word.
pub(crate) fn wait_until<T>(within: Duration, mut check: impl FnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match check() {
            Ok(value) => return value,
            Err(why) if began.elapsed() > within => panic!("not within {within:?}: {why}"),
            Err(_) => std::thread::park_timeout(Duration::from_millis(50)),
        }
    }
}

/// Sends a signal.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(sent.success());
}

/// What a program said.
pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}
