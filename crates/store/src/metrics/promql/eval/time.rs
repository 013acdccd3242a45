//! Calendar functions, in UTC, for every time that Prometheus knows: Go's `time` reaches from
//! the year -292277022399 on for 2^64 seconds, and what lies before that wraps to its end.

/// A day of the proleptic Gregorian calendar.
#[derive(Debug, Clone, Copy)]
struct Date {
    year: i64,
    /// From 1.
    month: i64,
    /// From 1.
    day: i64,
}

const DAY: i64 = 86_400;
/// From the first second that Go's `time` can hold to the epoch.
const BEFORE_EPOCH: i128 = 9_223_372_028_715_321_600;
/// Days before each month of a common year.
const BEFORE_MONTH: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/// The calendar function with this name: from seconds since the epoch to its value.
#[expect(
    clippy::cast_precision_loss,
    reason = "years are far less than 53 bits hold"
)]
pub(super) fn calendar_function(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "minute" => |t| (second_of_day(t) / 60 % 60) as f64,
        "hour" => |t| (second_of_day(t) / 3600) as f64,
        "day_of_month" => |t| date(t).day as f64,
        // The first of January 1970 was a Thursday.
        "day_of_week" => |t| (days(t) + 4).rem_euclid(7) as f64,
        "day_of_year" => |t| date(t).day_of_year() as f64,
        "days_in_month" => |t| date(t).days_in_month() as f64,
        "month" => |t| date(t).month as f64,
        "year" => |t| date(t).year as f64,
        _ => return None,
    })
}

/// Whole seconds since the epoch. What is no time is the least `int64`, as Go has it on x86.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "what does not fit was seen to before"
)]
fn seconds(t: f64) -> i128 {
    let fits = t >= i64::MIN as f64 && t < -(i64::MIN as f64);
    let seconds = i128::from(if fits { t as i64 } else { i64::MIN });
    (seconds + BEFORE_EPOCH).rem_euclid(1 << 64) - BEFORE_EPOCH
}

/// Whole days since the epoch.
fn days(t: f64) -> i64 {
    let days = seconds(t).div_euclid(i128::from(DAY));
    i64::try_from(days).unwrap_or(i64::MAX)
}

fn second_of_day(t: f64) -> i64 {
    let second = seconds(t).rem_euclid(i128::from(DAY));
    i64::try_from(second).unwrap_or(0)
}

/// The day of a time, by eras of 400 years that begin in March
/// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
fn date(t: f64) -> Date {
    let days = days(t) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let since_march = (5 * day + 2) / 153;
    let month = (since_march + 2) % 12 + 1;
    Date {
        year: year + era * 400 + i64::from(month <= 2),
        month,
        day: day - (153 * since_march + 2) / 5 + 1,
    }
}

impl Date {
    const fn is_leap(self) -> bool {
        self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0)
    }

    /// Days of this year before the month with this number, from 1 on.
    fn before(self, month: i64) -> i64 {
        let at = usize::try_from(month - 1).unwrap_or(0);
        let leap = self.is_leap() && month > 2;
        BEFORE_MONTH.get(at).copied().unwrap_or(0) + i64::from(leap)
    }

    fn day_of_year(self) -> i64 {
        self.before(self.month) + self.day
    }

    fn days_in_month(self) -> i64 {
        self.before(self.month + 1) - self.before(self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::calendar_function;

    /// Prometheus 2.42 gave these, on x86.
    #[test]
    fn every_time_has_a_date() {
        let names = [
            "year",
            "month",
            "day_of_month",
            "hour",
            "minute",
            "day_of_week",
            "day_of_year",
            "days_in_month",
        ];
        for (t, want) in [
            (1.5, [1970, 1, 1, 0, 0, 4, 1, 31]),
            (-0.5, [1970, 1, 1, 0, 0, 4, 1, 31]),
            (-1.5, [1969, 12, 31, 23, 59, 3, 365, 31]),
            (-62_135_596_801.0, [0, 12, 31, 23, 59, 0, 366, 31]),
            (1e12, [33_658, 9, 27, 1, 46, 5, 270, 30]),
            (1e15, [31_690_708, 7, 5, 1, 46, 0, 187, 31]),
            (-1e15, [-31_686_769, 6, 29, 22, 13, 0, 180, 30]),
            (9.2e18, [291_536_396_232, 8, 31, 11, 33, 5, 244, 31]),
            (-9.2e18, [-291_536_392_293, 5, 3, 12, 26, 2, 123, 31]),
            (9.3e18, [292_277_026_596, 12, 4, 15, 30, 0, 339, 31]),
            (f64::NAN, [292_277_026_596, 12, 4, 15, 30, 0, 339, 31]),
            (f64::INFINITY, [292_277_026_596, 12, 4, 15, 30, 0, 339, 31]),
        ] {
            let of = |name: &&str| calendar_function(name).unwrap()(t) as i64;
            let got: Vec<i64> = names.iter().map(of).collect();
            assert_eq!(got, want, "{t}");
        }
    }

    #[test]
    fn leap_years_have_a_day_more() {
        // 29 February and 31 December 2000, 28 February 1900, 31 December 2025.
        for (t, day, length) in [
            (951_782_400.0, 60.0, 29.0),
            (978_220_800.0, 366.0, 31.0),
            (-2_203_977_600.0, 59.0, 28.0),
            (1_767_139_200.0, 365.0, 31.0),
        ] {
            assert_eq!(calendar_function("day_of_year").unwrap()(t), day, "{t}");
            assert_eq!(
                calendar_function("days_in_month").unwrap()(t),
                length,
                "{t}"
            );
        }
    }
}
