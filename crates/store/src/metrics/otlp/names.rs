//! Names of OTLP metrics and attributes in Prometheus' character set, with suffixes for
//! units and types.

/// What decides a metric's suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Gets `_ratio` when its unit is `1`.
    Gauge,
    /// Gets `_total`.
    Counter,
    Other,
}

const UNITS: [(&str, &str); 30] = [
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("B", "bytes"),
    ("KB", "kilobytes"),
    ("MB", "megabytes"),
    ("GB", "gigabytes"),
    ("TB", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
];

const PER_UNITS: [(&str, &str); 7] = [
    ("s", "second"),
    ("m", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// The full name of a metric.
pub(super) fn metric_name(name: &str, unit: &str, kind: Kind) -> String {
    let mut tokens = split(name);
    let (main, per) = units(unit);
    if !main.is_empty() && !tokens.contains(&main) {
        tokens.push(main);
    }
    if !per.is_empty() && !tokens.contains(&per) {
        tokens.push("per".to_owned());
        tokens.push(per);
    }
    let last = match kind {
        Kind::Counter => Some("total"),
        Kind::Gauge if unit.trim() == "1" => Some("ratio"),
        Kind::Gauge | Kind::Other => None,
    };
    if let Some(last) = last {
        tokens.retain(|t| t != last);
        tokens.push(last.to_owned());
    }
    let name = tokens.join("_");
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("_{name}");
    }
    name
}

/// The unit as metadata shows it: its words, without the type's suffix.
pub(super) fn unit_word(unit: &str) -> String {
    let (main, per) = units(unit);
    match (main.as_str(), per.as_str()) {
        (_, "") => main,
        ("", _) => format!("per_{per}"),
        _ => format!("{main}_per_{per}"),
    }
}

fn split(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == ':'))
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The words for `unit` and for what comes after its slash; annotations in braces say nothing.
fn units(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    let word = |part: &str, known: &[(&str, &str)]| {
        let part = part.trim();
        if part.is_empty() || part.contains(['{', '}']) || part == "1" {
            return String::new();
        }
        let found = known.iter().find(|(u, _)| *u == part);
        found.map_or_else(|| split(part).join("_"), |(_, w)| (*w).to_owned())
    };
    (word(main, &UNITS), word(per, &PER_UNITS))
}

/// A label's name for an attribute's.
pub(super) fn label_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.ends_with('_') || c == '_' {
            out.push('_');
        }
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("key_{out}");
    }
    if out.starts_with('_') && !out.starts_with("__") {
        return format!("key{out}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_the_suffixes_of_unit_and_type() {
        for (name, unit, kind, want) in [
            (
                "http.server.requests",
                "{request}",
                Kind::Counter,
                "http_server_requests_total",
            ),
            (
                "http.server.request.duration",
                "s",
                Kind::Other,
                "http_server_request_duration_seconds",
            ),
            (
                "process.cpu.time",
                "s",
                Kind::Counter,
                "process_cpu_time_seconds_total",
            ),
            (
                "db.client.utilization",
                "1",
                Kind::Gauge,
                "db_client_utilization_ratio",
            ),
            ("cache.hit.percent", "%", Kind::Gauge, "cache_hit_percent"),
            (
                "ml/model.train-runs",
                "{run}",
                Kind::Counter,
                "ml_model_train_runs_total",
            ),
            ("disk.io", "By/s", Kind::Gauge, "disk_io_bytes_per_second"),
        ] {
            assert_eq!(metric_name(name, unit, kind), want);
        }
        for (name, want) in [
            ("http.route", "http_route"),
            ("1st", "key_1st"),
            ("model type", "model_type"),
        ] {
            assert_eq!(label_name(name), want);
        }
    }
}
