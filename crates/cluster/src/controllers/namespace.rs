//! Namespaces: what a new one gets, and the end of one with all that is in it.

use serde_json::json;

use crate::objects::{DeleteOptions, Kind, Objects, meta};

/// Furnishes a namespace; empties and removes one that is to go.
pub(super) fn reconcile(objects: &Objects, name: &str) {
    let Some(namespace) = objects.find(Kind::Namespace, "", name) else {
        return;
    };
    if !meta::is_terminating(&namespace) {
        let account = json!({ "metadata": { "name": "default", "namespace": name } });
        // It exists already, mostly.
        let _ = objects.create(Kind::ServiceAccount, account);
        return;
    }
    let inner = || Kind::ALL.into_iter().filter(|kind| kind.namespaced());
    for kind in inner() {
        for object in objects.list(kind, Some(name)) {
            if !meta::is_terminating(&object) {
                // Somebody else may have been faster.
                let _ = objects.delete(kind, name, meta::name(&object), &DeleteOptions::default());
            }
        }
    }
    let left: usize = inner()
        .map(|kind| objects.list(kind, Some(name)).len())
        .sum();
    if left == 0 {
        objects.remove(Kind::Namespace, "", name, Some(meta::uid(&namespace)));
    }
}
