//! Line filters and label filters.

use super::{Hints, Work, float_error};
use crate::logs::labels::quote;
use crate::logs::logql::{FilterTest, LabelFilter, LineFilter, LineOp, LineTest, units};

/// Whether a line passes.
pub(super) fn line(filter: &LineFilter, line: &str) -> bool {
    let any = filter.tests.iter().any(|(test, _)| match test {
        LineTest::Text(text) => line.contains(text.as_str()),
        LineTest::Regex(regex) => regex.is_match(line),
        LineTest::Pattern(pattern) => pattern.matches(line),
        LineTest::Ip(range) => range.is_in(line),
    });
    match filter.op {
        LineOp::Contains | LineOp::Regex | LineOp::Pattern => any,
        LineOp::NotContains | LineOp::NotRegex | LineOp::NotPattern => !any,
    }
}

/// Whether a line's labels pass. A value that cannot be read passes, with an error label.
pub(super) fn label(filter: &LabelFilter, work: &mut Work<'_>, hints: &Hints) -> bool {
    match filter {
        LabelFilter::And(a, b) => label(a, work, hints) && label(b, work, hints),
        LabelFilter::Or(a, b) => label(a, work, hints) || label(b, work, hints),
        LabelFilter::Text(matcher) => matcher.matches(work.get(&matcher.name).unwrap_or("")),
        LabelFilter::Compare { name, op, test, .. } => {
            // A line that has failed already is for the error's own filters to drop.
            if work.error.is_some() {
                return !(hints.drops_errors() && work.get(name).is_none());
            }
            let Some(text) = work.get(name).map(str::to_owned) else {
                return false;
            };
            let read = match test {
                FilterTest::Number(_) => text.parse::<f64>().map_err(|_| float_error(&text)),
                FilterTest::Duration(_) => units::go_duration(&text)
                    .map(|nanos| nanos as f64 / 1e9)
                    .ok_or_else(|| format!("time: invalid duration {}", quote(&text))),
                FilterTest::Bytes(_) => units::bytes(&text).ok_or_else(|| float_error(&text)),
            };
            let (FilterTest::Number(wanted)
            | FilterTest::Duration(wanted)
            | FilterTest::Bytes(wanted)) = test;
            match read {
                Ok(found) => op.holds(&found, wanted),
                Err(message) => {
                    work.fail("LabelFilterErr", message);
                    true
                }
            }
        }
        LabelFilter::Ip {
            name,
            negated,
            range,
            ..
        } => {
            if work.error.is_some() {
                return true;
            }
            let Some(text) = work.get(name) else {
                return false;
            };
            range.is_in(text) != *negated
        }
    }
}
