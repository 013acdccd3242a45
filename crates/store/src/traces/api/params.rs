//! Parameters of Tempo's requests, with Go's words for what is wrong with them.

use super::Refusal;
use crate::logs::{Params, go_duration};

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

pub(super) fn unsigned(params: &Params, name: &str) -> Result<Option<u64>, Refusal> {
    params
        .get(name)
        .map(|text| {
            text.parse().map_err(|_| {
                Refusal::bad(format!(
                    "invalid {name}: strconv.ParseUint: parsing {text:?}: invalid syntax"
                ))
            })
        })
        .transpose()
}

pub(super) fn duration(params: &Params, name: &str) -> Result<Option<i64>, Refusal> {
    params
        .get(name)
        .map(|text| {
            go_duration(text).ok_or_else(|| {
                Refusal::bad(format!("invalid {name}: time: invalid duration {text:?}"))
            })
        })
        .transpose()
}
