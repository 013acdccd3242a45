//! The paths of the Kubernetes API that the fake answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use http::{Method, StatusCode, Uri};
use serde_json::{Value, json};

use super::{Fake, Seen, broker};

pub(super) fn app(fake: Arc<Fake>) -> Router {
    let pod = "/api/v1/namespaces/{ns}/pods/{pod}";
    let scalers = "/apis/autoscaling/v2/namespaces/{ns}/horizontalpodautoscalers";
    let object = || get(show).patch(patch).put(replace).delete(remove);
    Router::new()
        .route("/api/v1/namespaces/{ns}", get(namespace))
        .route("/api/v1/namespaces/{ns}/pods", get(list_pods))
        .route(pod, get(get_pod).delete(delete_pod))
        .route(&format!("{pod}/portforward"), get(broker::forward))
        .route(&format!("{pod}/proxy/{{*path}}"), any(proxy))
        .route("/apis/apps/v1/namespaces/{ns}/deployments/{name}", object())
        .route("/api/v1/namespaces/{ns}/services/{name}", object())
        .route(scalers, post(create))
        .route(&format!("{scalers}/{{name}}"), object())
        .layer(axum::middleware::from_fn_with_state(fake.clone(), record))
        .with_state(fake)
}

async fn record(
    State(fake): State<Arc<Fake>>,
    request: Request,
    next: axum::middleware::Next,
) -> Response {
    let mut silent = fake.silent.subscribe();
    let answers = silent.wait_for(|silent| !silent);
    if tokio::time::timeout(Duration::from_secs(60), answers)
        .await
        .is_err()
    {
        return StatusCode::GATEWAY_TIMEOUT.into_response();
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("body");
    fake.objects().seen.push(Seen {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    });
    next.run(Request::from_parts(parts, Body::from(bytes)))
        .await
}

pub(super) fn not_found() -> Response {
    status(404, "NotFound")
}

fn status(code: u16, reason: &str) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": reason, "reason": reason, "code": code,
    });
    (StatusCode::from_u16(code).expect("code"), Json(body)).into_response()
}

async fn namespace(State(fake): State<Arc<Fake>>, Path(ns): Path<String>) -> Response {
    match fake.objects().labels.get(&ns) {
        Some(labels) => Json(json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": ns, "labels": labels},
        }))
        .into_response(),
        None => not_found(),
    }
}

async fn list_pods(
    State(fake): State<Arc<Fake>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let wanted = query["labelSelector"]
        .strip_prefix("name=")
        .expect("selector");
    let objects = fake.objects();
    let pods = objects.pods.values();
    let pods: Vec<&Value> = pods
        .filter(|pod| pod["metadata"]["labels"]["name"] == wanted)
        .collect();
    Json(json!({"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": pods}))
        .into_response()
}

async fn get_pod(
    State(fake): State<Arc<Fake>>,
    Path((_, pod)): Path<(String, String)>,
) -> Response {
    match fake.objects().pods.get(&pod) {
        Some(pod) => Json(pod.clone()).into_response(),
        None => not_found(),
    }
}

async fn delete_pod(
    State(fake): State<Arc<Fake>>,
    Path((_, pod)): Path<(String, String)>,
) -> Response {
    match fake.objects().pods.remove(&pod) {
        Some(pod) => Json(pod).into_response(),
        None => not_found(),
    }
}

async fn proxy(
    State(fake): State<Arc<Fake>>,
    Path((_, pod, path)): Path<(String, String, String)>,
    method: Method,
    headers: http::HeaderMap,
    body: Bytes,
) -> Response {
    let pod = pod.strip_suffix(":8474").expect("the edge's port");
    let key = headers.get("x-lab-key").and_then(|key| key.to_str().ok());
    let request = Seen {
        method,
        path: path.clone(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    fake.relay(pod, &path, request, key).await
}

async fn show(State(fake): State<Arc<Fake>>, uri: Uri) -> Response {
    match fake.stored(uri.path()) {
        Value::Null => not_found(),
        object => Json(object).into_response(),
    }
}

async fn create(State(fake): State<Arc<Fake>>, uri: Uri, Json(object): Json<Value>) -> Response {
    let name = object["metadata"]["name"].as_str().expect("name");
    let path = format!("{}/{name}", uri.path());
    if !fake.stored(&path).is_null() {
        return status(409, "AlreadyExists");
    }
    fake.store(&path, object);
    Json(fake.stored(&path)).into_response()
}

async fn remove(State(fake): State<Arc<Fake>>, uri: Uri, Json(params): Json<Value>) -> Response {
    let mut objects = fake.objects();
    let Some(object) = objects.stored.get(uri.path()) else {
        return not_found();
    };
    for (name, wanted) in params["preconditions"].as_object().expect("preconditions") {
        if object["metadata"][name] != *wanted {
            return status(409, "Conflict");
        }
    }
    objects.stored.remove(uri.path());
    Json(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}))
        .into_response()
}

async fn replace(State(fake): State<Arc<Fake>>, uri: Uri, Json(object): Json<Value>) -> Response {
    changed(&fake, uri.path(), &object, |present| {
        *present = object.clone();
    })
}

async fn patch(
    State(fake): State<Arc<Fake>>,
    uri: Uri,
    headers: http::HeaderMap,
    Json(patch): Json<Value>,
) -> Response {
    assert_eq!(
        headers["content-type"],
        "application/strategic-merge-patch+json"
    );
    let mut slow = fake.slow_answers.subscribe();
    let response = changed(&fake, uri.path(), &patch, |present| merge(present, &patch));
    slow.wait_for(|slow| !slow).await.expect("the fake lives");
    response
}

/// Changes an object unless it was changed since the one who wants that read it.
fn changed(fake: &Fake, path: &str, wanted: &Value, change: impl Fn(&mut Value)) -> Response {
    if let Some(path) = &*fake.journal.lock().expect("lock") {
        let journal = std::fs::read_to_string(path).expect("journal");
        assert!(journal.contains("injecting"), "journaled before the change");
    }
    let mut objects = fake.objects();
    if objects.conflicts > 0 {
        objects.conflicts -= 1;
        return status(409, "Conflict");
    }
    objects.version += 1;
    let version = objects.version;
    let Some(object) = objects.stored.get_mut(path) else {
        return not_found();
    };
    if wanted["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] {
        return status(409, "Conflict");
    }
    change(object);
    object["metadata"]["resourceVersion"] = format!("v{version}").into();
    Json(object.clone()).into_response()
}

/// A strategic merge: lists of things with names or ports are merged by those.
fn merge(target: &mut Value, patch: &Value) {
    match patch {
        Value::Object(changes) => {
            if !target.is_object() {
                *target = json!({});
            }
            for (name, change) in changes {
                if change.is_null() {
                    target.as_object_mut().expect("object").remove(name);
                } else {
                    merge(&mut target[name.as_str()], change);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                let key = if item["name"].is_null() {
                    "port"
                } else {
                    "name"
                };
                let present = target.as_array_mut().expect("list");
                let same = present.iter_mut().find(|have| have[key] == item[key]);
                merge(same.expect("nothing new is put in a list"), item);
            }
        }
        scalar => *target = scalar.clone(),
    }
}
