//! What Loki finds out about a line or a stream by itself: `detected_level` and `service_name`.
//!
//! Source: <https://grafana.com/docs/loki/latest/get-started/labels/#default-labels-for-all-users>.

use super::labels::Labels;

/// Names that hold a level, in the order in which they are looked at.
const LEVEL_NAMES: [&str; 12] = [
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
];

/// Names that give a service its name, in the order in which they are looked at.
const SERVICE_NAMES: [&str; 14] = [
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

/// The level of a line: from its structured metadata, its stream's labels, its own fields, or
/// words in it; `unknown` if none says.
pub(crate) fn detect(labels: &Labels, metadata: &[(String, String)], line: &str) -> &'static str {
    let named = |name: &&str| {
        metadata
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    if let Some(number) = named(&"severity_number").and_then(|n| n.parse::<i32>().ok()) {
        return of_number(number);
    }
    if let Some(value) = LEVEL_NAMES.iter().find_map(named) {
        return normal(value).unwrap_or("unknown");
    }
    if let Some(value) = LEVEL_NAMES.iter().find_map(|name| labels.get(name)) {
        return normal(value).unwrap_or("unknown");
    }
    of_line(line)
}

/// The level of an OTLP severity number.
/// Source: <https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber>.
fn of_number(number: i32) -> &'static str {
    match number {
        1..=4 => "trace",
        5..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warn",
        17..=20 => "error",
        21..=24 => "fatal",
        _ => "unknown",
    }
}

fn normal(value: &str) -> Option<&'static str> {
    Some(match value.to_ascii_lowercase().as_str() {
        "trace" | "trc" => "trace",
        "debug" | "dbg" => "debug",
        "info" | "inf" | "information" => "info",
        "warn" | "wrn" | "warning" => "warn",
        "error" | "err" => "error",
        "critical" => "critical",
        "fatal" => "fatal",
        _ => return None,
    })
}

fn of_line(line: &str) -> &'static str {
    let trimmed = line.trim_start();
    let value = if trimmed.starts_with('{') {
        json_level(trimmed)
    } else if trimmed.contains('=') {
        logfmt_level(trimmed)
    } else {
        None
    };
    if let Some(level) = value.and_then(normal) {
        return level;
    }
    of_words(line)
}

/// The value of the first key that names a level; works on broken JSON too.
fn json_level(line: &str) -> Option<&str> {
    LEVEL_NAMES.iter().find_map(|name| {
        let key = format!("\"{name}\"");
        let after = &line[line.find(&key)? + key.len()..];
        let value = after
            .trim_start()
            .strip_prefix(':')?
            .trim_start()
            .strip_prefix('"')?;
        value.find('"').map(|end| &value[..end])
    })
}

fn logfmt_level(line: &str) -> Option<&str> {
    LEVEL_NAMES.iter().find_map(|name| {
        line.split_whitespace().find_map(|word| {
            word.strip_prefix(name)?
                .strip_prefix('=')
                .map(|value| value.trim_matches('"'))
        })
    })
}

/// Looks for the first word that names a level.
fn of_words(line: &str) -> &'static str {
    const WORDS: [(&str, &str); 10] = [
        ("err:", "error"),
        ("error", "error"),
        ("warn:", "warn"),
        ("warning", "warn"),
        ("warn", "warn"),
        ("critical", "critical"),
        ("debug", "debug"),
        ("info", "info"),
        ("trace:", "trace"),
        ("fatal", "fatal"),
    ];
    for word in line.split(|c: char| c.is_whitespace() || "[](){}<>|,;=\"'\\".contains(c)) {
        let lower = word.to_ascii_lowercase();
        for (text, level) in WORDS {
            if lower == text || lower.strip_suffix(':') == Some(text) {
                return level;
            }
        }
    }
    "unknown"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_found_in_metadata_labels_fields_or_words() {
        let meta = |k: &str, v: &str| vec![(k.to_owned(), v.to_owned())];
        for (labels, metadata, line, level) in [
            (
                Labels::default(),
                meta("severity_number", "17"),
                "x",
                "error",
            ),
            (Labels::default(), meta("level", "WARNING"), "x", "warn"),
            (Labels::from([("level", "debug")]), vec![], "x", "debug"),
            (Labels::default(), vec![], r#"{"level":"info","a":"#, "info"),
            (Labels::default(), vec![], "a=b level=error", "error"),
            (Labels::default(), vec![], "ERROR: no", "error"),
            (Labels::default(), vec![], "not json at all", "unknown"),
        ] {
            assert_eq!(detect(&labels, &metadata, line), level, "{line}");
        }
    }
}
