//! Line filters and label filters.

use super::{Work, bytes_error, duration_error, float_error};
use crate::logs::logql::{FilterTest, LabelFilter, LineFilter, LineOp, LineTest, units};

/// Whether a line passes.
pub(super) fn line(filter: &LineFilter, line: &str) -> bool {
    let any = filter.tests.iter().any(|(test, _)| match test {
        LineTest::Text(text) => text.find(line.as_bytes()).is_some(),
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
pub(super) fn label(filter: &LabelFilter, work: &mut Work<'_>) -> bool {
    match filter {
        LabelFilter::And(a, b) => {
            let left = label(a, work);
            label(b, work) && left
        }
        LabelFilter::Or(a, b) => label(a, work) || label(b, work),
        LabelFilter::Text(matcher) => matcher.matches(work.get(&matcher.name).unwrap_or("")),
        LabelFilter::Compare { name, op, test, .. } => {
            let Some(text) = work.get(name) else {
                return false;
            };
            let read = match test {
                FilterTest::Number(_) => text.parse::<f64>().map_err(|_| float_error(text)),
                FilterTest::Duration(_) => units::go_duration(text)
                    .map(|nanos| nanos as f64 / 1e9)
                    .ok_or_else(|| duration_error(text)),
                FilterTest::Bytes(_) => units::bytes(text).ok_or_else(|| bytes_error(text)),
            };
            let (FilterTest::Number(wanted)
            | FilterTest::Duration(wanted)
            | FilterTest::Bytes(wanted)) = test;
            match read {
                Ok(found) => op.holds(&found, wanted),
                Err(message) => {
                    work.fail_first("LabelFilterErr", message);
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
