//! Times and texts in words, the same wherever they are told.

use model::{Period, Timestamp};

/// A length of time as `7s`, `3m07s`, `1h02m`.
pub(crate) fn short(period: Period) -> String {
    let seconds = period.as_millis() / 1_000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

/// The time of day in UTC, as logs write it.
pub(crate) fn clock(at: Timestamp) -> String {
    let seconds = at.as_millis() / 1_000 % 86_400;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Seconds in the unit that fits.
pub(crate) fn millis(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 0.001 => format!("{:.1} ms", s * 1e3),
        s => format!("{:.0} µs", s * 1e6),
    }
}

/// The paragraphs of an authored text, whose own line breaks mean nothing.
pub(crate) fn paragraphs(text: &str) -> impl Iterator<Item = String> + '_ {
    let parts = text.split("\n\n").map(|part| part.split_whitespace());
    parts
        .map(|words| words.collect::<Vec<_>>().join(" "))
        .filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (seconds, text) in [(7, "7s"), (187, "3m07s"), (3_725, "1h02m")] {
            assert_eq!(short(Period::from_secs(seconds)), text);
        }
        assert_eq!(clock(Timestamp::from_millis(63_667_000)), "17:41:07");
    }
}
