//! In what form objects come and go: JSON or YAML in; whole, as a table or as metadata out.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::status::{ApiError, ApiResult};
use super::table::{self, Include};
use super::{BODY_LIMIT, Call, protobuf, view};
use crate::objects::meta;

const JSON: &str = "application/json";

/// The form in which objects are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    Table,
    Metadata,
}

impl Form {
    /// The form that the `Accept` header prefers.
    pub(crate) fn of_headers(headers: &HeaderMap) -> Self {
        let accept = headers
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        for choice in accept.split(',') {
            if choice.contains("as=Table") && choice.contains("v=v1;") {
                return Self::Table;
            }
            if choice.contains("as=PartialObjectMetadata") {
                return Self::Metadata;
            }
            if choice.trim() == JSON {
                return Self::Plain;
            }
        }
        Self::Plain
    }
}

impl Call {
    /// An object in the wanted API group and form.
    pub(super) fn shape(&self, object: &Arc<Value>) -> Value {
        match self.form {
            Form::Plain => view::out(&self.target, object),
            Form::Metadata => table::metadata_only(object),
            Form::Table => table::table(
                self.target.kind,
                std::slice::from_ref(object),
                Include::of_param(self.params.get("includeObject")),
                meta::revision(object),
            ),
        }
    }

    /// The answer with one object.
    pub(super) fn one(&self, object: &Arc<Value>) -> Response {
        Json(self.shape(object)).into_response()
    }

    /// The answer with a list.
    pub(super) fn list(
        &self,
        objects: &[Arc<Value>],
        revision: u64,
        more: Option<String>,
    ) -> Response {
        let info = self.target.kind.info();
        let mut list = match self.form {
            Form::Table => table::table(
                self.target.kind,
                objects,
                Include::of_param(self.params.get("includeObject")),
                revision,
            ),
            Form::Plain => json!({
                "kind": format!("{}List", info.kind),
                "apiVersion": if self.target.group.is_empty() { "v1".to_owned() } else { format!("{}/{}", self.target.group, self.target.version) },
                "metadata": { "resourceVersion": revision.to_string() },
                "items": objects.iter().map(|object| view::out(&self.target, object)).collect::<Vec<_>>(),
            }),
            Form::Metadata => json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": { "resourceVersion": revision.to_string() },
                "items": objects.iter().map(|object| table::metadata_only(object)).collect::<Vec<_>>(),
            }),
        };
        if let Some(more) = more {
            list["metadata"]["continue"] = more.into();
        }
        Json(list).into_response()
    }
}

/// The `Content-Type`, JSON where there is none.
pub(super) fn content_type(headers: &HeaderMap) -> String {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or(JSON)
        .to_owned()
}

/// A body that must be there.
pub(super) async fn body(body: Body, content_type: &str) -> ApiResult<Value> {
    optional_body(body, content_type)
        .await?
        .ok_or_else(|| ApiError::bad_request("the request needs a body"))
}

/// A body that may be missing.
pub(super) async fn optional_body(body: Body, content_type: &str) -> ApiResult<Option<Value>> {
    let bytes = axum::body::to_bytes(body, BODY_LIMIT)
        .await
        .map_err(|error| ApiError::bad_request(format!("the body cannot be read: {error}")))?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if content_type.contains("yaml") {
        let text = String::from_utf8_lossy(&bytes);
        return serde_saphyr::from_str(&text)
            .map(Some)
            .map_err(|error| ApiError::bad_request(format!("the body is not YAML: {error}")));
    }
    if content_type.contains("protobuf") {
        return protobuf::decode(&bytes).map(Some);
    }
    if !content_type.contains("json") {
        return Err(ApiError::unsupported_media(content_type));
    }
    serde_json::from_slice(&bytes)
        .map(Some)
        .map_err(|error| ApiError::bad_request(format!("the body is not JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accept_header_decides_the_form() {
        for (accept, expected) in [
            ("", Form::Plain),
            ("application/json", Form::Plain),
            (
                "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
                Form::Table,
            ),
            (
                "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                Form::Metadata,
            ),
            ("application/json, */*", Form::Plain),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(Form::of_headers(&headers), expected, "{accept}");
        }
    }
}
