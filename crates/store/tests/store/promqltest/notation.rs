//! The notation of series in Prometheus' query tests: `name{a="b"} 1+2x3 _ stale`.

use store::metrics::{Labels, stale};

/// One place of a series.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value {
    Sample(f64),
    Gap,
}

pub(crate) fn duration_ms(text: &str) -> i64 {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |t| (-1, t));
    if let Ok(seconds) = text.parse::<f64>() {
        return sign * (seconds * 1000.0) as i64;
    }
    sign * store::metrics::promql::parse_duration(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

pub(crate) fn number(text: &str) -> f64 {
    let text = text.trim();
    match text.trim_start_matches(['+', '-']).to_lowercase().as_str() {
        "inf" if text.starts_with('-') => f64::NEG_INFINITY,
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        "stale" => stale(),
        _ => text.parse().unwrap_or_else(|_| panic!("number {text:?}")),
    }
}

pub(crate) fn series_line(line: &str) -> (Labels, Vec<Value>) {
    let (labels, rest) = labels(line);
    let mut values = Vec::new();
    for word in rest.split_whitespace() {
        expand(word, &mut values);
    }
    (labels, values)
}

fn expand(word: &str, out: &mut Vec<Value>) {
    let (body, times) = match word.rsplit_once('x') {
        Some((body, n)) => (body, Some(n.parse::<usize>().unwrap())),
        None => (word, None),
    };
    if body == "_" {
        out.extend(std::iter::repeat_n(Value::Gap, times.unwrap_or(1)));
        return;
    }
    let Some(times) = times else {
        out.push(Value::Sample(number(body)));
        return;
    };
    // The step begins at a sign that is neither the first character nor an exponent's.
    let split = body
        .char_indices()
        .skip(1)
        .find(|(at, c)| matches!(c, '+' | '-') && !body[..*at].ends_with(['e', 'E']))
        .map(|(at, _)| at);
    let (first, step) = match split {
        Some(at) => (number(&body[..at]), number(&body[at..])),
        None => (number(body), 0.0),
    };
    let mut v = first;
    for _ in 0..=times {
        out.push(Value::Sample(v));
        v += step;
    }
}

fn labels(line: &str) -> (Labels, &str) {
    let name_end = line.find(['{', ' ', '\t']).unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    let mut pairs: Vec<(String, String)> = Vec::new();
    if !name.is_empty() {
        pairs.push(("__name__".to_owned(), name.to_owned()));
    }
    let Some(body) = rest.strip_prefix('{') else {
        return (Labels::new(pairs), rest);
    };
    let mut rest = body;
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return (Labels::new(pairs), after);
        }
        let label = if rest.starts_with('"') {
            let (label, after) = quoted(rest);
            rest = after;
            label
        } else {
            let end = rest.find(['=', ',', '}', ' ']).unwrap();
            let (label, after) = rest.split_at(end);
            rest = after;
            label.to_owned()
        };
        match rest.trim_start().strip_prefix('=') {
            Some(after) => {
                let (value, after) = quoted(after.trim_start());
                rest = after;
                pairs.push((label, value));
            }
            None => pairs.push(("__name__".to_owned(), label)),
        }
    }
}

fn quoted(text: &str) -> (String, &str) {
    let mut out = String::new();
    let quote = text.chars().next().unwrap();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next().unwrap().1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                other => out.push(other),
            },
            c if c == quote => return (out, &text[at + 1..]),
            c => out.push(c),
        }
    }
    panic!("unterminated: {text}");
}
