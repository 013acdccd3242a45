//! As much OpenAPI as clients need to leave validation to the server. Pure.
//!
//! `kubectl apply` asks whether PATCH of a kind takes `fieldValidation`; when it does, the client sends the object
//! without a schema of its own. Older clients read version 2 as protobuf; an empty message is a document that
//! describes nothing, so they skip validation.

use serde_json::{Map, Value, json};

use crate::objects::Kind;

/// The index at `/openapi/v3`.
pub(crate) fn index() -> Value {
    let mut paths = Map::new();
    for kind in Kind::ALL {
        for version in kind.versions() {
            let place = place(kind, version);
            let link = json!({ "serverRelativeURL": format!("/openapi/v3/{place}") });
            paths.insert(place, link);
        }
    }
    json!({ "paths": paths })
}

/// The document of one group and version, `apis/apps/v1` or `api/v1`.
pub(crate) fn document(wanted: &str) -> Option<Value> {
    let mut paths = Map::new();
    let here = Kind::ALL.into_iter().flat_map(|kind| {
        let versions = kind.versions().iter();
        versions.map(move |version| (kind, *version))
    });
    for (kind, version) in here.filter(|(kind, version)| place(*kind, version) == wanted) {
        let info = kind.info();
        let namespace = if info.namespaced {
            "namespaces/{namespace}/"
        } else {
            ""
        };
        paths.insert(
            format!("/{wanted}/{namespace}{}/{{name}}", info.plural),
            json!({ "patch": {
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind":
                    { "group": info.group, "version": version, "kind": info.kind },
                "parameters": [parameter("fieldValidation"), parameter("dryRun"), parameter("fieldManager")],
                "requestBody": { "content": { "application/merge-patch+json": {} } },
                "responses": { "200": { "description": "OK" } },
            } }),
        );
    }
    (!paths.is_empty()).then(|| {
        json!({
            "openapi": "3.0.0",
            "info": { "title": "Kubernetes", "version": super::discovery::VERSION },
            "paths": paths,
            "components": { "schemas": {} },
        })
    })
}

fn place(kind: Kind, version: &str) -> String {
    let info = kind.info();
    if info.group.is_empty() {
        format!("api/{version}")
    } else {
        format!("apis/{}/{version}", info.group)
    }
}

fn parameter(name: &str) -> Value {
    json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_names_documents_that_exist() {
        for place in index()["paths"].as_object().unwrap().keys() {
            let document = document(place).unwrap();
            assert!(
                document["paths"]
                    .as_object()
                    .is_some_and(|paths| !paths.is_empty())
            );
        }
        assert_eq!(super::document("apis/nothing/v1"), None);
    }
}
