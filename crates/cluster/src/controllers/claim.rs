//! PersistentVolumeClaims: bound at once, since every claim is a folder of the node.

use serde_json::json;

use crate::objects::{Kind, Objects, meta};

/// Binds a claim.
pub(super) fn reconcile(objects: &Objects, namespace: &str, name: &str) {
    // A claim that is gone meanwhile needs nothing.
    let _ = objects.modify(Kind::PersistentVolumeClaim, namespace, name, |claim| {
        if meta::text(claim, "/status/phase") == "Bound" {
            return;
        }
        claim["spec"]["volumeName"] = format!("pvc-{}", meta::uid(claim)).into();
        claim["status"] = json!({
            "phase": "Bound",
            "accessModes": claim["spec"]["accessModes"],
            "capacity": claim["spec"]["resources"]["requests"],
        });
    });
}
