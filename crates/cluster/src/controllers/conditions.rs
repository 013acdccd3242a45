//! Conditions in an object's status: set without touching times that need not change. Pure.

use serde_json::{Value, json};

use crate::objects::meta;

/// The condition of a type.
pub(super) fn get<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    meta::items(status, "/conditions")
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// Sets a condition. `lastTransitionTime` moves only when its status does; nothing moves when nothing changes.
pub(super) fn set(status: &mut Value, kind: &str, state: &str, reason: &str, message: &str) {
    let before = get(status, kind).cloned();
    if before.as_ref().is_some_and(|before| {
        before["status"] == state
            && meta::text(before, "/reason") == reason
            && meta::text(before, "/message") == message
    }) {
        return;
    }
    let now = meta::now();
    let transition = before
        .as_ref()
        .filter(|before| before["status"] == state)
        .map_or_else(
            || now.clone(),
            |before| meta::text(before, "/lastTransitionTime").to_owned(),
        );
    let mut condition = json!({ "type": kind, "status": state, "lastTransitionTime": transition });
    if !reason.is_empty() {
        condition["reason"] = reason.into();
    }
    if !message.is_empty() {
        condition["message"] = message.into();
    }
    if kind == "Available" || kind == "Progressing" {
        condition["lastUpdateTime"] = now.into();
    }
    let list = meta::ensure(status, &[])
        .entry("conditions")
        .or_insert_with(|| json!([]));
    let Some(list) = list.as_array_mut() else {
        return;
    };
    match list.iter_mut().find(|condition| condition["type"] == kind) {
        Some(place) => *place = condition,
        None => list.push(condition),
    }
}

/// Notes that things still move: `lastUpdateTime` is now, whatever else stays.
pub(super) fn touch(status: &mut Value, kind: &str) {
    let list = status["conditions"].as_array_mut().into_iter().flatten();
    for condition in list.filter(|condition| condition["type"] == kind) {
        condition["lastUpdateTime"] = meta::now().into();
    }
}
