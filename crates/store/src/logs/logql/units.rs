//! Durations and sizes as Go and Loki read and write them.

const NANOS: [(&str, f64); 9] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
    ("d", 86_400e9),
];

/// A duration as Go's `time.ParseDuration` takes it, in nanoseconds.
/// Source: <https://pkg.go.dev/time#ParseDuration>.
pub(crate) fn go_duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let unit = &rest[..letters];
        let (_, nanos) = NANOS
            .iter()
            .find(|(name, _)| *name == unit && unit != "d")?;
        total += number * nanos;
        rest = &rest[letters..];
    }
    // Go has no longer ones than what 64 bits hold.
    if total.round() >= i64::MAX as f64 {
        return None;
    }
    let nanos = total.round() as i64;
    Some(if negative { -nanos } else { nanos })
}

/// A duration as Prometheus takes it (`5m`, `1h30m`, `1d`, `1w`, `1y`), or as Go does.
pub(crate) fn range(text: &str) -> Option<i64> {
    if let Some(nanos) = go_duration(text) {
        return (nanos != 0 || text.contains(char::is_alphabetic)).then_some(nanos);
    }
    let mut rest = text;
    let mut total = 0_i64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let seconds = match &rest[..letters] {
            "ms" => {
                total = total.checked_add(number.checked_mul(1_000_000)?)?;
                0
            }
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            "w" => 604_800,
            "y" => 31_536_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(seconds * 1_000_000_000)?)?;
        rest = &rest[letters..];
    }
    Some(total)
}

/// A size such as `5KiB`, `1.5MB` or `42`, in bytes.
pub(crate) fn bytes(text: &str) -> Option<f64> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')
        .unwrap_or(text.len());
    let number: f64 = text[..digits].replace(',', "").parse().ok()?;
    let factor = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "p" | "pb" => 1e15,
        "e" | "eb" => 1e18,
        "ki" | "kib" => 1024.0,
        "mi" | "mib" => 1024.0 * 1024.0,
        "gi" | "gib" => 1024.0_f64.powi(3),
        "ti" | "tib" => 1024.0_f64.powi(4),
        "pi" | "pib" => 1024.0_f64.powi(5),
        "ei" | "eib" => 1024.0_f64.powi(6),
        _ => return None,
    };
    Some((number * factor).trunc())
}

/// A size as Loki's limits are written: in the greatest unit that divides it.
pub(crate) fn show_size(bytes: u64) -> String {
    const UNITS: [(&str, u32); 6] = [
        ("EB", 60),
        ("PB", 50),
        ("TB", 40),
        ("GB", 30),
        ("MB", 20),
        ("KB", 10),
    ];
    UNITS
        .iter()
        .find(|(_, shift)| bytes != 0 && bytes.trailing_zeros() >= *shift)
        .map_or_else(
            || format!("{bytes}B"),
            |(unit, shift)| format!("{}{unit}", bytes >> shift),
        )
}

/// A size as `humanize.IBytes` writes it: `5.0 KiB`.
pub(crate) fn show_binary(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 10 {
        return format!("{bytes} B");
    }
    let power = (bytes.ilog2() / 10).min(6);
    let value = (bytes as f64 / 1024_f64.powi(power as i32) * 10.0 + 0.5).floor() / 10.0;
    let unit = UNITS.get(power as usize).unwrap_or(&"EiB");
    if value < 10.0 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

/// A size as `humanize.Bytes` writes it, without a space: `5.1kB`.
pub(crate) fn show_bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 10 {
        return format!("{bytes}B");
    }
    let power = ((bytes as f64).ln() / 1000_f64.ln()).floor().min(6.0);
    let value = (bytes as f64 / 1000_f64.powf(power) * 10.0 + 0.5).floor() / 10.0;
    let unit = UNITS.get(power as usize).unwrap_or(&"EB");
    if value < 10.0 {
        format!("{value:.1}{unit}")
    } else {
        format!("{value:.0}{unit}")
    }
}

/// A duration as Go's `Duration.String` writes it.
pub(crate) fn show_duration(nanos: i64) -> String {
    if nanos == 0 {
        return "0s".to_owned();
    }
    let sign = if nanos < 0 { "-" } else { "" };
    let left = nanos.unsigned_abs();
    let fraction = |value: u64, unit: u64| {
        let mut text = format!("{}", value / unit);
        let rest = value % unit;
        if rest > 0 {
            let width = unit.ilog10() as usize;
            let digits = format!("{rest:0width$}");
            text.push('.');
            text.push_str(digits.trim_end_matches('0'));
        }
        text
    };
    if left < 1_000 {
        return format!("{sign}{left}ns");
    }
    if left < 1_000_000 {
        return format!("{sign}{}µs", fraction(left, 1_000));
    }
    if left < 1_000_000_000 {
        return format!("{sign}{}ms", fraction(left, 1_000_000));
    }
    let minutes = left / 60_000_000_000;
    let seconds = fraction(left % 60_000_000_000, 1_000_000_000);
    let (hours, minutes) = (minutes / 60, minutes % 60);
    if hours > 0 {
        format!("{sign}{hours}h{minutes}m{seconds}s")
    } else if minutes > 0 {
        format!("{sign}{minutes}m{seconds}s")
    } else {
        format!("{sign}{seconds}s")
    }
}

/// A duration as Prometheus writes it in a query: `5m`, `1h30m`, `2d`.
pub(crate) fn show_range(nanos: i64) -> String {
    let mut ms = nanos / 1_000_000;
    if ms == 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    if ms < 0 {
        out.push('-');
        ms = -ms;
    }
    for (unit, size, exact) in [
        ("y", 31_536_000_000, true),
        ("w", 604_800_000, true),
        ("d", 86_400_000, false),
        ("h", 3_600_000, false),
        ("m", 60_000, false),
        ("s", 1_000, false),
        ("ms", 1, false),
    ] {
        if ms >= size && (!exact || ms % size == 0) {
            out.push_str(&format!("{}{unit}", ms / size));
            ms %= size;
        }
    }
    out
}

/// A number as Go's `%v` and `strconv.FormatFloat(f, 'f' or 'g', -1, 64)` write it.
pub(crate) fn show_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e21).contains(&size) {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', exponent),
        };
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    format!("{value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_as_go_reads_them() {
        for (text, nanos) in [
            ("1h30m", Some(5_400_000_000_000)),
            ("39.2ms", Some(39_200_000)),
            ("95µs", Some(95_000)),
            ("5", None),
            ("5zz", None),
            ("1d", None),
        ] {
            assert_eq!(go_duration(text), nanos, "{text}");
        }
        assert_eq!(range("1d"), Some(86_400_000_000_000));
        assert_eq!(range("5"), None);
        for beyond in [
            "9223372036854775807y",
            "9223372036854775807ms",
            "300y",
            "200y200y",
        ] {
            assert_eq!(range(beyond), None, "{beyond}");
        }
        for (text, size) in [("5KiB", Some(5120.0)), ("2.9KB", Some(2900.0)), ("x", None)] {
            assert_eq!(bytes(text), size, "{text}");
        }
    }

    #[test]
    fn durations_and_numbers_are_written_as_go_writes_them() {
        for (nanos, text) in [
            (5_400_000_000_000, "1h30m0s"),
            (1_500_000, "1.5ms"),
            (1_050_000_000, "1.05s"),
        ] {
            assert_eq!(show_duration(nanos), text);
        }
        assert_eq!(show_range(5_400_000_000_000), "1h30m");
        for (value, text) in [
            (1e21, "1e+21"),
            (0.00001, "1e-05"),
            (3.0, "3"),
            (0.5, "0.5"),
        ] {
            assert_eq!(show_float(value), text);
        }
    }
}
