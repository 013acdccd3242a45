//! The engine: libFuzzer with the target that `--target=NAME` chooses.
//!
//! `--list` tells the targets; `--target=NAME --prepare=FOLDER` writes its seeds into that folder, and its dictionary
//! beside it. All else is read by libFuzzer (`-help=1`), which ignores what begins with two dashes.

#![no_main]

use std::io::{self, Write};
use std::path::Path;
use std::process::exit;
use std::sync::OnceLock;

use fuzz::{TARGETS, Target};

static CHOSEN: OnceLock<&Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: init(), |bytes: &[u8]| {
    if let Some(target) = CHOSEN.get() {
        (target.run)(bytes);
    }
});

fn init() {
    match prepared() {
        Ok(Some(target)) => drop(CHOSEN.set(target)),
        Ok(None) => exit(0),
        Err(error) => {
            // Nobody is left to tell where standard error is closed.
            let _ = writeln!(io::stderr(), "{error}");
            exit(2);
        }
    }
}

/// The target that is to be run; nothing where all was done that was asked for.
fn prepared() -> io::Result<Option<&'static Target>> {
    let argument =
        |name: &str| std::env::args().find_map(|arg| Some(arg.strip_prefix(name)?.to_owned()));
    if argument("--list").is_some() {
        let mut out = io::stdout().lock();
        for target in TARGETS {
            writeln!(out, "{}", target.name)?;
        }
        return Ok(None);
    }
    let name = argument("--target=").unwrap_or_default();
    let target = fuzz::target(&name)
        .ok_or_else(|| io::Error::other(format!("there is no target `{name}`: see --list")))?;
    let Some(folder) = argument("--prepare=") else {
        return Ok(Some(target));
    };
    prepare(target, Path::new(&folder))?;
    Ok(None)
}

fn prepare(target: &Target, folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (n, seed) in (target.seeds)().iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{n:03}")), seed)?;
    }
    // libFuzzer refuses an empty file.
    let mut dictionary = "# Words of the language.\n".to_owned();
    for word in target.words {
        dictionary.push('"');
        for byte in word.bytes() {
            dictionary.push_str(&format!("\\x{byte:02x}"));
        }
        dictionary.push_str("\"\n");
    }
    std::fs::write(folder.with_extension("dict"), dictionary)
}
