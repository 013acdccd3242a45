//! What the lab leaves on the responder's own machine: the files of its state
//! directory, and the environment and arguments of the processes it runs.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{Leak, Words, failed};
use crate::error::LabError;

/// Files that are the lab's alone: its access to the cluster, and what it has
/// to undo after `kill -9`. Nobody else may read them.
const OF_THE_LAB: [&str; 2] = ["kubeconfig-lab", "injections.jsonl"];
/// Larger files are data of stores, not words.
const MOST: u64 = 4 << 20;

/// Searches the state directory in which `kubeconfig` stands, and the
/// processes that were started from it.
pub(crate) fn in_files(kubeconfig: &Path, words: &Words) -> Result<Vec<Leak>, LabError> {
    let mut leaks = Vec::new();
    if let Some(folder) = kubeconfig.parent() {
        files(folder, folder, words, &mut leaks)?;
        processes(folder, words, &mut leaks)?;
    }
    Ok(leaks)
}

fn files(root: &Path, folder: &Path, words: &Words, leaks: &mut Vec<Leak>) -> Result<(), LabError> {
    for entry in std::fs::read_dir(folder).map_err(|error| failed(&error))? {
        let path = entry.map_err(|error| failed(&error))?.path();
        let shown = path.strip_prefix(root).unwrap_or(&path);
        let place = format!("file {}", shown.display());
        // A file that goes away meanwhile shows nothing.
        let Ok(meta) = path.symlink_metadata() else {
            continue;
        };
        if meta.is_dir() {
            files(root, &path, words, leaks)?;
        } else if OF_THE_LAB.iter().any(|name| shown == Path::new(name)) {
            if meta.permissions().mode() & 0o077 != 0 {
                leaks.push(Leak {
                    word: "a file of the lab".to_owned(),
                    place,
                    text: "others than its owner may read it".to_owned(),
                });
            }
        } else if meta.is_file() && meta.len() <= MOST {
            words.search(&place, &shown.to_string_lossy(), leaks);
            let text = std::fs::read(&path).unwrap_or_default();
            lines(&place, &text, b'\n', words, leaks);
        }
    }
    Ok(())
}

/// The environment and arguments of processes that have `folder` in theirs.
fn processes(folder: &Path, words: &Words, leaks: &mut Vec<Leak>) -> Result<(), LabError> {
    let mark = folder.to_string_lossy().into_owned();
    for entry in std::fs::read_dir("/proc").map_err(|error| failed(&error))? {
        let path = entry.map_err(|error| failed(&error))?.path();
        let own = path.ends_with(std::process::id().to_string());
        let environ = std::fs::read(path.join("environ")).unwrap_or_default();
        if own || !String::from_utf8_lossy(&environ).contains(&mark) {
            continue;
        }
        let args = std::fs::read(path.join("cmdline")).unwrap_or_default();
        let program = String::from_utf8_lossy(&args).replace('\0', " ");
        let place = |what: &str| format!("{what} of `{}`", program.trim());
        lines(&place("environment"), &environ, 0, words, leaks);
        lines(&place("arguments"), &args, 0, words, leaks);
    }
    Ok(())
}

fn lines(place: &str, bytes: &[u8], end: u8, words: &Words, leaks: &mut Vec<Leak>) {
    for line in bytes.split(|byte| *byte == end) {
        let text = String::from_utf8_lossy(line).into_owned();
        words.search_json(place, &serde_json::Value::String(text), leaks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_searched_and_those_of_the_lab_must_be_closed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("node")).expect("made");
        for (name, text, mode) in [
            ("kubeconfig-responder", "token: abc", 0o600),
            ("injections.jsonl", "{\"kind\":\"hang\"}", 0o644),
            ("kubeconfig-lab", "k3y", 0o600),
            ("node/container.log", "{\"msg\":\"blackhole\"}\nfine", 0o644),
        ] {
            std::fs::write(path(name), text).expect("written");
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(path(name), mode).expect("set");
        }
        let words = Words::new(["blackhole", "hang"].into_iter(), [].into_iter(), "k3y");
        let mut leaks = in_files(&path("kubeconfig-responder"), &words).expect("read");
        leaks.sort();
        let found: Vec<(&str, &str)> = leaks
            .iter()
            .map(|leak| (leak.word.as_str(), leak.place.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("a file of the lab", "file injections.jsonl"),
                ("blackhole", "file node/container.log.msg"),
            ]
        );
    }
}
