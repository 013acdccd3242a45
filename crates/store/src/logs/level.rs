//! What Loki finds out about a line or a stream by itself: `detected_level` and `service_name`.
//!
//! Source: <https://grafana.com/docs/loki/latest/get-started/labels/#default-labels-for-all-users>.

use std::borrow::Cow;

use super::jsonscan::{self, Value};
use super::labels::Labels;
use super::pipeline::Logfmt;
use super::storage::Entry;

/// Where the level of an entry is kept.
const LEVEL: &str = "detected_level";

/// Names that hold a level, in the order in which they are looked at (`log_level_fields`).
pub(crate) const LEVEL_NAMES: [&str; 14] = [
    "level",
    "LEVEL",
    "Level",
    "log.level",
    "severity",
    "SEVERITY",
    "Severity",
    "SeverityText",
    "lvl",
    "LVL",
    "Lvl",
    "severity_text",
    "Severity_Text",
    "SEVERITY_TEXT",
];

/// How deep a level is looked for in JSON (`log_level_from_json_max_depth`).
const MAX_DEPTH: usize = 2;

/// Names that give a service its name, in the order in which they are looked at
/// (`discover_service_name`).
pub(crate) const SERVICE_NAMES: [&str; 14] = [
    "service",
    "app",
    "application",
    "app_name",
    "name",
    "app_kubernetes_io_name",
    "container",
    "container_name",
    "k8s_container_name",
    "component",
    "workload",
    "job",
    "k8s_job_name",
    "k8s_deployment_name",
];

/// The value of `service_name` for a stream that has none.
pub(crate) fn service_name(labels: &Labels) -> String {
    SERVICE_NAMES
        .iter()
        .find_map(|name| labels.get(name))
        .unwrap_or("unknown_service")
        .to_owned()
}

/// Adds its level to an entry, or puts the one that it has into Loki's words; sorts its
/// metadata.
pub(crate) fn add(labels: &Labels, entry: &mut Entry) {
    match entry.metadata.iter_mut().find(|(name, _)| name == LEVEL) {
        Some((_, value)) => {
            if let Some(level) = normal(value) {
                level.clone_into(value);
            }
        }
        None => {
            let level = detect(labels, &entry.metadata, &entry.line).into_owned();
            entry.metadata.push((LEVEL.to_owned(), level));
        }
    }
    entry.metadata.sort();
}

/// The level of a line: from its stream's labels, its structured metadata, its own fields, or
/// words in it; `unknown` if none says. What a label or metadata says stays as it is when it
/// is no level that Loki knows.
fn detect<'a>(labels: &'a Labels, metadata: &'a [(String, String)], line: &str) -> Cow<'a, str> {
    let of_metadata = |name: &&str| {
        metadata
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let said = LEVEL_NAMES
        .iter()
        .find_map(|name| labels.get(name))
        .or_else(|| LEVEL_NAMES.iter().find_map(of_metadata));
    if let Some(said) = said {
        return Cow::Borrowed(normal(said).unwrap_or(said));
    }
    Cow::Borrowed(match of_metadata(&"severity_number") {
        Some(number) => number.parse().map_or("info", of_number),
        None => of_line(line),
    })
}

/// The level of an OTLP severity number.
/// Source: <https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber>.
const fn of_number(number: i32) -> &'static str {
    match number {
        0 => "unknown",
        ..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => "unknown",
    }
}

fn normal(value: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 14] = [
        ("trace", "trace"),
        ("trc", "trace"),
        ("debug", "debug"),
        ("dbg", "debug"),
        ("info", "info"),
        ("inf", "info"),
        ("information", "info"),
        ("warn", "warn"),
        ("wrn", "warn"),
        ("warning", "warn"),
        ("error", "error"),
        ("err", "error"),
        ("critical", "critical"),
        ("fatal", "fatal"),
    ];
    WORDS
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(value))
        .map(|(_, level)| *level)
}

fn of_line(line: &str) -> &'static str {
    let trimmed = line.trim();
    let value = if trimmed.starts_with('{') && trimmed.ends_with('}') {
        of_json(trimmed, 0)
    } else if line.contains('=') {
        of_logfmt(line)
    } else {
        None
    };
    value
        .as_deref()
        .and_then(normal)
        .unwrap_or_else(|| of_words(line))
}

/// The first text under a name that holds a level, as far as the JSON can be read.
fn of_json(text: &str, depth: usize) -> Option<Cow<'_, str>> {
    let mut found = None;
    if depth < MAX_DEPTH {
        // What stands before a break counts.
        let _ = jsonscan::object(text, &mut |key, value| {
            match value {
                Value::Text(text) if LEVEL_NAMES.contains(&key) => found = Some(text.into()),
                Value::Object(inner) => found = of_json(inner, depth + 1),
                _ => {}
            }
            Ok(found.is_none())
        });
    }
    found
}

/// The value of the foremost name that holds a level.
fn of_logfmt(line: &str) -> Option<Cow<'_, str>> {
    let mut best: Option<(usize, Cow<'_, str>)> = None;
    let mut pairs = Logfmt::new(line);
    while let Some(Ok((key, value))) = pairs.pair() {
        let rank = LEVEL_NAMES
            .iter()
            .position(|name| name.eq_ignore_ascii_case(key));
        if let Some(rank) = rank
            && best.as_ref().is_none_or(|(known, _)| rank < *known)
        {
            best = Some((rank, value));
            if rank == 0 {
                break;
            }
        }
    }
    best.map(|(_, value)| value)
}

/// Looks for words that name a level, the gravest kinds of question first; only the first
/// place of each word counts, and only if it stands alone.
fn of_words(line: &str) -> &'static str {
    const WORDS: [(&str, &str); 9] = [
        ("trace", "trace"),
        ("debug", "debug"),
        ("fatal", "fatal"),
        ("critical", "critical"),
        ("error", "error"),
        ("err", "error"),
        ("warning", "warn"),
        ("warn", "warn"),
        ("info", "info"),
    ];
    let lower = line.to_lowercase();
    // Loki looks at bytes as if each were a character.
    let joins = |byte: Option<&u8>| {
        byte.map(|b| char::from(*b))
            .is_some_and(|c| c.is_alphabetic() || c.is_ascii_digit() || c == '_')
    };
    let alone = |word: &str| {
        memchr::memmem::find(lower.as_bytes(), word.as_bytes()).is_some_and(|at| {
            let bytes = lower.as_bytes();
            let before = at.checked_sub(1).and_then(|at| bytes.get(at));
            !joins(before) && !joins(bytes.get(at + word.len()))
        })
    };
    WORDS
        .iter()
        .find(|(word, _)| alone(word))
        .map_or("unknown", |(_, level)| level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_found_in_labels_metadata_fields_or_words() {
        let meta = |k: &str, v: &str| vec![(k.to_owned(), v.to_owned())];
        let plain = |line| (Labels::default(), vec![], line);
        for ((labels, metadata, line), level) in [
            (
                (Labels::default(), meta("severity_number", "17"), "x"),
                "error",
            ),
            ((Labels::default(), meta("level", "WARNING"), "x"), "warn"),
            ((Labels::default(), meta("level", "notice"), "x"), "notice"),
            (
                (
                    Labels::from([("level", "debug")]),
                    meta("level", "error"),
                    "x",
                ),
                "debug",
            ),
            (plain(r#"{"level":"info","a":1}"#), "info"),
            (plain(r#"{"a":{"lvl":"err"},"level":"info"}"#), "error"),
            (plain(r#"{"a":{"lvl":"wrn"},"x":1}"#), "warn"),
            (plain(r#"{"a":{"b":{"lvl":"wrn"}},"x":1}"#), "unknown"),
            (plain(r#"{"level":"info","a":"#), "info"),
            (plain("a=b level=error"), "error"),
            (plain("a=b LVL=wrn severity=fatal"), "fatal"),
            (plain("a=b no level but an error"), "error"),
            (plain("ERROR: no"), "error"),
            (plain("errors of the information"), "unknown"),
            (plain("terror, error"), "unknown"),
            (plain("[info] but a warning: debug"), "debug"),
            (plain("not json at all"), "unknown"),
        ] {
            assert_eq!(detect(&labels, &metadata, line), level, "{line}");
        }
    }
}
