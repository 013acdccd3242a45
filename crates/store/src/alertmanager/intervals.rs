//! Time intervals that mute or activate routes
//! (<https://prometheus.io/docs/alerting/latest/configuration/#time_interval>).

use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::Deserialize;

/// When something is so: every list that is not empty must contain the moment.
#[derive(Debug, Clone)]
pub struct TimeInterval {
    /// Minutes of the day, the end excluded.
    times: Vec<(i16, i16)>,
    /// From Sunday as 0.
    weekdays: Vec<RangeInclusive<i16>>,
    /// From 1; negative ones count from the month's end.
    days_of_month: Vec<RangeInclusive<i16>>,
    /// From January as 1.
    months: Vec<RangeInclusive<i16>>,
    years: Vec<RangeInclusive<i16>>,
    zone: TimeZone,
}

/// As the configuration writes it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntervalYaml {
    #[serde(default)]
    times: Vec<TimesYaml>,
    #[serde(default)]
    weekdays: Vec<String>,
    #[serde(default)]
    days_of_month: Vec<String>,
    #[serde(default)]
    months: Vec<String>,
    #[serde(default)]
    years: Vec<String>,
    location: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TimesYaml {
    start_time: String,
    end_time: String,
}

const WEEKDAYS: [&str; 7] = [
    "sunday",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

impl TimeInterval {
    pub(super) fn new(yaml: &IntervalYaml) -> Result<Self, String> {
        let times = yaml.times.iter().map(times).collect::<Result<_, _>>()?;
        let zone = match yaml.location.as_deref() {
            None | Some("" | "UTC") => TimeZone::UTC,
            Some("Local") => TimeZone::system(),
            Some(name) => TimeZone::get(name).map_err(|_| format!("unknown time zone {name}"))?,
        };
        Ok(Self {
            times,
            weekdays: ranges(&yaml.weekdays, |w| named(&WEEKDAYS, w, 0), "weekday")?,
            days_of_month: ranges(&yaml.days_of_month, day_of_month, "day of the month")?,
            months: ranges(&yaml.months, month, "month")?,
            years: ranges(&yaml.years, |w| w.parse().ok(), "year")?,
            zone,
        })
    }

    /// Whether the moment `ms` (milliseconds since the epoch) lies within.
    #[must_use]
    pub fn contains(&self, ms: i64) -> bool {
        let Ok(t) = Timestamp::from_millisecond(ms) else {
            return false;
        };
        let at = self.zone.to_datetime(t);
        let minute = i16::from(at.hour()) * 60 + i16::from(at.minute());
        let any = |list: &[RangeInclusive<i16>], v: i16| {
            list.is_empty() || list.iter().any(|range| range.contains(&v))
        };
        let weekday = match at.weekday() {
            Weekday::Sunday => 0,
            day => i16::from(day.to_monday_one_offset()),
        };
        (self.times.is_empty() || self.times.iter().any(|(s, e)| (*s..*e).contains(&minute)))
            && any(&self.weekdays, weekday)
            && self.day_matches(i16::from(at.day()), i16::from(at.days_in_month()))
            && any(&self.months, i16::from(at.month()))
            && any(&self.years, at.year())
    }

    fn day_matches(&self, day: i16, days: i16) -> bool {
        let absolute = |d: i16| if d < 0 { days + d + 1 } else { d };
        self.days_of_month.is_empty()
            || self.days_of_month.iter().any(|range| {
                let (first, last) = (absolute(*range.start()), absolute(*range.end()));
                (first.max(1)..=last.min(days)).contains(&day)
            })
    }
}

fn times(yaml: &TimesYaml) -> Result<(i16, i16), String> {
    let minute = |text: &str| {
        let bad = || format!("couldn't parse timestamp {text}, invalid format");
        let (hour, minute) = text.split_once(':').ok_or_else(bad)?;
        if hour.len() != 2 || minute.len() != 2 {
            return Err(bad());
        }
        let hour: i16 = hour.parse().map_err(|_| bad())?;
        let minute: i16 = minute.parse().map_err(|_| bad())?;
        let good =
            (0..24).contains(&hour) && (0..60).contains(&minute) || (hour, minute) == (24, 0);
        if good {
            Ok(hour * 60 + minute)
        } else {
            Err(bad())
        }
    };
    let (start, end) = (minute(&yaml.start_time)?, minute(&yaml.end_time)?);
    if start >= end {
        return Err("start time cannot be equal or greater than end time".to_owned());
    }
    Ok((start, end))
}

fn ranges(
    texts: &[String],
    read: impl Fn(&str) -> Option<i16>,
    what: &str,
) -> Result<Vec<RangeInclusive<i16>>, String> {
    let range = |text: &String| {
        let lower = text.to_lowercase();
        let (first, last) = lower.split_once(':').unwrap_or((&lower, &lower));
        let one = |word: &str| {
            read(word.trim()).ok_or_else(|| format!("{} is not a valid {what}", word.trim()))
        };
        let (first, last) = (one(first)?, one(last)?);
        if first > last && (first < 0) == (last < 0) {
            return Err(format!("start {what} cannot be after end {what}"));
        }
        if first < 0 && last > 0 {
            return Err(format!(
                "end {what} must be negative if start {what} is negative"
            ));
        }
        Ok(first..=last)
    };
    texts.iter().map(range).collect()
}

fn named(names: &[&str], word: &str, first: i16) -> Option<i16> {
    let at = names.iter().position(|name| *name == word)?;
    Some(i16::try_from(at).ok()? + first)
}

fn month(word: &str) -> Option<i16> {
    named(&MONTHS, word, 1).or_else(|| word.parse().ok().filter(|n| (1..=12).contains(n)))
}

fn day_of_month(word: &str) -> Option<i16> {
    let day: i16 = word.parse().ok()?;
    (day != 0 && (-31..=31).contains(&day)).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(yaml: &str) -> Result<TimeInterval, String> {
        TimeInterval::new(&serde_saphyr::from_str(yaml).unwrap())
    }

    #[test]
    fn moments_lie_within_or_not() {
        for (yaml, at, want) in [
            (
                "times: [{start_time: '09:00', end_time: '17:00'}]",
                "2026-11-24T09:00:00Z",
                true,
            ),
            (
                "times: [{start_time: '09:00', end_time: '17:00'}]",
                "2026-11-24T17:00:00Z",
                false,
            ),
            (
                "times: [{start_time: '22:00', end_time: '24:00'}]",
                "2026-11-24T23:59:59Z",
                true,
            ),
            ("weekdays: ['monday:friday']", "2026-11-24T12:00:00Z", true),
            (
                "weekdays: ['saturday', Sunday]",
                "2026-11-24T12:00:00Z",
                false,
            ),
            (
                "weekdays: ['saturday', Sunday]",
                "2026-11-29T12:00:00Z",
                true,
            ),
            (
                "days_of_month: ['1:5', '-3:-1']",
                "2026-11-28T12:00:00Z",
                true,
            ),
            (
                "days_of_month: ['1:5', '-3:-1']",
                "2026-11-27T12:00:00Z",
                false,
            ),
            ("days_of_month: ['20:-1']", "2026-02-28T12:00:00Z", true),
            ("months: ['5:8', november]", "2026-11-24T12:00:00Z", true),
            ("years: ['2020:2025']", "2026-11-24T12:00:00Z", false),
            (
                "{times: [{start_time: '01:00', end_time: '02:00'}], location: Europe/Berlin}",
                "2026-11-24T00:30:00Z",
                true,
            ),
        ] {
            let t: Timestamp = at.parse().unwrap();
            let interval = interval(yaml).unwrap();
            assert_eq!(interval.contains(t.as_millisecond()), want, "{yaml} {at}");
        }
    }

    #[test]
    fn what_is_no_interval_is_refused() {
        for (yaml, want) in [
            (
                "times: [{start_time: '9:00', end_time: '17:00'}]",
                "couldn't parse timestamp 9:00, invalid format",
            ),
            (
                "times: [{start_time: '18:00', end_time: '17:00'}]",
                "start time cannot be equal or greater than end time",
            ),
            ("weekdays: [someday]", "someday is not a valid weekday"),
            (
                "days_of_month: ['32']",
                "32 is not a valid day of the month",
            ),
            ("months: ['8:5']", "start month cannot be after end month"),
            ("location: Mars/Base", "unknown time zone mars/base"),
        ] {
            assert_eq!(
                interval(yaml).unwrap_err().to_lowercase(),
                want.to_lowercase()
            );
        }
    }
}
