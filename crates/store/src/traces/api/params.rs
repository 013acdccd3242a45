//! Parameters of Tempo's requests, with Go's words for what is wrong with them.

use super::Refusal;
use crate::logs::{Params, go_duration};

/// The most bytes of a query (`max_query_expression_size_bytes`).
const MAX_QUERY: usize = 128 << 10;

/// The query, if there is one.
pub(super) fn query(params: &Params) -> Result<Option<&str>, Refusal> {
    let query = params.get("query").or(params.get("q"));
    if query.is_some_and(|query| query.len() > MAX_QUERY) {
        return Err(Refusal::bad(format!(
            "TraceQL expression exceeds the configured maximum size of {MAX_QUERY} bytes, reduce \
             the query expression size or contact your system administrator"
        )));
    }
    Ok(query)
}

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// `start` and `end` in seconds; both 0 if not given.
pub(super) fn window(params: &Params) -> Result<(u64, u64), Refusal> {
    let start = unsigned(params, "start")?.unwrap_or(0);
    let end = unsigned(params, "end")?.unwrap_or(0);
    if (start != 0 || end != 0) && start >= end {
        return Err(Refusal::bad(format!(
            "http parameter start must be before end. received start={start} end={end}"
        )));
    }
    Ok((start, end))
}

/// A window in nanoseconds; all time for one that was not given.
pub(super) const fn nanos((start, end): (u64, u64)) -> (u64, u64) {
    if start == 0 && end == 0 {
        return (0, u64::MAX);
    }
    (start * SECOND, end * SECOND)
}

/// A whole number of 32 bits.
pub(super) fn unsigned(params: &Params, name: &str) -> Result<Option<u64>, Refusal> {
    let Some(text) = params.get(name) else {
        return Ok(None);
    };
    let wrong = |what: &str| {
        Refusal::bad(format!(
            "invalid {name}: strconv.ParseUint: parsing {text:?}: {what}"
        ))
    };
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong("invalid syntax"));
    }
    match text.parse::<u32>() {
        Ok(number) => Ok(Some(number.into())),
        Err(_) => Err(wrong("value out of range")),
    }
}

/// A whole number of 64 bits with a sign.
pub(super) fn signed(params: &Params, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(text) = params.get(name) else {
        return Ok(None);
    };
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    text.parse().map(Some).map_err(|_| {
        let what = if is_number {
            "value out of range"
        } else {
            "invalid syntax"
        };
        Refusal::bad(format!(
            "invalid {name}: strconv.ParseInt: parsing {text:?}: {what}"
        ))
    })
}

/// A duration as Go has it, in nanoseconds.
pub(super) fn duration(params: &Params, name: &str) -> Result<Option<i64>, Refusal> {
    let Some(text) = params.get(name) else {
        return Ok(None);
    };
    let found = go_duration(text).map(Some);
    found.ok_or_else(|| Refusal::bad(format!("invalid {name}: {}", duration_error(text))))
}

/// Why Go's `time.ParseDuration` takes no such text.
fn duration_error(text: &str) -> String {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let invalid = || format!("time: invalid duration {text:?}");
    if rest.is_empty() {
        return invalid();
    }
    while !rest.is_empty() {
        let number = |c: char| c.is_ascii_digit() || c == '.';
        let digits = rest.find(|c| !number(c)).unwrap_or(rest.len());
        if digits == 0 || rest[..digits].parse::<f64>().is_err() {
            return invalid();
        }
        rest = &rest[digits..];
        let unit = &rest[..rest.find(number).unwrap_or(rest.len())];
        if unit.is_empty() {
            return format!("time: missing unit in duration {text:?}");
        }
        if go_duration(&format!("1{unit}")).is_none() {
            return format!("time: unknown unit {unit:?} in duration {text:?}");
        }
        rest = &rest[unit.len()..];
    }
    invalid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_refused_in_gos_words() {
        for (text, message) in [
            ("x", "time: invalid duration \"x\""),
            ("5", "time: missing unit in duration \"5\""),
            ("5x", "time: unknown unit \"x\" in duration \"5x\""),
            ("1h5d", "time: unknown unit \"d\" in duration \"1h5d\""),
            ("1.2.3s", "time: invalid duration \"1.2.3s\""),
        ] {
            assert_eq!(duration_error(text), message);
        }
    }
}
