//! Text as Go's libraries print it: quoted strings and floating-point numbers.

use std::fmt::Write;

/// As Go's `strconv.Quote`.
#[must_use]
pub fn quote(s: &str) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            c if (c as u32) < 0x20 || c as u32 == 0x7f => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Appends `s` as a JSON string.
pub(crate) fn json(s: &str, out: &mut String) {
    if s.bytes().any(|b| b < 0x20 || b == b'"' || b == b'\\') {
        out.push_str(&serde_json::Value::from(s).to_string());
        return;
    }
    out.push('"');
    out.push_str(s);
    out.push('"');
}

/// Appends `v` as [`plain`] gives it.
pub(crate) fn write_plain(v: f64, out: &mut String) {
    match special(v) {
        Some(word) => out.push_str(&word),
        None => {
            let _ = write!(out, "{v}");
        }
    }
}

/// As Go's `strconv.FormatFloat(v, 'f', -1, 64)`: how the API writes sample values.
#[must_use]
pub fn plain(v: f64) -> String {
    special(v).unwrap_or_else(|| format!("{v}"))
}

/// As Go's `%v` and `%g`: an exponent below -4 and from a million on.
#[must_use]
pub fn general(v: f64) -> String {
    if let Some(s) = special(v) {
        return s;
    }
    if v == 0.0 {
        return plain(v);
    }
    let e = exponent(v);
    match e.split_once('e') {
        Some((_, exp)) if (-4..6).contains(&exp.parse::<i32>().unwrap_or(0)) => plain(v),
        _ => e,
    }
}

/// As Go's `strconv.FormatFloat(v, 'e', -1, 64)`: `7e+00`.
#[must_use]
pub fn exponent(v: f64) -> String {
    if let Some(s) = special(v) {
        return s;
    }
    let e = format!("{v:e}");
    match e.split_once('e') {
        Some((mantissa, exp)) => {
            let (sign, digits) = exp.strip_prefix('-').map_or(('+', exp), |d| ('-', d));
            format!("{mantissa}e{sign}{digits:0>2}")
        }
        None => e,
    }
}

fn special(v: f64) -> Option<String> {
    if v.is_nan() {
        Some("NaN".to_owned())
    } else if v.is_infinite() {
        Some(if v > 0.0 { "+Inf" } else { "-Inf" }.to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_go_prints_them() {
        for (v, p, g, e) in [
            (7.0, "7", "7", "7e+00"),
            (0.5, "0.5", "0.5", "5e-01"),
            (1e6, "1000000", "1e+06", "1e+06"),
            (123_456.0, "123456", "123456", "1.23456e+05"),
            (1e-7, "0.0000001", "1e-07", "1e-07"),
            (f64::NAN, "NaN", "NaN", "NaN"),
            (f64::NEG_INFINITY, "-Inf", "-Inf", "-Inf"),
            (0.0, "0", "0", "0e+00"),
        ] {
            assert_eq!(
                (plain(v), general(v), exponent(v)),
                (p.into(), g.into(), e.into())
            );
        }
    }

    #[test]
    fn strings_are_quoted_as_go_quotes_them() {
        assert_eq!(quote("a\"b\\c\nd\x01é"), r#""a\"b\\c\nd\x01é""#);
    }
}
