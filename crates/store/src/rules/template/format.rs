//! Go's `print` and `printf`.

use super::super::humanize::significant;
use super::functions::quoted;
use super::value::Value;
use crate::metrics::text::general;

/// Go's `Sprint`: blanks stand between operands of which none is a text.
pub(super) fn print(args: &[Value]) -> String {
    let mut out = String::new();
    let mut text_before = true;
    for (n, arg) in args.iter().enumerate() {
        let is_text = matches!(arg, Value::Text(_));
        if n > 0 && !is_text && !text_before {
            out.push(' ');
        }
        out.push_str(&arg.text());
        text_before = is_text;
    }
    out
}

/// Go's `Sprintf` with `%s %q %v %d %f %e %g %t %x %%`, flags, width and precision. What does
/// not fit is written as Go writes it: `%!d(float64=0.5)`.
pub(super) fn printf(format: &str, args: &[Value]) -> String {
    let mut out = String::new();
    let mut args = args.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = Spec::default();
        let mut text = String::new();
        while let Some(c) = chars.next_if(|c| c.is_ascii_digit() || "+-. #".contains(*c)) {
            text.push(c);
        }
        spec.read(&text);
        match chars.next() {
            None => out.push_str("%!(NOVERB)"),
            Some('%') => out.push('%'),
            Some(verb) => match args.next() {
                None => out.push_str(&format!("%!{verb}(MISSING)")),
                Some(value) => out.push_str(&spec.show(verb, value)),
            },
        }
    }
    let left: Vec<String> = args.map(|a| format!("{}={}", a.kind(), a.text())).collect();
    if !left.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", left.join(", ")));
    }
    out
}

#[derive(Default)]
struct Spec {
    flags: String,
    width: usize,
    precision: Option<usize>,
}

impl Spec {
    fn read(&mut self, text: &str) {
        let (before, precision) = match text.split_once('.') {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        let digits = before.trim_start_matches(['+', '-', ' ', '#', '0']);
        self.flags = before.strip_suffix(digits).unwrap_or(before).to_owned();
        self.width = digits.parse().unwrap_or(0).min(1000);
        self.precision = precision.map(|p| p.parse().unwrap_or(0).min(100));
    }

    fn show(&self, verb: char, value: &Value) -> String {
        let body = match (verb, value) {
            ('f' | 'F', Value::Number(n)) => format!("{n:.*}", self.precision.unwrap_or(6)),
            ('e', Value::Number(n)) => exponential(*n, self.precision.unwrap_or(6)),
            ('g', Value::Number(n)) => match self.precision {
                Some(p) => significant(*n, p),
                None => general(*n),
            },
            ('d', Value::Int(n)) => n.to_string(),
            ('x', Value::Int(n)) => format!("{n:x}"),
            ('t', Value::Bool(b)) => b.to_string(),
            ('q', Value::Text(_)) => quoted(value),
            ('s', Value::Text(text)) => match self.precision {
                Some(p) => text.chars().take(p).collect(),
                None => text.clone(),
            },
            ('v', Value::Number(n)) => match self.precision {
                Some(p) => significant(*n, p),
                None => general(*n),
            },
            ('v', value) => value.text(),
            ('s', Value::List(_) | Value::Map(_)) => value.text(),
            (verb, value) => return format!("%!{verb}({}={})", value.kind(), value.text()),
        };
        self.padded(body, value)
    }

    fn padded(&self, body: String, value: &Value) -> String {
        let number = matches!(value, Value::Int(_) | Value::Number(_));
        let sign = if number && self.flags.contains('+') && !body.starts_with('-') {
            "+"
        } else {
            ""
        };
        let width = self.width;
        if self.flags.contains('-') {
            return format!("{:<width$}", format!("{sign}{body}"));
        }
        if number && self.flags.contains('0') {
            let (minus, digits) = body
                .strip_prefix('-')
                .map_or((sign, body.as_str()), |d| ("-", d));
            let width = width.saturating_sub(minus.len());
            return format!("{minus}{digits:0>width$}");
        }
        format!("{:>width$}", format!("{sign}{body}"))
    }
}

fn exponential(n: f64, precision: usize) -> String {
    let e = format!("{n:.precision$e}");
    let (mantissa, exp) = e.split_once('e').unwrap_or((&e, "0"));
    let (sign, digits) = exp.strip_prefix('-').map_or(('+', exp), |d| ('-', d));
    format!("{mantissa}e{sign}{digits:0>2}")
}
