//! Reading: one object, or a list by selectors.

use std::sync::Arc;

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::auth::{Access, Identity};
use super::status::{ApiError, ApiResult};
use super::target::Params;
use super::{Api, Call};
use crate::objects::{Kind, meta};
use crate::selector::{FieldSelector, LabelSelector};

/// Which objects a request is about.
pub(super) struct Filter {
    who: Identity,
    kind: Kind,
    namespace: Option<String>,
    name: Option<String>,
    labels: LabelSelector,
    fields: FieldSelector,
}

impl Filter {
    pub(super) fn of(call: &Call) -> ApiResult<Self> {
        Ok(Self {
            who: call.who,
            kind: call.target.kind,
            namespace: call.target.namespace.clone(),
            name: call.target.name.clone(),
            labels: labels(&call.params)?,
            fields: FieldSelector::parse(call.params.get("fieldSelector").unwrap_or(""))?,
        })
    }

    pub(super) fn matches(&self, access: &Access, object: &Value) -> bool {
        access.sees_object(self.who, self.kind, object)
            && self
                .namespace
                .as_deref()
                .is_none_or(|wanted| wanted == meta::namespace(object))
            && self
                .name
                .as_deref()
                .is_none_or(|wanted| wanted == meta::name(object))
            && self.labels.matches(object)
            && self.fields.matches(object)
    }
}

/// The label selector of a query.
pub(super) fn labels(params: &Params) -> ApiResult<LabelSelector> {
    Ok(LabelSelector::parse(
        params.get("labelSelector").unwrap_or(""),
    )?)
}

/// The objects that a request is about, and the revision of that view.
pub(super) fn select(api: &Api, call: &Call) -> ApiResult<(Vec<Arc<Value>>, u64)> {
    let filter = Filter::of(call)?;
    let (mut objects, revision) = api
        .objects
        .list_at(call.target.kind, call.target.namespace.as_deref());
    objects.retain(|object| filter.matches(&api.access, object));
    Ok((objects, revision))
}

/// `GET` of a collection.
pub(super) fn list(api: &Api, call: &Call) -> ApiResult<Response> {
    let (mut objects, revision) = select(api, call)?;
    let place = |object: &Value| format!("{}/{}", meta::namespace(object), meta::name(object));
    if let Some(token) = call.params.get("continue") {
        let after = URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| ApiError::bad_request("continue key is not valid"))?;
        objects.retain(|object| place(object) > after);
    }
    let limit = call.params.number("limit")?.unwrap_or(0);
    let mut more = None;
    if let Ok(limit) = usize::try_from(limit)
        && limit > 0
        && objects.len() > limit
    {
        objects.truncate(limit);
        more = objects
            .last()
            .map(|last| URL_SAFE_NO_PAD.encode(place(last)));
    }
    Ok(call.list(&objects, revision, more))
}

/// `GET` of an object.
pub(super) fn get(api: &Api, call: &Call) -> ApiResult<Response> {
    let name = call.target.name.as_deref().unwrap_or("");
    let object = api
        .objects
        .get(call.target.kind, call.target.within(), name)?;
    Ok(call.one(&object))
}
