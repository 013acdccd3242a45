//! Garbage collection: what is owned goes with its owner.

use std::sync::Arc;

use serde_json::Value;

use crate::objects::{DeleteOptions, Kind, Objects, meta};

/// The finalizer of an object that goes after its dependents.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";

/// Deletes what the object with `uid`, which is gone, was the last owner of.
pub(super) fn collect(objects: &Objects, uid: &str) {
    for (kind, object) in dependents(objects, uid) {
        let (namespace, name) = (meta::namespace(&object), meta::name(&object));
        if meta::items(&object, "/metadata/ownerReferences").len() > 1 {
            // Other owners keep it; a missing object needs nothing.
            let _ = objects.modify(kind, namespace, name, |object| disown(object, uid));
        } else {
            let _ = objects.delete(kind, namespace, name, &DeleteOptions::default());
        }
    }
}

/// Deletes the dependents of an object that is to go after them, and lets it go once there are none.
pub(super) fn foreground(objects: &Objects, kind: Kind, namespace: &str, name: &str) {
    let Some(object) = objects.find(kind, namespace, name) else {
        return;
    };
    let waits = meta::items(&object, "/metadata/finalizers")
        .iter()
        .any(|finalizer| finalizer == FOREGROUND);
    if !meta::is_terminating(&object) || !waits {
        return;
    }
    let uid = meta::uid(&object);
    for (kind, dependent) in dependents(objects, uid) {
        if !meta::is_terminating(&dependent) {
            // Somebody else may have been faster.
            let _ = objects.delete(
                kind,
                meta::namespace(&dependent),
                meta::name(&dependent),
                &DeleteOptions::default(),
            );
        }
    }
    if !has_dependents(objects, uid) {
        let _ = objects.modify(kind, namespace, name, |object| {
            if let Some(finalizers) = object["metadata"]["finalizers"].as_array_mut() {
                finalizers.retain(|finalizer| finalizer != FOREGROUND);
            }
        });
    }
}

/// Whether anything is owned by the object with `uid`.
pub(crate) fn has_dependents(objects: &Objects, uid: &str) -> bool {
    !dependents(objects, uid).is_empty()
}

/// Lets go of all that the object with `uid` owns, so that it stays.
pub(crate) fn orphan_dependents(objects: &Objects, uid: &str) {
    for (kind, object) in dependents(objects, uid) {
        // A missing object needs nothing.
        let _ = objects.modify(
            kind,
            meta::namespace(&object),
            meta::name(&object),
            |object| disown(object, uid),
        );
    }
}

fn disown(object: &mut Value, uid: &str) {
    if let Some(owners) = object["metadata"]["ownerReferences"].as_array_mut() {
        owners.retain(|owner| owner["uid"] != uid);
    }
}

fn dependents(objects: &Objects, uid: &str) -> Vec<(Kind, Arc<Value>)> {
    let mut found = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Event) {
        for object in objects.list(kind, None) {
            let owners = meta::items(&object, "/metadata/ownerReferences");
            if owners.iter().any(|owner| owner["uid"] == uid) {
                found.push((kind, object));
            }
        }
    }
    found
}
