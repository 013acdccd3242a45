//! Events in the form of `events.k8s.io`; they are stored in that of the core group. Pure.

use serde_json::{Value, json};

use super::target::Target;
use crate::objects::Kind;

/// Field names: in the core group, in `events.k8s.io`.
const FIELDS: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("count", "deprecatedCount"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("reportingComponent", "reportingController"),
];

/// The object as the target's group shows it.
pub(super) fn out(target: &Target, object: &Value) -> Value {
    let mut object = object.clone();
    if is_other_group(target) {
        object["apiVersion"] = "events.k8s.io/v1".into();
        rename(&mut object, |(core, other)| (core, other));
    }
    object
}

/// The object as it is stored.
pub(super) fn stored(target: &Target, mut object: Value) -> Value {
    if target.kind != Kind::Event {
        return object;
    }
    if is_other_group(target) {
        object["apiVersion"] = "v1".into();
        rename(&mut object, |(core, other)| (other, core));
    }
    let time = object["eventTime"].clone();
    if let Some(map) = object.as_object_mut() {
        for key in ["firstTimestamp", "lastTimestamp"] {
            if map.get(key).is_none_or(Value::is_null) && !time.is_null() {
                map.insert(key.to_owned(), time.clone());
            }
        }
        map.entry("count").or_insert(json!(1));
    }
    object
}

fn is_other_group(target: &Target) -> bool {
    target.kind == Kind::Event && target.group == "events.k8s.io"
}

fn rename(
    object: &mut Value,
    direction: fn((&'static str, &'static str)) -> (&'static str, &'static str),
) {
    let Some(map) = object.as_object_mut() else {
        return;
    };
    for pair in FIELDS {
        let (from, to) = direction(pair);
        if let Some(value) = map.remove(from) {
            map.insert(to.to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_the_way_out_and_in() {
        let target = Target::parse("/apis/events.k8s.io/v1/namespaces/s/events").unwrap();
        let event = json!({ "apiVersion": "v1", "message": "m", "count": 2, "involvedObject": { "name": "a" },
            "firstTimestamp": "t", "lastTimestamp": "u" });
        let shown = out(&target, &event);
        assert_eq!(
            (&shown["note"], &shown["regarding"]["name"]),
            (&json!("m"), &json!("a"))
        );
        assert_eq!(stored(&target, shown), event);
    }
}
