//! Patches: JSON Patch, JSON Merge Patch, and Kubernetes' strategic merge. Pure.

use serde_json::{Map, Value};

use super::status::{ApiError, ApiResult};

/// How a patch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchKind {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes': lists of named things are merged by their key.
    Strategic,
    /// Server-side apply; done as a strategic merge that creates what is missing.
    Apply,
}

impl PatchKind {
    /// The kind that a `Content-Type` names.
    pub(crate) fn of_content_type(text: &str) -> ApiResult<Self> {
        match text.split(';').next().unwrap_or("").trim() {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" => Ok(Self::Strategic),
            "application/apply-patch+yaml" => Ok(Self::Apply),
            other => Err(ApiError::unsupported_media(other)),
        }
    }

    /// Applies a patch to `object`.
    pub(crate) fn apply(self, object: &mut Value, patch: Value) -> ApiResult<()> {
        match self {
            Self::Json => {
                let patch: json_patch::Patch = serde_json::from_value(patch)
                    .map_err(|error| ApiError::bad_request(format!("not a JSON Patch: {error}")))?;
                json_patch::patch(object, &patch).map_err(|error| {
                    ApiError::bad_request(format!("the JSON Patch does not apply: {error}"))
                })?;
            }
            Self::Merge => json_patch::merge(object, &patch),
            Self::Strategic | Self::Apply => strategic(object, patch),
        }
        Ok(())
    }
}

/// Puts what a manifest says into an object, as applying it does.
pub(crate) fn merge(object: &mut Value, manifest: Value) {
    strategic(object, manifest);
}

/// Strategic merge: maps are merged, `null` removes, lists of named things are merged by key, other lists replaced.
fn strategic(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        strategic_map(target, patch);
    }
}

fn strategic_map(target: &mut Map<String, Value>, mut patch: Map<String, Value>) {
    if patch.get("$patch").is_some_and(|word| word == "replace") {
        patch.remove("$patch");
        *target = patch;
        return;
    }
    if let Some(Value::Array(kept)) = patch.remove("$retainKeys") {
        target.retain(|key, _| kept.iter().any(|name| name == key));
    }
    let mut orders = Vec::new();
    for (key, value) in patch {
        if let Some(list) = key.strip_prefix("$setElementOrder/") {
            orders.push((list.to_owned(), value));
        } else if let Some(list) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(have)), Value::Array(gone)) = (target.get_mut(list), value) {
                have.retain(|item| !gone.contains(item));
            }
        } else if key == "$patch" || value.is_null() || is_deletion(&value) {
            target.remove(&key);
        } else {
            match value {
                Value::Array(items) => strategic_list(target, &key, items),
                value @ Value::Object(_) => {
                    strategic(target.entry(key).or_insert(Value::Null), value);
                }
                scalar => {
                    target.insert(key, scalar);
                }
            }
        }
    }
    for (list, order) in orders {
        if let (Some(Value::Array(items)), Value::Array(order)) = (target.get_mut(&list), order) {
            set_order(&list, items, &order);
        }
    }
}

fn is_deletion(value: &Value) -> bool {
    value.get("$patch").is_some_and(|word| word == "delete")
}

fn strategic_list(target: &mut Map<String, Value>, name: &str, mut items: Vec<Value>) {
    let replaces = |item: &Value| {
        item.get("$patch").is_some_and(|word| word == "replace")
            && item.as_object().is_some_and(|item| item.len() == 1)
    };
    if items.iter().any(replaces) {
        items.retain(|item| !replaces(item));
        target.insert(name.to_owned(), Value::Array(items));
        return;
    }
    let present = target.entry(name.to_owned()).or_insert(Value::Null);
    if !present.is_array() {
        *present = Value::Array(Vec::new());
    }
    let Value::Array(present) = present else {
        return;
    };
    if name == "finalizers" {
        for item in items {
            if !present.contains(&item) {
                present.push(item);
            }
        }
        return;
    }
    let Some(key) = merge_key(name, &items) else {
        *present = items;
        return;
    };
    for mut item in items {
        let same = |have: &Value| have.get(key) == item.get(key);
        if is_deletion(&item) {
            present.retain(|have| !same(have));
        } else if let Some(have) = present.iter_mut().find(|have| same(have)) {
            strategic(have, item);
        } else {
            strip(&mut item);
            present.push(item);
        }
    }
}

/// Takes directives out of something that is new.
fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, value| !key.starts_with('$') && !value.is_null());
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn set_order(name: &str, items: &mut [Value], order: &[Value]) {
    let key = merge_key(name, items).or_else(|| merge_key(name, order));
    let place = |item: &Value| {
        order
            .iter()
            .position(|wanted| match key {
                Some(key) => wanted.get(key) == item.get(key),
                None => wanted == item,
            })
            .unwrap_or(order.len())
    };
    items.sort_by_key(place);
}

/// The key by which the items of a list are the same thing, from Kubernetes' `patchMergeKey` of that field.
fn merge_key(list: &str, items: &[Value]) -> Option<&'static str> {
    let has = |key: &str| items.iter().any(|item| item.get(key).is_some());
    let key = match list {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "secrets" => "name",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "ports" if has("containerPort") => "containerPort",
        "ports" => "port",
        "conditions" | "addresses" => "type",
        "ownerReferences" => "uid",
        "hostAliases" => "ip",
        "topologySpreadConstraints" => "topologyKey",
        _ => return None,
    };
    (items.is_empty() || has(key)).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(kind: PatchKind, mut object: Value, patch: Value) -> Value {
        kind.apply(&mut object, patch).unwrap();
        object
    }

    #[test]
    fn strategic_merge_changes_one_container_by_name() {
        let object = json!({ "containers": [{ "name": "a", "image": "a:1" }, { "name": "b", "image": "b:1" }] });
        let patch = json!({ "$setElementOrder/containers": [{ "name": "a" }, { "name": "b" }],
            "containers": [{ "name": "b", "image": "b:2" }] });
        assert_eq!(
            patched(PatchKind::Strategic, object, patch),
            json!({ "containers": [{ "name": "a", "image": "a:1" }, { "name": "b", "image": "b:2" }] })
        );
    }

    #[test]
    fn strategic_merge_obeys_its_directives() {
        for (name, object, patch, expected) in [
            (
                "delete from a list",
                json!({ "env": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }] }),
                json!({ "env": [{ "name": "A", "$patch": "delete" }] }),
                json!({ "env": [{ "name": "B", "value": "2" }] }),
            ),
            (
                "replace a list",
                json!({ "env": [{ "name": "A" }] }),
                json!({ "env": [{ "$patch": "replace" }, { "name": "C" }] }),
                json!({ "env": [{ "name": "C" }] }),
            ),
            (
                "null removes",
                json!({ "a": { "b": 1, "c": 2 } }),
                json!({ "a": { "b": null } }),
                json!({ "a": { "c": 2 } }),
            ),
            (
                "retain keys",
                json!({ "strategy": { "type": "RollingUpdate", "rollingUpdate": {} } }),
                json!({ "strategy": { "$retainKeys": ["type"], "type": "Recreate" } }),
                json!({ "strategy": { "type": "Recreate" } }),
            ),
            (
                "order of the elements",
                json!({ "env": [{ "name": "A" }, { "name": "B" }] }),
                json!({ "$setElementOrder/env": [{ "name": "B" }, { "name": "A" }] }),
                json!({ "env": [{ "name": "B" }, { "name": "A" }] }),
            ),
            (
                "lists of scalars are replaced",
                json!({ "args": ["a", "b"] }),
                json!({ "args": ["c"] }),
                json!({ "args": ["c"] }),
            ),
            (
                "service ports by port",
                json!({ "ports": [{ "port": 80, "name": "http" }] }),
                json!({ "ports": [{ "port": 80, "targetPort": 8080 }, { "port": 81 }] }),
                json!({ "ports": [{ "port": 80, "name": "http", "targetPort": 8080 }, { "port": 81 }] }),
            ),
            (
                "primitive lists lose elements",
                json!({ "finalizers": ["a", "b"] }),
                json!({ "$deleteFromPrimitiveList/finalizers": ["a"] }),
                json!({ "finalizers": ["b"] }),
            ),
        ] {
            assert_eq!(
                patched(PatchKind::Strategic, object, patch),
                expected,
                "{name}"
            );
        }
    }

    #[test]
    fn json_and_merge_patches_follow_their_standards() {
        let object = json!({ "a": { "b": 1 }, "list": [1, 2] });
        assert_eq!(
            patched(
                PatchKind::Json,
                object.clone(),
                json!([{ "op": "replace", "path": "/a/b", "value": 2 }])
            ),
            json!({ "a": { "b": 2 }, "list": [1, 2] })
        );
        assert_eq!(
            patched(
                PatchKind::Merge,
                object,
                json!({ "a": { "b": null }, "list": [3] })
            ),
            json!({ "a": {}, "list": [3] })
        );
    }

    #[test]
    fn an_unknown_patch_type_is_refused() {
        assert!(PatchKind::of_content_type("text/plain").is_err());
        assert_eq!(
            PatchKind::of_content_type("application/json-patch+json; charset=utf-8").unwrap(),
            PatchKind::Json
        );
    }
}
