//! Request bodies, refused in the words of the library that Alertmanager reads them with.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::{Refusal, failed};
use crate::metrics::text::quote;

/// The body as JSON; `what` is how messages call it.
pub(super) fn read(what: &str, headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Refusal> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("application/octet-stream");
    let media = kind.split(';').next().unwrap_or("").trim();
    if media != "application/json" {
        let message = format!(
            "unsupported media type {}, only [application/json] are allowed",
            quote(media)
        );
        return Err(failed(StatusCode::UNSUPPORTED_MEDIA_TYPE, 415, &message));
    }
    if bytes.is_empty() {
        return Err(invalid(602, &format!("{what} in body is required")));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let why = if error.is_eof() {
            "unexpected EOF".to_owned()
        } else {
            error.to_string()
        };
        unparsed(what, &why)
    })
}

/// 400: the body is not what is expected at all.
pub(super) fn unparsed(what: &str, why: &str) -> Refusal {
    let message = format!("parsing {what} body from \"\" failed, because {why}");
    failed(StatusCode::BAD_REQUEST, 400, &message)
}

/// 422: the body breaks the schema; `code` is that of the rule.
pub(super) fn invalid(code: u16, message: &str) -> Refusal {
    failed(StatusCode::UNPROCESSABLE_ENTITY, code, message)
}

/// What Go says of a value where it wants another type.
pub(super) fn mismatch(found: &Value, wanted: &str) -> String {
    format!(
        "json: cannot unmarshal {} into Go value of type {wanted}",
        kind(found)
    )
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The fields of an object of a body.
pub(super) struct Field<'a> {
    what: &'a str,
    object: &'a Value,
}

impl<'a> Field<'a> {
    pub(super) const fn new(what: &'a str, object: &'a Value) -> Self {
        Self { what, object }
    }

    fn wrong(&self, found: &Value, path: &str) -> Refusal {
        let why = format!(
            "json: cannot unmarshal {} into Go struct field {path} of type string",
            kind(found)
        );
        unparsed(self.what, &why)
    }

    /// A text, if it is there; `path` is how Go calls the field.
    pub(super) fn text(&self, name: &str, path: &str) -> Result<Option<String>, Refusal> {
        match &self.object[name] {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            other => Err(self.wrong(other, path)),
        }
    }

    /// Names and texts, if they are there.
    pub(super) fn texts(
        &self,
        name: &str,
        path: &str,
    ) -> Result<Option<BTreeMap<String, String>>, Refusal> {
        match &self.object[name] {
            Value::Null => Ok(None),
            Value::Object(map) => {
                let pairs = map.iter().map(|(name, value)| match value {
                    Value::String(text) => Ok((name.clone(), text.clone())),
                    Value::Null => Ok((name.clone(), String::new())),
                    other => Err(self.wrong(other, path)),
                });
                pairs.collect::<Result<_, _>>().map(Some)
            }
            other => {
                let why = format!(
                    "json: cannot unmarshal {} into Go struct field {path} of type models.LabelSet",
                    kind(other)
                );
                Err(unparsed(self.what, &why))
            }
        }
    }

    /// A time in milliseconds since the epoch, if it is there and not Go's zero time.
    pub(super) fn time(&self, name: &str) -> Result<Option<i64>, Refusal> {
        let text = match &self.object[name] {
            Value::Null => return Ok(None),
            Value::String(text) => text,
            other => return Err(self.wrong(other, name)),
        };
        if text.is_empty() || text.starts_with("0001-01-01T00:00:00") {
            return Ok(None);
        }
        match text.parse::<jiff::Timestamp>() {
            Ok(t) => Ok(Some(t.as_millisecond())),
            Err(_) => {
                let shown = quote(text);
                let why = format!(
                    "parsing time {shown} as \"2006-01-02 15:04:05\": cannot parse {shown} as \"2006\""
                );
                Err(unparsed(self.what, &why))
            }
        }
    }
}
