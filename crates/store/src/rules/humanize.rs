//! Numbers for people, as Prometheus' template functions write them.

/// Go's `%.<digits>g`: that many significant digits, no trailing zeros.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "digits and exponents are small"
)]
pub(super) fn significant(v: f64, digits: usize) -> String {
    if v == 0.0 || !v.is_finite() {
        return crate::metrics::text::plain(v);
    }
    let digits = digits.max(1);
    let e = format!("{v:.*e}", digits - 1);
    let Some((mantissa, exp)) = e.split_once('e') else {
        return e;
    };
    let exp: i32 = exp.parse().unwrap_or(0);
    let trim = |s: &str| {
        if s.contains('.') {
            s.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            s.to_owned()
        }
    };
    if exp < -4 || exp >= digits as i32 {
        let (sign, size) = if exp < 0 { ('-', -exp) } else { ('+', exp) };
        return format!("{}e{sign}{size:02}", trim(mantissa));
    }
    let decimals = (digits as i32 - 1 - exp).max(0) as usize;
    trim(&format!("{v:.decimals$}"))
}

/// Metric prefixes, four significant digits.
pub(super) fn humanize(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return significant(v, 4);
    }
    let (mut v, mut prefix) = (v, "");
    if v.abs() >= 1.0 {
        for p in ["k", "M", "G", "T", "P", "E", "Z", "Y"] {
            if v.abs() < 1000.0 {
                break;
            }
            prefix = p;
            v /= 1000.0;
        }
    } else {
        for p in ["m", "u", "n", "p", "f", "a", "z", "y"] {
            if v.abs() >= 1.0 {
                break;
            }
            prefix = p;
            v *= 1000.0;
        }
    }
    format!("{}{prefix}", significant(v, 4))
}

/// Prefixes of 1024.
pub(super) fn humanize1024(v: f64) -> String {
    let (mut v, mut prefix) = (v, "");
    if v.is_finite() {
        for p in ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"] {
            if v.abs() < 1024.0 {
                break;
            }
            prefix = p;
            v /= 1024.0;
        }
    }
    format!("{}{prefix}", significant(v, 4))
}

/// Seconds as days, hours, minutes and seconds, or below a second with a prefix.
#[expect(clippy::cast_possible_truncation, reason = "durations are short")]
pub(super) fn duration(v: f64) -> String {
    if !v.is_finite() {
        return significant(v, 4);
    }
    if v == 0.0 {
        return "0s".to_owned();
    }
    if v.abs() < 1.0 {
        return format!("{}s", humanize(v));
    }
    let sign = if v < 0.0 { "-" } else { "" };
    let v = v.abs();
    let whole = v as i64;
    let (days, hours, minutes, seconds) = (
        whole / 86_400,
        whole / 3600 % 24,
        whole / 60 % 60,
        whole % 60,
    );
    if days > 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours > 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes > 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}s", significant(v, 4))
    }
}

/// A ratio as a percentage.
pub(super) fn percentage(v: f64) -> String {
    format!("{}%", significant(v * 100.0, 4))
}

/// Unix seconds as a time.
#[expect(
    clippy::cast_possible_truncation,
    reason = "jiff refuses what is out of range"
)]
pub(super) fn timestamp(v: f64) -> String {
    jiff::Timestamp::from_millisecond((v * 1000.0) as i64).map_or_else(
        |_| significant(v, 4),
        |t| {
            let t = jiff::tz::TimeZone::UTC.to_datetime(t);
            format!("{} {} +0000 UTC", t.date(), t.time())
        },
    )
}
