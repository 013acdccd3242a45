//! Problems as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange Format),
//! which code scanning of forges reads.

use std::path::Path;

use catalog::{Level, Problem, Problems, Rule};
use serde_json::{Value, json};

use crate::select;

/// What places below the present folder are relative to: the root of whatever
/// holds the authored files. Forges take it for that of the repository.
const ROOT: &str = "%SRCROOT%";

/// A log with one run.
pub(super) fn log(found: &[Problems]) -> Value {
    let rules: Vec<Value> = Rule::ALL.iter().map(|rule| described(*rule)).collect();
    let results: Vec<Value> = found.iter().flat_map(Problems::list).map(result).collect();
    json!({
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [{
            "tool": { "driver": {
                "name": "shoplab",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn described(rule: Rule) -> Value {
    json!({
        "id": rule.id(),
        "shortDescription": message(rule.meaning()),
        "defaultConfiguration": { "level": level(rule.level()) },
    })
}

fn result(problem: &Problem) -> Value {
    let text = match &problem.help {
        Some(help) => format!("{}\n{help}", problem.message),
        None => problem.message.clone(),
    };
    json!({
        "ruleId": problem.rule.id(),
        "ruleIndex": Rule::ALL.iter().position(|rule| *rule == problem.rule),
        "level": level(problem.level),
        "message": message(&text),
        "locations": [{ "physicalLocation": {
            "artifactLocation": artifact(&problem.file),
            "region": {
                "startLine": problem.line,
                "startColumn": problem.column,
                "endLine": problem.end_line,
                "endColumn": problem.end_column,
            },
        } }],
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
    }
}

/// A message's text, in which braces would stand for arguments (3.11.5).
fn message(text: &str) -> Value {
    json!({ "text": text.replace('{', "{{").replace('}', "}}") })
}

/// A file's place; only a relative one has a base (3.4.4).
fn artifact(file: &str) -> Value {
    let uri = uri(file);
    match uri.starts_with("file:") {
        true => json!({ "uri": uri }),
        false => json!({ "uri": uri, "uriBaseId": ROOT }),
    }
}

/// A file's path as a URI: relative to the present folder where it is below it.
pub(super) fn uri(file: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let path = select::normal(&here.join(file));
    let below = Path::new(&path).strip_prefix(&here);
    let mut uri = String::new();
    if below.is_err() {
        uri.push_str("file://");
    }
    let text = below.unwrap_or(Path::new(&path)).to_string_lossy();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}
