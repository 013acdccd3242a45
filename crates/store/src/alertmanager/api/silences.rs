//! `/api/v2/silences` and `/api/v2/silence/{id}`.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::alert::time;
use super::super::matcher::same;
use super::super::silence::{Silence, SilenceError};
use super::body::{self, Field};
use super::{Answer, Filter, Refusal, Shared, answer, bad};
use crate::metrics::text::quote;
use crate::metrics::{MatchOp, Matcher};

fn shown(silence: &Silence, now: i64) -> Value {
    let matchers = silence.matchers.iter().map(|m| {
        json!({
            "isEqual": matches!(m.op, MatchOp::Equal | MatchOp::Regex),
            "isRegex": matches!(m.op, MatchOp::Regex | MatchOp::NotRegex),
            "name": m.name,
            "value": m.value,
        })
    });
    json!({
        "id": silence.id,
        "status": {"state": silence.state(now).as_str()},
        "updatedAt": time(silence.updated_at),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": time(silence.ends_at),
        "matchers": matchers.collect::<Vec<_>>(),
        "startsAt": time(silence.starts_at),
    })
}

pub(super) async fn list(State(am): Shared, query: RawQuery) -> Answer {
    let filter = Filter::read(query)?;
    let now = am.clock.now_ms();
    let known = am.lock();
    // A silence passes when each matcher of the filter is one of its own.
    let wanted = |s: &&&Silence| {
        let has = |m: &Matcher| s.matchers.iter().any(|own| same(own, m));
        filter.matchers.iter().all(has)
    };
    let all = known.silences.list(now);
    let shown = all.iter().filter(wanted).map(|s| shown(s, now));
    Ok(answer(&shown.collect()))
}

/// The id in the path, or the refusal of one that is none.
fn id(text: &str) -> Result<String, Refusal> {
    match Uuid::parse_str(text) {
        Ok(id) => Ok(id.to_string()),
        Err(_) => {
            let shown = quote(text);
            let message = format!("silenceID in path must be of type uuid: {shown}");
            Err(body::invalid(601, &message))
        }
    }
}

pub(super) async fn get(State(am): Shared, Path(text): Path<String>) -> Answer {
    let id = id(&text)?;
    let now = am.clock.now_ms();
    let known = am.lock();
    match known.silences.get(&id) {
        Some(silence) => Ok(answer(&shown(silence, now))),
        None => Err(Refusal::bare(StatusCode::NOT_FOUND)),
    }
}

pub(super) async fn delete(State(am): Shared, Path(text): Path<String>) -> Answer {
    let id = id(&text)?;
    let now = am.clock.now_ms();
    let expired = am.lock().silences.expire(&id, now);
    match expired {
        Ok(()) => Ok(().into_response()),
        Err(_) => Err(Refusal::bare(StatusCode::NOT_FOUND)),
    }
}

pub(super) async fn post(State(am): Shared, headers: HeaderMap, bytes: Bytes) -> Answer {
    let silence = silence(&body::read("silence", &headers, &bytes)?)?;
    let now = am.clock.now_ms();
    if silence.starts_at >= silence.ends_at {
        let message = "Failed to create silence: start time must be before end time";
        return Err(bad(message));
    }
    if silence.ends_at < now {
        let message = "Failed to create silence: end time can't be in the past";
        return Err(bad(message));
    }
    let set = am.lock().silences.set(silence, now);
    match set {
        Ok(id) => Ok(answer(&json!({"silenceID": id}))),
        Err(error @ SilenceError::NotFound) => {
            let message = json!(error.to_string());
            Err(Refusal::new(StatusCode::NOT_FOUND, &message))
        }
        Err(error) => Err(bad(&error.to_string())),
    }
}

fn silence(item: &Value) -> Result<Silence, Refusal> {
    if !item.is_object() {
        let why = body::mismatch(item, "models.PostableSilence");
        return Err(body::unparsed("silence", &why));
    }
    let field = Field::new("silence", item);
    let required = |name: &str| body::invalid(602, &format!("{name} in body is required"));
    let id = field.text("id", "PostableSilence.id")?.unwrap_or_default();
    let comment = field.text("comment", "Silence.comment")?;
    let created_by = field.text("createdBy", "Silence.createdBy")?;
    let (starts_at, ends_at) = (field.time("startsAt")?, field.time("endsAt")?);
    let comment = comment.ok_or_else(|| required("comment"))?;
    let created_by = created_by.ok_or_else(|| required("createdBy"))?;
    let ends_at = ends_at.ok_or_else(|| required("endsAt"))?;
    let list = match &item["matchers"] {
        Value::Null => return Err(required("matchers")),
        Value::Array(list) if list.is_empty() => {
            let message = "matchers in body should have at least 1 items";
            return Err(body::invalid(612, message));
        }
        Value::Array(list) => list,
        other => {
            let why = body::mismatch(other, "models.Matchers");
            return Err(body::unparsed("silence", &why));
        }
    };
    let matchers = list.iter().enumerate().map(|(n, m)| matcher(n, m));
    let matchers = matchers.collect::<Result<Vec<_>, _>>()?;
    let starts_at = starts_at.ok_or_else(|| required("startsAt"))?;
    Ok(Silence {
        id,
        matchers,
        starts_at,
        ends_at,
        updated_at: 0,
        created_by,
        comment,
    })
}

fn matcher(n: usize, item: &Value) -> Result<Matcher, Refusal> {
    let field = Field::new("silence", item);
    let required =
        |name: &str| body::invalid(602, &format!("matchers.{n}.{name} in body is required"));
    let Some(is_regex) = item["isRegex"].as_bool() else {
        return Err(required("isRegex"));
    };
    let name = field.text("name", "Matcher.matchers.name")?;
    let name = name.ok_or_else(|| required("name"))?;
    let value = field.text("value", "Matcher.matchers.value")?;
    let value = value.ok_or_else(|| required("value"))?;
    if name.is_empty() {
        let message = format!("matchers.{n}.name in body should be at least 1 chars long");
        return Err(body::invalid(604, &message));
    }
    let op = match (item["isEqual"].as_bool().unwrap_or(true), is_regex) {
        (true, false) => MatchOp::Equal,
        (false, false) => MatchOp::NotEqual,
        (true, true) => MatchOp::Regex,
        (false, true) => MatchOp::NotRegex,
    };
    Matcher::new(&name, op, &value).map_err(|why| {
        let shown = quote(&value);
        bad(&format!(
            "silence invalid: invalid label matcher {n}: invalid regular expression {shown}: {why}"
        ))
    })
}
