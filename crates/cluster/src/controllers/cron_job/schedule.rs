//! Cron schedules: five fields, in UTC as Kubernetes' controllers take them. Pure.
//!
//! The grammar is that of crontab(5) with names and steps, and the macros `@hourly` and so on. When both days are
//! restricted, a day that fits either counts.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// How far ahead a time is looked for: long enough for a 29th of February.
const DAYS_AHEAD: usize = 366 * 8 + 2;

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// When something is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Schedule {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// The values that fit, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field {
    bits: u64,
    /// It began with `*`.
    any: bool,
}

/// Why a schedule cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ScheduleError {
    /// Too many fields or too few.
    #[error("expected exactly 5 fields, found {found}: [{text}]")]
    Fields {
        /// How many there are.
        found: usize,
        /// The schedule.
        text: String,
    },
    /// A field that is none.
    #[error(
        "failed to parse {field}: {text}: expected {least} to {most}, such as `*`, `5`, `1-5`, `*/10` or `1,2`"
    )]
    Field {
        /// Which.
        field: &'static str,
        /// What stands there.
        text: String,
        /// The least value.
        least: u8,
        /// The greatest value.
        most: u8,
    },
}

impl Schedule {
    /// Reads a schedule.
    pub(crate) fn parse(text: &str) -> Result<Self, ScheduleError> {
        let text = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            other => other,
        };
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return Err(ScheduleError::Fields {
                found: fields.len(),
                text: text.to_owned(),
            });
        };
        Ok(Self {
            minutes: Field::parse("minute", minutes, (0, 59), &[])?,
            hours: Field::parse("hour", hours, (0, 23), &[])?,
            days: Field::parse("day of month", days, (1, 31), &[])?,
            months: Field::parse("month", months, (1, 12), &MONTHS)?,
            weekdays: Field::parse("day of week", weekdays, (0, 6), &WEEKDAYS)?,
        })
    }

    /// The first time after `after` that fits; none when there is none for eight years.
    pub(crate) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let from = after.to_zoned(TimeZone::UTC).datetime();
        let mut earliest = Some((from.hour(), from.minute()));
        for date in from.date().series(1.day()).take(DAYS_AHEAD) {
            let later = earliest.take();
            if !self.has_day(date) {
                continue;
            }
            let times = (0..24)
                .filter(|hour| self.hours.has(*hour))
                .flat_map(|hour| (0..60).map(move |minute| (hour, minute)))
                .filter(|(_, minute)| self.minutes.has(*minute));
            let found = times
                .filter(|time| later.is_none_or(|later| *time > later))
                .min();
            if let Some((hour, minute)) = found {
                let at = date.at(hour, minute, 0, 0).to_zoned(TimeZone::UTC).ok()?;
                return Some(at.timestamp());
            }
        }
        None
    }

    fn has_day(&self, date: Date) -> bool {
        if !self.months.has(date.month()) {
            return false;
        }
        let day = self.days.has(date.day());
        let weekday = self
            .weekdays
            .has(Weekday::to_sunday_zero_offset(date.weekday()));
        if self.days.any || self.weekdays.any {
            day && weekday
        } else {
            day || weekday
        }
    }
}

impl Field {
    fn parse(
        field: &'static str,
        text: &str,
        (least, most): (u8, u8),
        names: &[&str],
    ) -> Result<Self, ScheduleError> {
        let mut bits = 0;
        for part in text.split(',') {
            let values = range(part, (least, most), names).ok_or_else(|| ScheduleError::Field {
                field,
                text: text.to_owned(),
                least,
                most,
            })?;
            bits |= values;
        }
        let any = text.split(',').any(|part| part.starts_with(['*', '?']));
        Ok(Self { bits, any })
    }

    fn has(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.bits >> value & 1 == 1)
    }
}

/// The bits of `*`, `5`, `1-5`, each with or without `/step`.
fn range(text: &str, (least, most): (u8, u8), names: &[&str]) -> Option<u64> {
    let (span, step) = match text.split_once('/') {
        Some((span, step)) => (
            span,
            Some(step.parse::<usize>().ok().filter(|step| *step > 0)?),
        ),
        None => (text, None),
    };
    let value = |text: &str| {
        let named = names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        let number = match named {
            Some(at) => u8::try_from(at).ok()? + least,
            None => text.parse().ok()?,
        };
        (least..=most).contains(&number).then_some(number)
    };
    let (first, last) = match (span, span.split_once('-')) {
        ("*" | "?", _) => (least, most),
        (_, Some((first, last))) => (value(first)?, value(last)?),
        // `5/10` is from 5 on.
        _ if step.is_some() => (value(span)?, most),
        _ => (value(span)?, value(span)?),
    };
    (first <= last).then(|| {
        (first..=last)
            .step_by(step.unwrap_or(1))
            .fold(0, |bits, value| bits | 1 << value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_found() {
        for (schedule, after, expected) in [
            ("* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
            ("* * * * *", "2026-01-01T00:00:59Z", "2026-01-01T00:01:00Z"),
            (
                "*/15 * * * *",
                "2026-01-01T00:16:00Z",
                "2026-01-01T00:30:00Z",
            ),
            (
                "5/20 * * * *",
                "2026-01-01T00:46:00Z",
                "2026-01-01T01:05:00Z",
            ),
            ("30 6 * * *", "2026-01-01T06:30:00Z", "2026-01-02T06:30:00Z"),
            ("0 0 1 * *", "2026-12-15T00:00:00Z", "2027-01-01T00:00:00Z"),
            (
                "0 9 * * mon-fri",
                "2026-01-02T10:00:00Z",
                "2026-01-05T09:00:00Z",
            ),
            ("0 9 * * 0", "2026-01-01T00:00:00Z", "2026-01-04T09:00:00Z"),
            (
                "0 0 13 * fri",
                "2026-01-01T00:00:00Z",
                "2026-01-02T00:00:00Z",
            ),
            ("0 0 13 * *", "2026-01-01T00:00:00Z", "2026-01-13T00:00:00Z"),
            ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            (
                "1,3,50-52 22 * DEC *",
                "2026-12-31T22:03:00Z",
                "2026-12-31T22:50:00Z",
            ),
            ("@hourly", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"),
            ("@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z"),
        ] {
            let next = Schedule::parse(schedule)
                .unwrap()
                .next(after.parse().unwrap());
            assert_eq!(
                next.unwrap().to_string(),
                expected,
                "{schedule} after {after}"
            );
        }
        let never = Schedule::parse("0 0 31 2 *").unwrap();
        assert_eq!(never.next("2026-01-01T00:00:00Z".parse().unwrap()), None);
    }

    #[test]
    fn what_is_no_schedule_says_where() {
        for (text, part) in [
            ("* * * *", "expected exactly 5 fields, found 4"),
            ("60 * * * *", "failed to parse minute: 60"),
            ("* 24 * * *", "failed to parse hour: 24"),
            ("* * 0 * *", "failed to parse day of month: 0"),
            ("* * * foo *", "failed to parse month: foo"),
            ("* * * * 7", "failed to parse day of week: 7"),
            ("*/0 * * * *", "failed to parse minute: */0"),
            ("5-1 * * * *", "failed to parse minute: 5-1"),
            ("", "found 0"),
        ] {
            let said = Schedule::parse(text).unwrap_err().to_string();
            assert!(said.contains(part), "{text}: {said}");
        }
    }
}
