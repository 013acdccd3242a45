//! `metrics.k8s.io`: what `kubectl top` asks.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Api;
use super::auth::Identity;
use super::read;
use super::status::{ApiError, ApiResult};
use super::target::{Params, decode};
use crate::objects::{Kind, meta};
use crate::runtime::Usage;

/// `GET /apis/metrics.k8s.io/v1beta1/{rest}`: `pods`, `nodes`, `namespaces/{ns}/pods`, with or without a name.
pub(super) fn resource(
    api: &Api,
    who: Identity,
    rest: &str,
    params: &Params,
) -> ApiResult<Response> {
    let segments: Vec<String> = rest.trim_end_matches('/').split('/').map(decode).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["nodes"] => {
            let nodes = api.objects.list(Kind::Node, None);
            let items = nodes.iter().map(|node| node_metrics(api, node)).collect();
            Ok(list("NodeMetricsList", items))
        }
        ["nodes", name] => {
            let node = api.objects.get(Kind::Node, "", name)?;
            Ok(Json(node_metrics(api, &node)).into_response())
        }
        ["pods"] => pods(api, who, None, params),
        ["namespaces", namespace, "pods"] => {
            see(api, who, namespace)?;
            pods(api, who, Some(namespace), params)
        }
        ["namespaces", namespace, "pods", name] => {
            see(api, who, namespace)?;
            let pod = api.objects.get(Kind::Pod, namespace, name)?;
            let metrics =
                pod_metrics(api, &pod).ok_or_else(|| ApiError::not_found(Kind::Pod, name))?;
            Ok(Json(metrics).into_response())
        }
        _ => Err(ApiError::no_such_path()),
    }
}

fn see(api: &Api, who: Identity, namespace: &str) -> ApiResult<()> {
    if api.access.sees(who, namespace) {
        return Ok(());
    }
    Err(ApiError::forbidden(
        who.user(),
        "get",
        "pods",
        "metrics.k8s.io",
        namespace,
    ))
}

fn pods(api: &Api, who: Identity, namespace: Option<&str>, params: &Params) -> ApiResult<Response> {
    let labels = read::labels(params)?;
    let pods = api.objects.list(Kind::Pod, namespace);
    let items = pods
        .iter()
        .filter(|pod| api.access.sees_object(who, Kind::Pod, pod) && labels.matches(pod))
        .filter_map(|pod| pod_metrics(api, pod))
        .collect();
    Ok(list("PodMetricsList", items))
}

fn list(kind: &str, items: Vec<Value>) -> Response {
    Json(json!({
        "kind": kind,
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {},
        "items": items,
    }))
    .into_response()
}

fn pod_metrics(api: &Api, pod: &Value) -> Option<Value> {
    let usage = api.runtime.usage(meta::namespace(pod), meta::name(pod));
    if usage.is_empty() {
        return None;
    }
    let containers: Vec<_> = usage
        .iter()
        .map(|(name, usage)| json!({ "name": name, "usage": written(usage) }))
        .collect();
    let metadata = &pod["metadata"];
    Some(json!({
        "kind": "PodMetrics",
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": metadata["labels"],
            "creationTimestamp": meta::now(),
        },
        "timestamp": meta::now(),
        "window": "5s",
        "containers": containers,
    }))
}

fn node_metrics(api: &Api, node: &Value) -> Value {
    let mut total = Usage::default();
    for pod in api.objects.list(Kind::Pod, None) {
        if meta::text(&pod, "/spec/nodeName") != meta::name(node) {
            continue;
        }
        for (_, usage) in api.runtime.usage(meta::namespace(&pod), meta::name(&pod)) {
            total.cpu_cores += usage.cpu_cores;
            total.memory_bytes += usage.memory_bytes;
        }
    }
    json!({
        "kind": "NodeMetrics",
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": { "name": node["metadata"]["name"], "labels": node["metadata"]["labels"], "creationTimestamp": meta::now() },
        "timestamp": meta::now(),
        "window": "5s",
        "usage": written(&total),
    })
}

fn written(usage: &Usage) -> Value {
    json!({
        "cpu": format!("{}n", (usage.cpu_cores * 1e9).round() as u64),
        "memory": format!("{}Ki", usage.memory_bytes / 1024),
    })
}
