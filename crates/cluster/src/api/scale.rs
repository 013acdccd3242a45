//! The `scale` part of workloads: `kubectl scale` and autoscalers.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::discovery;
use super::patch::PatchKind;
use super::status::{ApiError, ApiResult};
use super::{Api, Call};
use crate::objects::meta;
use crate::selector::LabelSelector;

/// `GET .../scale`.
pub(super) fn get(api: &Api, call: &Call) -> ApiResult<Response> {
    let name = scalable(call)?;
    let object = api
        .objects
        .get(call.target.kind, call.target.within(), name)?;
    Ok(Json(scale(&object)).into_response())
}

/// `PUT .../scale`.
pub(super) fn replace(api: &Api, call: &Call, wanted: &Value) -> ApiResult<Response> {
    let expected = meta::text(wanted, "/metadata/resourceVersion").to_owned();
    change(api, call, |have| {
        let current = meta::text(have, "/metadata/resourceVersion");
        if !expected.is_empty() && expected != current {
            return Err(crate::objects::StoreError::Conflict {
                kind: call.target.kind,
                name: meta::name(have).to_owned(),
            }
            .into());
        }
        *have = wanted.clone();
        Ok(())
    })
}

/// `PATCH .../scale`.
pub(super) fn patch(api: &Api, call: &Call, kind: PatchKind, patch: Value) -> ApiResult<Response> {
    change(api, call, |have| kind.apply(have, patch))
}

fn change(
    api: &Api,
    call: &Call,
    change: impl FnOnce(&mut Value) -> ApiResult<()>,
) -> ApiResult<Response> {
    let name = scalable(call)?;
    let stored =
        api.objects
            .try_modify(call.target.kind, call.target.within(), name, |object| {
                let mut wanted = scale(object);
                change(&mut wanted)?;
                let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or(0);
                if replicas < 0 {
                    let cause = (
                        "spec.replicas".to_owned(),
                        format!("Invalid value: {replicas}: must be greater than or equal to 0"),
                    );
                    return Err(ApiError::invalid(call.target.kind, name, &[cause]));
                }
                object["spec"]["replicas"] = replicas.into();
                Ok(())
            })?;
    Ok(Json(scale(&stored)).into_response())
}

fn scalable(call: &Call) -> ApiResult<&str> {
    let name = call.target.name.as_deref();
    name.filter(|_| discovery::has_scale(call.target.kind))
        .ok_or_else(ApiError::no_such_path)
}

fn scale(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let selector = LabelSelector::of_workload(&object["spec"]["selector"]).unwrap_or_default();
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": { "replicas": object["spec"]["replicas"] },
        "status": {
            "replicas": object["status"]["replicas"].as_i64().unwrap_or(0),
            "selector": selector.text(),
        },
    })
}
