//! Reading the common parts of an object: names, labels, owners, times.

use serde_json::{Map, Value, json};

use super::Kind;

/// `metadata.name`, or `""`.
pub fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// `metadata.namespace`, or `""`.
pub fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// `metadata.uid`, or `""`.
pub fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// The text at a JSON pointer, or `""`.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or("")
}

/// The whole number at a JSON pointer.
pub fn number(object: &Value, pointer: &str) -> Option<i64> {
    object.pointer(pointer).and_then(Value::as_i64)
}

/// The items of the array at a JSON pointer; none when there is no array.
pub fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The value of a label.
pub fn label<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("labels")?.get(key)?.as_str()
}

/// The value of an annotation.
pub fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object
        .get("metadata")?
        .get("annotations")?
        .get(key)?
        .as_str()
}

/// `metadata.resourceVersion` as a number, or 0.
pub fn revision(object: &Value) -> u64 {
    text(object, "/metadata/resourceVersion")
        .parse()
        .unwrap_or(0)
}

/// `metadata.generation`, or 0.
pub fn generation(object: &Value) -> i64 {
    number(object, "/metadata/generation").unwrap_or(0)
}

/// Whether deletion has begun (`metadata.deletionTimestamp` is set).
pub fn is_terminating(object: &Value) -> bool {
    object.pointer("/metadata/deletionTimestamp").is_some()
}

/// The owner reference that has `controller: true`.
pub fn controller(object: &Value) -> Option<&Value> {
    items(object, "/metadata/ownerReferences")
        .iter()
        .find(|owner| owner["controller"] == true)
}

/// Whether the object is controlled by the owner with this uid.
pub fn is_controlled_by(object: &Value, owner_uid: &str) -> bool {
    controller(object).is_some_and(|owner| owner["uid"] == owner_uid)
}

/// An owner reference to `owner` as controller.
pub fn controller_ref(kind: Kind, owner: &Value) -> Value {
    json!({
        "apiVersion": kind.api_version(),
        "kind": kind.info().kind,
        "name": name(owner),
        "uid": uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// Whether the condition `kind` of `status.conditions` is `"True"`.
pub fn condition_is_true(object: &Value, kind: &str) -> bool {
    items(object, "/status/conditions")
        .iter()
        .any(|condition| condition["type"] == kind && condition["status"] == "True")
}

/// The object at `path` within `object`, made where it is missing.
pub fn ensure<'a>(object: &'a mut Value, path: &[&str]) -> &'a mut Map<String, Value> {
    let mut at = object;
    for step in path {
        at = as_map(at)
            .entry((*step).to_owned())
            .or_insert_with(|| Value::Object(Map::new()));
    }
    as_map(at)
}

/// The value as an object; anything else is replaced by an empty one.
fn as_map(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was made an object above"),
    }
}

/// Now, as Kubernetes writes times: RFC 3339 in whole seconds.
pub fn now() -> String {
    time(jiff::Timestamp::now())
}

/// Now with microseconds, as `MicroTime` is written.
pub fn now_micro() -> String {
    jiff::Timestamp::now()
        .strftime("%Y-%m-%dT%H:%M:%S.%6fZ")
        .to_string()
}

/// A time as Kubernetes writes it: RFC 3339 in whole seconds.
pub fn time(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether a node still has to do something before the Pod can go: it is bound and has not ended.
pub fn is_running(pod: &Value) -> bool {
    !text(pod, "/spec/nodeName").is_empty() && !has_ended(pod)
}

/// Whether the Pod's phase is `Succeeded` or `Failed`.
pub fn has_ended(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Whether something other than finalizers keeps an object whose deletion has begun.
pub(super) fn is_terminating_held(kind: Kind, object: &Value) -> bool {
    !items(object, "/metadata/finalizers").is_empty()
        || match kind {
            Kind::Pod => is_running(object),
            Kind::Namespace => true,
            _ => false,
        }
}
