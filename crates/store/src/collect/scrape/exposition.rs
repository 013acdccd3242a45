//! The text formats that targets answer: Prometheus text 0.0.4
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>) and OpenMetrics 1.0
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).

use std::collections::HashMap;

use crate::metrics::Metadata;

/// A page, line by line; series stay text until somebody needs their labels.
#[derive(Debug, Default)]
pub struct Page<'a> {
    /// Its samples.
    pub samples: Vec<ScrapedSample<'a>>,
    /// Types, help texts and units by metric family.
    pub metadata: Vec<(String, Metadata)>,
}

/// One sample line.
#[derive(Debug)]
pub struct ScrapedSample<'a> {
    /// Name and labels as written.
    pub series: &'a str,
    /// The value.
    pub value: f64,
    /// Milliseconds since the epoch, when the line names a time.
    pub t: Option<i64>,
    /// Labels, value and time of its exemplar.
    pub exemplar: Option<(Pairs, f64, Option<i64>)>,
}

/// Names and values.
pub type Pairs = Vec<(String, String)>;

/// Why a page cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}: {text:?}")]
pub struct PageError {
    line: usize,
    why: &'static str,
    text: String,
}

/// The formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text, 0.0.4.
    Text,
    /// OpenMetrics.
    OpenMetrics,
}

impl Format {
    /// By the `Content-Type` of an answer.
    #[must_use]
    pub fn of(content_type: &str) -> Self {
        if content_type
            .trim_start()
            .starts_with("application/openmetrics-text")
        {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

/// Reads a page.
///
/// # Errors
/// The first line that is not in the format; the whole page counts as failed then.
pub fn parse(text: &str, format: Format) -> Result<Page<'_>, PageError> {
    let mut page = Page::default();
    let mut about: HashMap<String, Metadata> = HashMap::new();
    let mut order: Vec<String> = Vec::new();
    let mut ended = false;
    for (n, line) in text.split('\n').enumerate() {
        let failed = |why| PageError {
            line: n + 1,
            why,
            text: line.chars().take(80).collect(),
        };
        let line = line.strip_suffix('\r').unwrap_or(line);
        if ended && !line.is_empty() {
            return Err(failed("text after # EOF"));
        }
        if let Some(comment) = line.strip_prefix('#') {
            if format == Format::OpenMetrics && comment == " EOF" {
                ended = true;
                continue;
            }
            describe(comment, &mut about, &mut order);
            continue;
        }
        if line.trim().is_empty() {
            continue;
        }
        let sample = match format {
            Format::Text => sample(line.trim_start(), format),
            Format::OpenMetrics => sample(line, format),
        };
        page.samples.push(sample.map_err(failed)?);
    }
    if format == Format::OpenMetrics && !ended {
        return Err(PageError {
            line: text.lines().count(),
            why: "data does not end with # EOF",
            text: String::new(),
        });
    }
    for name in order {
        let Some(metadata) = about.remove(&name) else {
            continue;
        };
        // Whoever asks for a counter's metadata asks by the name of its samples.
        let counter = format == Format::OpenMetrics && metadata.kind == "counter";
        let name = if counter && !name.ends_with("_total") {
            format!("{name}_total")
        } else {
            name
        };
        page.metadata.push((name, metadata));
    }
    Ok(page)
}

fn describe(comment: &str, about: &mut HashMap<String, Metadata>, order: &mut Vec<String>) {
    let mut words = comment.trim_start().splitn(2, [' ', '\t']);
    let (kind, rest) = (
        words.next().unwrap_or(""),
        words.next().unwrap_or("").trim_start(),
    );
    if !matches!(kind, "HELP" | "TYPE" | "UNIT") {
        return;
    }
    let (name, text) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    let name = name.trim_matches('"');
    let entry = about.entry(name.to_owned()).or_insert_with(|| {
        order.push(name.to_owned());
        Metadata {
            kind: "unknown".to_owned(),
            help: String::new(),
            unit: String::new(),
        }
    });
    match kind {
        "HELP" => entry.help = unescape(text),
        "TYPE" => {
            entry.kind = match text.trim() {
                "untyped" => "unknown".to_owned(),
                other => other.to_owned(),
            }
        }
        _ => entry.unit = text.trim().to_owned(),
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(c @ ('\\' | '"')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            c => out.push(c),
        }
    }
    out
}

/// Where the series ends in a sample line: after its name, or after its labels.
fn series_end(line: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    let mut braces = false;
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if braces => quoted = !quoted,
            _ if quoted => {}
            '{' => braces = true,
            '}' if braces => return Some(at + 1),
            ' ' | '\t' if !braces => {
                // Blanks may stand between the name and its labels.
                let rest = line[at..].trim_start();
                if !rest.starts_with('{') {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

fn sample(line: &str, format: Format) -> Result<ScrapedSample<'_>, &'static str> {
    let end = series_end(line).ok_or("a sample without value")?;
    let (series, rest) = line.split_at(end);
    let (rest, exemplar) = match (format, rest.split_once(" # ")) {
        (Format::OpenMetrics, Some((rest, exemplar))) => (rest, Some(exemplar)),
        _ => (rest, None),
    };
    let mut words = rest.split_ascii_whitespace();
    let value = number(words.next().ok_or("a sample without value")?).ok_or("not a number")?;
    let t = words.next().map(|w| time(w, format)).transpose()?;
    if words.next().is_some() {
        return Err("text after the sample");
    }
    if series.is_empty() || series.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("not a metric name");
    }
    Ok(ScrapedSample {
        series,
        value,
        t,
        exemplar: exemplar.map(self::exemplar).transpose()?,
    })
}

fn exemplar(text: &str) -> Result<(Pairs, f64, Option<i64>), &'static str> {
    let end = series_end(text).ok_or("an exemplar without labels")?;
    let (labels, rest) = text.split_at(end);
    let mut words = rest.split_ascii_whitespace();
    let value = number(words.next().ok_or("an exemplar without value")?).ok_or("not a number")?;
    let t = words
        .next()
        .map(|w| time(w, Format::OpenMetrics))
        .transpose()?;
    Ok((labels_of(labels)?, value, t))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "times are far from the limits"
)]
fn time(word: &str, format: Format) -> Result<i64, &'static str> {
    match format {
        Format::Text => word.parse().map_err(|_| "not a time in milliseconds"),
        Format::OpenMetrics => word
            .parse::<f64>()
            .map(|s| (s * 1000.0).round() as i64)
            .map_err(|_| "not a time in seconds"),
    }
}

fn number(word: &str) -> Option<f64> {
    word.parse().ok()
}

/// Name (as `__name__`) and labels of a series as written.
///
/// # Errors
/// What is wrong with it.
pub fn labels_of(series: &str) -> Result<Pairs, &'static str> {
    let mut pairs = Vec::new();
    let (name, labels) = match series.find('{') {
        Some(at) => series.split_at(at),
        None => (series, ""),
    };
    if !name.trim().is_empty() {
        pairs.push(("__name__".to_owned(), name.trim().to_owned()));
    }
    let Some(mut rest) = labels.strip_prefix('{') else {
        return Ok(pairs);
    };
    loop {
        rest = rest.trim_start();
        if rest.starts_with('}') {
            return Ok(pairs);
        }
        if rest.starts_with('"') {
            let (text, after) = quoted(rest)?;
            rest = after.trim_start();
            match rest.strip_prefix('=') {
                Some(after) => {
                    let (value, after) = quoted(after.trim_start())?;
                    pairs.push((text, value));
                    rest = after;
                }
                None => pairs.push(("__name__".to_owned(), text)),
            }
        } else {
            let (label, after) = rest.split_once('=').ok_or("a label without value")?;
            let label = label.trim();
            if !crate::metrics::labels::is_label_name(label) {
                return Err("not a label name");
            }
            let (value, after) = quoted(after.trim_start())?;
            pairs.push((label.to_owned(), value));
            rest = after;
        }
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(',') {
            rest = after;
        } else if !rest.starts_with('}') {
            return Err("labels are not closed");
        }
    }
}

fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let body = text.strip_prefix('"').ok_or("a value without quotes")?;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok((unescape(&body[..at]), &body[at + 1..])),
            _ => {}
        }
    }
    Err("quotes are not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_both_formats_are_read() {
        for (line, format, series, value, t) in [
            ("a 1", Format::Text, "a", 1.0, None),
            (
                "a{b=\"x y\"} 1e3 1500",
                Format::Text,
                "a{b=\"x y\"}",
                1000.0,
                Some(1500),
            ),
            (
                "a{b=\"}\\\"\"} +Inf",
                Format::Text,
                "a{b=\"}\\\"\"}",
                f64::INFINITY,
                None,
            ),
            (
                "a_total{b=\"x\"} 3 1.5 # {trace_id=\"t\"} 0.5",
                Format::OpenMetrics,
                "a_total{b=\"x\"}",
                3.0,
                Some(1500),
            ),
        ] {
            let s = sample(line, format).unwrap();
            assert_eq!((s.series, s.value, s.t), (series, value, t));
            assert_eq!(s.exemplar.is_some(), line.contains('#'));
        }
        for line in ["a", "a{b=\"x\" 1", "a x", "a 1 2 3", "1a 1"] {
            assert!(parse(line, Format::Text).is_err(), "{line}");
        }
        assert!(parse("a 1\n", Format::OpenMetrics).is_err(), "no # EOF");
    }

    #[test]
    fn labels_are_unescaped() {
        let pairs = labels_of(r#"m{path="C:\\temp",msg="say \"hi\"",nl="a\nb",}"#).unwrap();
        let values: Vec<&str> = pairs.iter().map(|(_, v)| v.as_str()).collect();
        assert_eq!(values, ["m", "C:\\temp", "say \"hi\"", "a\nb"]);
    }

    #[test]
    fn metadata_of_a_counter_carries_total_in_openmetrics_only() {
        let text = "# TYPE a counter\n# HELP a What.\na_total 1\n# EOF\n";
        let page = parse(text, Format::OpenMetrics).unwrap();
        assert_eq!(page.metadata[0].0, "a_total");
        assert_eq!(page.metadata[0].1.help, "What.");
        let page = parse("# TYPE a counter\na 1\n", Format::Text).unwrap();
        assert_eq!(page.metadata[0].0, "a");
    }
}
