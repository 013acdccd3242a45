//! Seeds from what the repository has: authored files, and the texts in its tests.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A seed larger than this holds the fuzzer up, bytes.
const LARGEST: usize = 8 << 10;

/// `path`, which is given from the root of the repository.
fn root(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}

/// The files of a folder whose names end so, in the order of their names.
pub(crate) fn files(folder: &str, end: &str) -> Vec<String> {
    let entries = fs::read_dir(root(folder)).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(end));
    paths.sort();
    let texts = paths.iter().flat_map(fs::read_to_string);
    texts.filter(|text| text.len() <= LARGEST).collect()
}

/// One file; empty where it is not there.
pub(crate) fn file(path: &str) -> String {
    fs::read_to_string(root(path)).unwrap_or_default()
}

/// The text literals of a file of Rust for which `like` holds, each once.
pub(crate) fn literals(path: &str, like: fn(&str) -> bool) -> Vec<String> {
    let text = file(path);
    let mut found: Vec<String> = Vec::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find('"') {
        let hashes = rest[..at].len() - rest[..at].trim_end_matches('#').len();
        let raw = rest[..at - hashes].ends_with('r');
        let end = format!("\"{}", "#".repeat(hashes));
        let behind = &rest[at + 1..];
        let (literal, length) = if raw {
            let length = behind.find(&end).unwrap_or(behind.len());
            (behind[..length].to_owned(), length)
        } else {
            cooked(behind)
        };
        rest = behind.get(length + 1..).unwrap_or_default();
        if like(&literal) && !found.contains(&literal) {
            found.push(literal);
        }
    }
    found
}

/// A literal with escapes as what it means, and its length as written.
fn cooked(text: &str) -> (String, usize) {
    let mut out = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (out, at),
            '\\' => match letters.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, 't')) => out.push('\t'),
                Some((_, 'r')) => out.push('\r'),
                Some((_, '0')) => out.push('\0'),
                Some((_, other @ ('"' | '\\' | '\''))) => out.push(other),
                // Other escapes and line ends are of no use to a seed.
                _ => {}
            },
            other => out.push(other),
        }
    }
    (out, text.len())
}

/// The queries of dashboards.
pub(crate) fn queries() -> Vec<String> {
    let mut found = Vec::new();
    for text in files_of_any_size("dashboards", ".json") {
        let document = serde_json::from_str(&text).unwrap_or(Value::Null);
        gather(&document, &mut found);
    }
    found
}

fn files_of_any_size(folder: &str, end: &str) -> Vec<String> {
    let entries = fs::read_dir(root(folder)).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let named = paths.filter(|path| path.to_string_lossy().ends_with(end));
    named.flat_map(fs::read_to_string).collect()
}

fn gather(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| gather(item, found)),
        Value::Object(map) => {
            for (key, value) in map {
                match value.as_str() {
                    Some(query) if matches!(key.as_str(), "expr" | "query") => {
                        if !found.iter().any(|known| known == query) {
                            found.push(query.to_owned());
                        }
                    }
                    _ => gather(value, found),
                }
            }
        }
        _ => {}
    }
}

/// The expressions of rule files that stand on one line.
pub(crate) fn expressions() -> Vec<String> {
    let files = files_of_any_size("alerts", ".yaml");
    let lines = files.iter().flat_map(|text| text.lines());
    let named = lines.filter_map(|line| line.trim().strip_prefix("expr: "));
    let whole = named.filter(|text| !matches!(*text, "|" | ">" | "|-" | ">-"));
    whole.map(str::to_owned).collect()
}

/// The same as bytes.
pub(crate) fn bytes(texts: impl IntoIterator<Item = String>) -> Vec<Vec<u8>> {
    texts.into_iter().map(String::into_bytes).collect()
}

/// Each text behind a byte that chooses how it is read.
pub(crate) fn chosen(choice: u8, texts: impl IntoIterator<Item = String>) -> Vec<Vec<u8>> {
    let with = |text: String| [&[choice], text.as_bytes()].concat();
    texts.into_iter().map(with).collect()
}
