//! Annotation and label templates: `{{ $labels.x }}`, `{{ $value | humanize }}`
//! (<https://prometheus.io/docs/prometheus/latest/configuration/template_reference/>).

use super::humanize;
use crate::metrics::Labels;
use crate::metrics::text::{general, quote};

/// What a template can refer to.
pub(super) struct Template<'a> {
    pub(super) labels: &'a Labels,
    pub(super) value: f64,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Text(String),
    Number(f64),
}

impl Value {
    fn text(&self) -> String {
        match self {
            Self::Text(t) => t.clone(),
            Self::Number(n) => general(*n),
        }
    }

    fn number(&self) -> Result<f64, String> {
        match self {
            Self::Number(n) => Ok(*n),
            Self::Text(t) => t
                .trim()
                .parse()
                .map_err(|_| format!("{} is not a number", quote(t))),
        }
    }
}

/// Fills a template in; what cannot be filled in says so in its place, as Prometheus does.
pub(super) fn expand(text: &str, data: &Template<'_>) -> String {
    run(text, data).unwrap_or_else(|why| format!("<error expanding template: {why}>"))
}

/// Whether a template can be filled in.
pub(super) fn check(text: &str) -> Result<(), String> {
    let labels = Labels::default();
    run(
        text,
        &Template {
            labels: &labels,
            value: 1.0,
        },
    )
    .map(|_| ())
}

fn run(text: &str, data: &Template<'_>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        let after = &rest[open + 2..];
        let close = after
            .find("}}")
            .ok_or("unclosed action: \"}}\" is missing")?;
        let mut before = &rest[..open];
        let mut action = &after[..close];
        rest = &after[close + 2..];
        if let Some(trimmed) = action.strip_prefix("- ") {
            action = trimmed;
            before = before.trim_end();
        }
        if let Some(trimmed) = action.strip_suffix(" -") {
            action = trimmed;
            rest = rest.trim_start();
        }
        out.push_str(before);
        if !action.trim_start().starts_with("/*") {
            out.push_str(&pipeline(action, data)?.text());
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn pipeline(action: &str, data: &Template<'_>) -> Result<Value, String> {
    let words = split(action)?;
    let mut piped: Option<Value> = None;
    for stage in words.split(|w| w == "|") {
        let (first, args) = stage.split_first().ok_or("missing value for command")?;
        let mut values = args
            .iter()
            .map(|a| operand(a, data))
            .collect::<Result<Vec<Value>, String>>()?;
        let is_function = first.chars().all(|c| c.is_ascii_alphanumeric());
        let starts_number = first.starts_with(|c: char| c.is_ascii_digit());
        piped = Some(if is_function && !starts_number {
            values.extend(piped);
            call(first, &values)?
        } else {
            operand(first, data)?
        });
    }
    piped.ok_or_else(|| "missing value for command".to_owned())
}

/// Words, with strings and parentheses kept whole.
fn split(action: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = action.chars();
    let mut depth = 0;
    while let Some(c) = chars.next() {
        match c {
            '"' | '`' => {
                word.push(c);
                loop {
                    let next = chars.next().ok_or("unterminated quoted string")?;
                    word.push(next);
                    if next == '\\' && c == '"' {
                        word.extend(chars.next());
                    } else if next == c {
                        break;
                    }
                }
            }
            '(' => {
                depth += 1;
                word.push(c);
            }
            ')' => {
                depth -= 1;
                word.push(c);
            }
            c if depth > 0 => word.push(c),
            '|' => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
                words.push("|".to_owned());
            }
            c if c.is_whitespace() => {
                words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            }
            c => word.push(c),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    Ok(words)
}

fn operand(word: &str, data: &Template<'_>) -> Result<Value, String> {
    if let Some(inner) = word.strip_prefix('(').and_then(|w| w.strip_suffix(')')) {
        return pipeline(inner, data);
    }
    for prefix in ["$labels.", ".Labels."] {
        if let Some(name) = word.strip_prefix(prefix) {
            return Ok(Value::Text(data.labels.get(name).to_owned()));
        }
    }
    match word {
        "$value" | ".Value" => return Ok(Value::Number(data.value)),
        "$labels" | ".Labels" => return Ok(Value::Text(go_map(data.labels))),
        _ => {}
    }
    if word.starts_with("$externalLabels") || word.starts_with(".ExternalLabels") {
        return Ok(Value::Text(String::new()));
    }
    if let Some(raw) = word.strip_prefix('`').and_then(|w| w.strip_suffix('`')) {
        return Ok(Value::Text(raw.to_owned()));
    }
    if word.starts_with('"') {
        return serde_json::from_str(word)
            .map(Value::Text)
            .map_err(|_| format!("cannot read string {word}"));
    }
    if let Ok(n) = word.parse() {
        return Ok(Value::Number(n));
    }
    Err(format!(
        "{word:?} is unknown; use $labels.name, $value, a string or a number"
    ))
}

fn go_map(labels: &Labels) -> String {
    let pairs: Vec<String> = labels.iter().map(|(n, v)| format!("{n}:{v}")).collect();
    format!("map[{}]", pairs.join(" "))
}

fn call(name: &str, args: &[Value]) -> Result<Value, String> {
    let one = || {
        args.last()
            .ok_or_else(|| format!("{name} wants an argument"))
    };
    let text = |f: fn(&str) -> String| one().map(|v| Value::Text(f(&v.text())));
    let number = |f: fn(f64) -> String| one()?.number().map(|n| Value::Text(f(n)));
    match name {
        "humanize" => number(humanize::humanize),
        "humanize1024" => number(humanize::humanize1024),
        "humanizeDuration" => number(humanize::duration),
        "humanizePercentage" => number(humanize::percentage),
        "humanizeTimestamp" => number(humanize::timestamp),
        "toUpper" => text(str::to_uppercase),
        "toLower" => text(str::to_lowercase),
        "title" => text(title),
        "stripPort" => text(|t| t.rsplit_once(':').map_or(t, |(host, _)| host).to_owned()),
        "stripDomain" => text(|t| t.split('.').next().unwrap_or(t).to_owned()),
        "reReplaceAll" => {
            let [pattern, replacement, text] = args else {
                return Err("reReplaceAll wants pattern, replacement and text".to_owned());
            };
            let regex = regex::Regex::new(&pattern.text()).map_err(|e| e.to_string())?;
            let replaced = regex
                .replace_all(&text.text(), replacement.text().as_str())
                .into_owned();
            Ok(Value::Text(replaced))
        }
        "print" | "println" => Ok(Value::Text(
            args.iter().map(Value::text).collect::<Vec<_>>().join(" "),
        )),
        "printf" => {
            let (format, args) = args.split_first().ok_or("printf wants a format")?;
            printf(&format.text(), args).map(Value::Text)
        }
        _ => Err(format!("function {name:?} not defined")),
    }
}

fn title(text: &str) -> String {
    let mut out = String::new();
    let mut start = true;
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        start = c.is_whitespace();
    }
    out
}

/// Go's `printf` with `%s %q %v %d %f %e %g %%`, width and precision.
fn printf(format: &str, args: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut args = args.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = String::new();
        while let Some(c) = chars.next_if(|c| c.is_ascii_digit() || "+-. #".contains(*c)) {
            spec.push(c);
        }
        let verb = chars.next().ok_or("printf: % at the end of the format")?;
        if verb == '%' {
            out.push('%');
            continue;
        }
        let value = args.next().ok_or("printf: too few arguments")?;
        out.push_str(&formatted(&spec, verb, value)?);
    }
    Ok(out)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "as a conversion to an integer does"
)]
fn formatted(spec: &str, verb: char, value: &Value) -> Result<String, String> {
    let (width, precision) = spec
        .split_once('.')
        .map_or((spec, None), |(w, p)| (w, Some(p)));
    let precision: Option<usize> = precision.map(|p| p.parse().unwrap_or(0));
    let body = match verb {
        'f' | 'F' => format!("{:.*}", precision.unwrap_or(6), value.number()?),
        'e' => {
            let e = format!("{:.*e}", precision.unwrap_or(6), value.number()?);
            let (mantissa, exp) = e.split_once('e').unwrap_or((&e, "0"));
            let (sign, digits) = exp.strip_prefix('-').map_or(('+', exp), |d| ('-', d));
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        'g' => match precision {
            Some(p) => humanize::significant(value.number()?, p),
            None => general(value.number()?),
        },
        'd' => (value.number()? as i64).to_string(),
        'q' => quote(&value.text()),
        's' | 'v' => match precision {
            Some(p) => value.text().chars().take(p).collect(),
            None => value.text(),
        },
        _ => return Err(format!("printf: %{verb} is not supported")),
    };
    let sign = if width.contains('+') && value.number().is_ok_and(|n| n >= 0.0) {
        "+"
    } else {
        ""
    };
    let body = format!("{sign}{body}");
    let left = width.contains('-');
    let zeros = width.trim_start_matches(['+', '-', ' ']).starts_with('0');
    let width: usize = width
        .trim_start_matches(['+', '-', ' ', '0'])
        .parse()
        .unwrap_or(0);
    Ok(match (left, zeros) {
        (true, _) => format!("{body:<width$}"),
        (false, true) => format!("{body:0>width$}"),
        (false, false) => format!("{body:>width$}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_in_as_prometheus_does() {
        let labels = Labels::new([("job", "carts"), ("instance", "10.0.0.1:80")]);
        let data = Template {
            labels: &labels,
            value: 0.1234567,
        };
        for (text, want) in [
            ("{{ $labels.job }} at {{$value}}", "carts at 0.1234567"),
            ("{{ .Labels.job | toUpper }}", "CARTS"),
            ("{{ $value | humanizePercentage }}", "12.35%"),
            ("{{ printf \"%.2f\" $value }}", "0.12"),
            ("{{ $value | printf \"%.1f s\" }}", "0.1 s"),
            ("{{ humanize 1234567.0 }}", "1.235M"),
            ("{{ humanizeDuration 3725 }}", "1h 2m 5s"),
            ("{{ humanizeDuration 0.05 }}", "50ms"),
            ("a {{- $labels.nosuch -}} b", "ab"),
            ("{{ printf \"%s:%d\" $labels.job 3 }}", "carts:3"),
        ] {
            assert_eq!(expand(text, &data), want, "{text}");
        }
        for bad in ["{{ $value", "{{ nosuch 1 }}", "{{ $other }}", "{{ }}"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
