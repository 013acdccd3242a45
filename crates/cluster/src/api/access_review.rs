//! `kubectl auth can-i`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::auth::{Access, Identity};
use super::status::ApiResult;
use crate::objects::meta;

/// Answers whether the asker may do what the review says.
pub(super) fn review(access: &Access, who: Identity, mut review: Value) -> ApiResult<Response> {
    let namespace = meta::text(&review, "/spec/resourceAttributes/namespace");
    let allowed = access.sees(who, namespace);
    let reason = if allowed {
        ""
    } else {
        "the lab's own namespace is not open to responders"
    };
    review["status"] = json!({ "allowed": allowed, "reason": reason });
    Ok(Json(review).into_response())
}
