//! Changing: create, replace, patch, delete.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::patch::PatchKind;
use super::status::{ApiError, ApiResult, success};
use super::target::Part;
use super::{Api, Call, check, discovery, read, scale, view};
use crate::defaults;
use crate::objects::{DeleteOptions, Kind, Objects, StoreError, meta};
use crate::schema;

/// `POST`: a new object, or an action on one (`eviction`, `binding`).
pub(super) fn create(api: &Api, call: &Call, body: Value) -> ApiResult<Response> {
    match (&call.target.part, call.target.name.as_deref()) {
        (Part::Whole, None) => {}
        (Part::Eviction, Some(name)) => return evict(api, call, name, &body),
        (Part::Binding, Some(name)) => return bind(api, call, name, &body),
        _ => return Err(ApiError::method_not_allowed()),
    }
    let object = prepare(api, call, body)?;
    strict(call, &object)?;
    check::object(call.target.kind, &object)?;
    let stored = if dry_run(call) {
        let mut object = object;
        defaults::complete(call.target.kind, &mut object);
        Arc::new(object)
    } else {
        api.objects.create(call.target.kind, object)?
    };
    Ok((StatusCode::CREATED, call.one(&stored)).into_response())
}

/// `PUT`.
pub(super) fn replace(api: &Api, call: &Call, body: Value) -> ApiResult<Response> {
    if call.target.part == Part::Scale {
        return scale::replace(api, call, &body);
    }
    let body = view::stored(&call.target, body);
    let expected = meta::text(&body, "/metadata/resourceVersion").to_owned();
    change(api, call, |object| {
        require_revision(call, object, &expected)?;
        *object = body;
        Ok(())
    })
}

/// `PATCH`; server-side apply makes what is missing.
pub(super) fn patch(api: &Api, call: &Call, kind: PatchKind, patch: Value) -> ApiResult<Response> {
    if call.target.part == Part::Scale {
        return scale::patch(api, call, kind, patch);
    }
    let name = call.target.name.as_deref().unwrap_or("");
    let missing = api
        .objects
        .find(call.target.kind, call.target.within(), name)
        .is_none();
    if kind == PatchKind::Apply && missing {
        let mut body = patch;
        meta::ensure(&mut body, &["metadata"])
            .entry("name")
            .or_insert_with(|| name.into());
        let object = prepare(api, call, body)?;
        check::object(call.target.kind, &object)?;
        let stored = api.objects.create(call.target.kind, object)?;
        return Ok((StatusCode::CREATED, call.one(&stored)).into_response());
    }
    let expected = meta::text(&patch, "/metadata/resourceVersion").to_owned();
    change(api, call, |object| {
        require_revision(call, object, &expected)?;
        let mut shown = view::out(&call.target, object);
        kind.apply(&mut shown, patch)?;
        *object = view::stored(&call.target, shown);
        Ok(())
    })
}

/// `DELETE` of one object or of all that a selector finds.
pub(super) fn delete(api: &Api, call: &Call, body: Option<Value>) -> ApiResult<Response> {
    let body = body.unwrap_or(Value::Null);
    let options = DeleteOptions {
        grace_seconds: match body["gracePeriodSeconds"].as_i64() {
            Some(seconds) => Some(seconds),
            None => call.params.number("gracePeriodSeconds")?,
        },
        uid: body["preconditions"]["uid"].as_str().map(str::to_owned),
    };
    let policy = body["propagationPolicy"]
        .as_str()
        .or_else(|| call.params.get("propagationPolicy"))
        .unwrap_or("Background")
        .to_owned();
    if call.target.name.is_some() {
        let name = call.target.name.as_deref().unwrap_or("");
        let object = api
            .objects
            .get(call.target.kind, call.target.within(), name)?;
        if dry_run(call) {
            return Ok(call.one(&object));
        }
        let gone = delete_one(&api.objects, call.target.kind, &object, &options, &policy)?;
        return Ok(
            if meta::is_terminating(&gone) || call.target.kind == Kind::Pod {
                call.one(&gone)
            } else {
                Json(success(call.target.kind, name, meta::uid(&gone))).into_response()
            },
        );
    }
    let (objects, revision) = read::select(api, call)?;
    for object in &objects {
        match delete_one(&api.objects, call.target.kind, object, &options, &policy) {
            Ok(_) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(call.list(&objects, revision, None))
}

fn delete_one(
    objects: &Objects,
    kind: Kind,
    object: &Value,
    options: &DeleteOptions,
    policy: &str,
) -> Result<Arc<Value>, StoreError> {
    let (namespace, name) = (meta::namespace(object), meta::name(object));
    match policy {
        "Orphan" => crate::controllers::orphan_dependents(objects, meta::uid(object)),
        "Foreground" if crate::controllers::has_dependents(objects, meta::uid(object)) => {
            objects.modify(kind, namespace, name, |object| {
                let meta = meta::ensure(object, &["metadata"]);
                let finalizers = meta.entry("finalizers").or_insert_with(|| json!([]));
                if let Some(list) = finalizers.as_array_mut()
                    && !list.contains(&json!(crate::controllers::FOREGROUND))
                {
                    list.push(crate::controllers::FOREGROUND.into());
                }
            })?;
        }
        _ => {}
    }
    objects.delete(kind, namespace, name, options)
}

/// The object that a body describes, put where the path says.
fn prepare(api: &Api, call: &Call, body: Value) -> ApiResult<Value> {
    let kind = call.target.kind;
    let mut object = view::stored(&call.target, body);
    let said = meta::text(&object, "/kind");
    if !said.is_empty() && said != kind.info().kind {
        return Err(ApiError::bad_request(format!(
            "the object provided is unrecognized: kind `{said}` does not belong to this path, which takes `{kind}`"
        )));
    }
    if !object.is_object() {
        return Err(ApiError::bad_request("the body is not an object"));
    }
    let within = meta::namespace(&object);
    if !within.is_empty() && kind.namespaced() && within != call.target.within() {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    let meta = meta::ensure(&mut object, &["metadata"]);
    if kind.namespaced() {
        let namespace = call
            .target
            .namespace
            .as_deref()
            .ok_or_else(ApiError::method_not_allowed)?;
        open_namespace(&api.objects, namespace)?;
        meta.insert("namespace".into(), namespace.into());
    } else {
        meta.remove("namespace");
    }
    if discovery::has_status(kind)
        && kind != Kind::Node
        && let Some(map) = object.as_object_mut()
    {
        map.remove("status");
    }
    if kind == Kind::Secret {
        encode_string_data(&mut object);
    }
    Ok(object)
}

/// Refuses a namespace that is not there or is going.
fn open_namespace(objects: &Objects, namespace: &str) -> ApiResult<()> {
    let found = objects.get(Kind::Namespace, "", namespace)?;
    if meta::is_terminating(&found) {
        return Err(ApiError::forbidden_because(format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        )));
    }
    Ok(())
}

/// Changes an object by the rules of the part that the path names.
fn change(
    api: &Api,
    call: &Call,
    change: impl FnOnce(&mut Value) -> ApiResult<()>,
) -> ApiResult<Response> {
    let kind = call.target.kind;
    let name = call.target.name.as_deref().unwrap_or("");
    let part = call.target.part.clone();
    let apply = |object: &mut Value| -> ApiResult<()> {
        let before = object.clone();
        change(object)?;
        let said = meta::text(object, "/metadata/name");
        if said != name && !said.is_empty() {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({said}) does not match the name on the URL ({name})"
            )));
        }
        match part {
            Part::Status => {
                let status = object["status"].take();
                *object = before;
                object["status"] = status;
                Ok(())
            }
            Part::Whole | Part::Finalize => {
                if discovery::has_status(kind) {
                    keep_status(&before, object);
                }
                if kind == Kind::Secret {
                    encode_string_data(object);
                }
                defaults::complete(kind, object);
                strict(call, object)?;
                check::update(kind, &before, object)
            }
            _ => Err(ApiError::method_not_allowed()),
        }
    };
    let stored = if dry_run(call) {
        let mut object = Value::clone(&*api.objects.get(kind, call.target.within(), name)?);
        apply(&mut object)?;
        Arc::new(object)
    } else {
        api.objects
            .try_modify(kind, call.target.within(), name, apply)?
    };
    Ok(call.one(&stored))
}

fn keep_status(before: &Value, object: &mut Value) {
    match before.get("status") {
        Some(status) => object["status"] = status.clone(),
        None => {
            meta::ensure(object, &[]).remove("status");
        }
    }
}

fn require_revision(call: &Call, object: &Value, expected: &str) -> ApiResult<()> {
    if expected.is_empty() || expected == meta::text(object, "/metadata/resourceVersion") {
        return Ok(());
    }
    Err(StoreError::Conflict {
        kind: call.target.kind,
        name: meta::name(object).to_owned(),
    }
    .into())
}

fn evict(api: &Api, call: &Call, name: &str, body: &Value) -> ApiResult<Response> {
    let options = DeleteOptions {
        grace_seconds: body["deleteOptions"]["gracePeriodSeconds"].as_i64(),
        uid: None,
    };
    api.objects
        .delete(Kind::Pod, call.target.within(), name, &options)?;
    let done = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
    Ok((StatusCode::CREATED, Json(done)).into_response())
}

fn bind(api: &Api, call: &Call, name: &str, body: &Value) -> ApiResult<Response> {
    let node = meta::text(body, "/target/name").to_owned();
    api.objects
        .modify(Kind::Pod, call.target.within(), name, |pod| {
            pod["spec"]["nodeName"] = node.into();
        })?;
    let done = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 });
    Ok((StatusCode::CREATED, Json(done)).into_response())
}

/// With `fieldValidation=Strict` a field that the kind has not is an error.
fn strict(call: &Call, object: &Value) -> ApiResult<()> {
    if call.params.get("fieldValidation") != Some("Strict") {
        return Ok(());
    }
    let unknown = schema::unknown_fields(&schema::of(call.target.kind), object);
    if unknown.is_empty() {
        return Ok(());
    }
    let unknown: Vec<_> = unknown
        .iter()
        .map(|path| format!("unknown field \"{path}\""))
        .collect();
    Err(ApiError::bad_request(format!(
        "{} in version \"{}\" cannot be handled as a {}: strict decoding error: {}",
        call.target.kind,
        call.target.kind.info().version,
        call.target.kind,
        unknown.join(", ")
    )))
}

fn dry_run(call: &Call) -> bool {
    call.params.get("dryRun") == Some("All")
}

/// `stringData` of a Secret becomes `data`.
pub(crate) fn encode_string_data(secret: &mut Value) {
    use base64::Engine;
    let Some(Value::Object(plain)) = meta::ensure(secret, &[]).remove("stringData") else {
        return;
    };
    let data = meta::ensure(secret, &["data"]);
    for (key, value) in plain {
        let coded = base64::engine::general_purpose::STANDARD.encode(value.as_str().unwrap_or(""));
        data.insert(key, coded.into());
    }
}
