//! Durations (`1h30m`) and numbers (`0x1f`, `1_000`) as PromQL writes them.

const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// Milliseconds of a duration such as `1h30m`: units in falling order, each once.
///
/// # Errors
/// Prometheus' message when it is none.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || {
        format!(
            "not a valid duration string: {}",
            crate::metrics::text::quote(text)
        )
    };
    match text {
        "" => return Err("empty duration string".to_owned()),
        "0" => return Ok(0),
        _ => {}
    }
    let mut rest = text;
    let mut total = 0i64;
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .ok_or_else(invalid)?;
        let (number, after) = rest.split_at(digits);
        let unit_len = after
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_len);
        let (_, ms) = units.find(|(u, _)| *u == unit).ok_or_else(invalid)?;
        let number: i64 = number.parse().map_err(|_| invalid())?;
        total = number
            .checked_mul(*ms)
            .and_then(|part| total.checked_add(part))
            .filter(|sum| *sum <= i64::MAX / 1_000_000)
            .ok_or_else(|| "duration out of range".to_owned())?;
        rest = next;
    }
    Ok(total)
}

/// As Prometheus prints durations: years and weeks only when they fit exactly.
#[must_use]
pub fn format_duration(ms: i64) -> String {
    if ms == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    let mut left = ms.unsigned_abs();
    if ms < 0 {
        out.push('-');
    }
    for (unit, size) in UNITS {
        let size = size.unsigned_abs();
        let exact = matches!(unit, "y" | "w");
        if exact && !left.is_multiple_of(size) {
            continue;
        }
        if left / size > 0 {
            out += &format!("{}{unit}", left / size);
            left %= size;
        }
    }
    out
}

/// A number literal: decimal, hexadecimal, octal with a leading 0, with `_` between digits.
///
/// # Errors
/// What Go says of a number that is none, or none that it can hold.
pub(super) fn parse_number(text: &str) -> Result<f64, &'static str> {
    const SYNTAX: &str = "invalid syntax";
    let lower = text.to_lowercase();
    match lower.as_str() {
        "inf" => return Ok(f64::INFINITY),
        "nan" => return Ok(f64::NAN),
        _ => {}
    }
    let clean = lower.replace('_', "");
    let integer = if let Some(hex) = clean.strip_prefix("0x") {
        Some(i64::from_str_radix(hex, 16).map_err(|_| SYNTAX)?)
    } else if clean.len() > 1 && clean.starts_with('0') && clean.bytes().all(|b| b.is_ascii_digit())
    {
        i64::from_str_radix(&clean, 8).ok()
    } else {
        None
    };
    #[expect(clippy::cast_precision_loss, reason = "as Prometheus does")]
    if let Some(integer) = integer {
        return Ok(integer as f64);
    }
    match clean.parse::<f64>() {
        Ok(value) if value.is_infinite() => Err("value out of range"),
        value => value.map_err(|_| SYNTAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_printed_as_prometheus_does() {
        for (text, ms, printed) in [
            ("5m", 300_000, "5m"),
            ("1h30m", 5_400_000, "1h30m"),
            ("90m", 5_400_000, "1h30m"),
            ("7d", 604_800_000, "1w"),
            ("8d", 691_200_000, "8d"),
            ("1y", 31_536_000_000, "1y"),
            ("1s500ms", 1500, "1s500ms"),
        ] {
            assert_eq!(parse_duration(text), Ok(ms));
            assert_eq!(format_duration(ms), printed);
        }
        for bad in ["", "5", "5x", "m5", "5m1h", "1m1m", "1.5h"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, v) in [
            ("0x1F", 31.0),
            ("1_000", 1000.0),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("010", 8.0),
        ] {
            assert_eq!(parse_number(text), Ok(v));
        }
        for (text, why) in [
            (".5e-", "invalid syntax"),
            ("1e999", "value out of range"),
            ("0x", "invalid syntax"),
        ] {
            assert_eq!(parse_number(text), Err(why), "{text}");
        }
    }
}
