//! Ages as `kubectl` prints them: `5s`, `3m20s`, `4h`, `2d3h`.

use serde_json::Value;

use crate::objects::meta;

/// The age of an object at `now`, by its creationTimestamp.
pub(crate) fn age(object: &Value, now: jiff::Timestamp) -> String {
    since(meta::text(object, "/metadata/creationTimestamp"), now)
}

/// How long ago a written time was.
pub(crate) fn since(time: &str, now: jiff::Timestamp) -> String {
    match time.parse::<jiff::Timestamp>() {
        Ok(time) => short(now.as_second() - time.as_second()),
        Err(_) => "<unknown>".to_owned(),
    }
}

/// A length of time in at most two units, as Kubernetes' `HumanDuration`.
pub(super) fn short(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let two = |big: i64, unit: &str, small: i64, small_unit: &str| {
        if small == 0 {
            format!("{big}{unit}")
        } else {
            format!("{big}{unit}{small}{small_unit}")
        }
    };
    match seconds {
        ..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => two(seconds / MINUTE, "m", seconds % MINUTE, "s"),
        600..10_800 => format!("{}m", seconds / MINUTE),
        10_800..28_800 => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "m"),
        28_800..172_800 => format!("{}h", seconds / HOUR),
        172_800..691_200 => two(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
        691_200..63_072_000 => format!("{}d", seconds / DAY),
        _ => two(seconds / DAY / 365, "y", seconds / DAY % 365, "d"),
    }
}
