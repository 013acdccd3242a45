//! Timestamps: microseconds since 2000-01-01 UTC on the wire, text that sorts in SQLite.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds from 1970 to 2000, where PostgreSQL's time begins.
const EPOCH: i64 = 946_684_800;
const DAY: i64 = 86_400;

/// Now, in microseconds since 2000.
pub(super) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX) - EPOCH * 1_000_000
}

/// Microseconds since 1970 from those since 2000.
pub(super) fn to_unix(micros: i64) -> i64 {
    micros + EPOCH * 1_000_000
}

/// Microseconds since 2000 from those since 1970.
pub(super) fn from_unix(micros: i64) -> i64 {
    micros - EPOCH * 1_000_000
}

/// `2025-10-18 09:24:28.84+00`, as PostgreSQL prints it in UTC.
pub(super) fn render(micros: i64, with_zone: bool) -> String {
    let seconds = micros.div_euclid(1_000_000) + EPOCH;
    let fraction = micros.rem_euclid(1_000_000);
    let second = seconds.rem_euclid(DAY);
    let mut text = format!(
        "{} {:02}:{:02}:{:02}",
        civil(seconds.div_euclid(DAY)),
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    if fraction > 0 {
        text.push_str(format!(".{fraction:06}").trim_end_matches('0'));
    }
    if with_zone {
        text.push_str("+00");
    }
    text
}

/// A date from its days since 2000.
pub(super) fn render_date(days: i32) -> String {
    civil(i64::from(days) + EPOCH / DAY)
}

/// Days since 2000 from `2025-10-18`.
pub(super) fn parse_date(text: &str) -> Option<i32> {
    let days = days_of(text.get(..10)?)?;
    i32::try_from(days - EPOCH / DAY).ok()
}

/// Microseconds since 2000 from ISO 8601 or PostgreSQL's form, any offset, any number of digits.
pub(super) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("now") {
        return Some(now());
    }
    let days = days_of(text.get(..10)?)?;
    let clock = text[10..].trim_start_matches(['T', 't', ' ']);
    let zone = clock.find(['Z', 'z', '+', '-']).unwrap_or(clock.len());
    let (clock, zone) = clock.split_at(zone);
    let offset = offset(zone)?;
    let mut parts = clock.trim().splitn(3, ':');
    let hours: i64 = number(parts.next().unwrap_or_default())?;
    let minutes: i64 = number(parts.next().unwrap_or_default())?;
    let (seconds, fraction) = parts
        .next()
        .unwrap_or_default()
        .split_once('.')
        .unwrap_or((clock_seconds(clock), ""));
    let micros = format!("{fraction:0<6}").get(..6)?.parse::<i64>().ok()?;
    let total = days * DAY + hours * 3600 + minutes * 60 + number(seconds)? - offset;
    Some((total - EPOCH) * 1_000_000 + micros)
}

fn clock_seconds(clock: &str) -> &str {
    clock.trim().splitn(3, ':').nth(2).unwrap_or_default()
}

fn number(text: &str) -> Option<i64> {
    if text.is_empty() {
        Some(0)
    } else {
        text.parse().ok()
    }
}

fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.chars().next() {
        None | Some('Z' | 'z') => return Some(0),
        Some('-') => -1,
        Some(_) => 1,
    };
    let digits: String = zone.chars().filter(char::is_ascii_digit).collect();
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = number(digits.get(2..4).unwrap_or_default())?;
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Microseconds of an interval such as `5 minutes` or `1 day 02:00:00`; months count 30 days.
pub(super) fn interval(text: &str) -> Option<i64> {
    let mut micros = 0_f64;
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if word.contains(':') {
            for (part, unit) in word.split(':').zip([3600.0, 60.0, 1.0]) {
                micros += part.parse::<f64>().ok()? * unit * 1e6;
            }
            continue;
        }
        let split = word.find(|c: char| c.is_alphabetic()).unwrap_or(word.len());
        let (count, mut unit) = word.split_at(split);
        if unit.is_empty() {
            unit = words.next().unwrap_or("seconds");
        }
        let seconds = match unit.trim_end_matches('s') {
            "microsecond" | "u" => 1e-6,
            "millisecond" | "m" => 1e-3,
            "second" | "sec" | "" => 1.0,
            "minute" | "min" => 60.0,
            "hour" | "h" => 3600.0,
            "day" | "d" => 86_400.0,
            "week" | "w" => 604_800.0,
            "month" | "mon" => 2_592_000.0,
            "year" | "y" => 31_557_600.0,
            _ => return None,
        };
        micros += count.parse::<f64>().ok()? * seconds * 1e6;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an interval is whole microseconds"
    )]
    Some(micros.round() as i64)
}

/// Days since 1970 of `2025-10-18` (Howard Hinnant's days_from_civil).
fn days_of(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// `2025-10-18` of days since 1970 (Howard Hinnant's civil_from_days).
fn civil(days: i64) -> String {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_usual_form_and_printed_in_one() {
        for (text, printed) in [
            ("2000-01-01 00:00:00+00", "2000-01-01 00:00:00+00"),
            ("2025-10-18T09:24:28.840Z", "2025-10-18 09:24:28.84+00"),
            (
                "2025-10-18T11:24:28.000001+02:00",
                "2025-10-18 09:24:28.000001+00",
            ),
            ("2024-02-29", "2024-02-29 00:00:00+00"),
            ("1969-12-31 23:59:59-00", "1969-12-31 23:59:59+00"),
        ] {
            assert_eq!(render(parse(text).unwrap(), true), printed, "{text}");
        }
        assert_eq!(parse("yesterday noon"), None);
        assert_eq!(render_date(parse_date("2024-02-29").unwrap()), "2024-02-29");
    }

    #[test]
    fn intervals_count_microseconds() {
        for (text, micros) in [
            ("5 minutes", 300_000_000),
            ("1 day 00:00:01", 86_401_000_000),
            ("500ms", 500_000),
        ] {
            assert_eq!(interval(text), Some(micros), "{text}");
        }
        assert_eq!(interval("soon"), None);
    }
}
