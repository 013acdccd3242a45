//! What the lab itself has to say besides its results: warnings, and with
//! `RUST_LOG` more.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::OnceLock;

use tracing_subscriber::EnvFilter;

use crate::platform::StateDir;

/// Says it on standard error, or, where that is a terminal on which something
/// is drawn, in `shoplab.log` at the usual place of the lab's state.
pub(crate) fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(false)
        .with_ansi(false)
        // A warning that cannot be written, on a full disk say, must not end a drill.
        .log_internal_errors(false);
    // There is one subscriber only; a second one would be a mistake of a test.
    drop(if io::stderr().is_terminal() {
        subscriber.with_writer(|| Late).try_init()
    } else {
        subscriber.with_writer(io::stderr).try_init()
    });
}

/// A file that is made when the first line is written to it.
struct Late;

impl Late {
    fn file() -> Option<&'static File> {
        static FILE: OnceLock<Option<File>> = OnceLock::new();
        FILE.get_or_init(|| {
            let path = path();
            std::fs::create_dir_all(path.parent()?).ok()?;
            File::options().create(true).append(true).open(path).ok()
        })
        .as_ref()
    }
}

fn path() -> PathBuf {
    StateDir::base(None).join("shoplab.log")
}

impl Write for Late {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match Self::file() {
            Some(mut file) => file.write(line),
            // Without a place for it a warning is lost, and nothing else.
            None => Ok(line.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Self::file().map_or(Ok(()), |mut file| file.flush())
    }
}
