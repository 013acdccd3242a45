//! Calendar functions, in UTC.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The calendar function with this name: from seconds since the epoch to its value.
pub(super) fn calendar_function(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "minute" => |t| of(t, |d| i32::from(d.minute())),
        "hour" => |t| of(t, |d| i32::from(d.hour())),
        "day_of_month" => |t| of(t, |d| i32::from(d.day())),
        "day_of_week" => |t| of(t, |d| i32::from(d.weekday().to_sunday_zero_offset())),
        "day_of_year" => |t| of(t, |d| i32::from(d.day_of_year())),
        "days_in_month" => |t| of(t, |d| i32::from(d.days_in_month())),
        "month" => |t| of(t, |d| i32::from(d.month())),
        "year" => |t| of(t, |d| i32::from(d.year())),
        _ => return None,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "out of range values saturate, and jiff refuses them"
)]
fn of(t: f64, part: impl Fn(DateTime) -> i32) -> f64 {
    if t.is_nan() {
        return f64::NAN;
    }
    Timestamp::from_second(t as i64).map_or(f64::NAN, |stamp| {
        f64::from(part(TimeZone::UTC.to_datetime(stamp)))
    })
}
