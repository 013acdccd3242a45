//! The API as its clients see it, without a network.

use std::time::Duration;

use axum::body::Body;
use futures::StreamExt;
use serde_json::json;
use tower::ServiceExt;

use super::*;
use crate::objects::{Kind, meta};
use crate::runtime::Usage;
use crate::runtime::fake::Using;

/// The Pod `p` works, the others do nothing.
fn busy(pod: &str) -> Option<Usage> {
    (pod == "p").then_some(Usage {
        cpu_cores: 0.5,
        cpu_seconds_total: 1.0,
        memory_bytes: 2048,
        throttling: None,
    })
}

struct Server {
    api: Arc<Api>,
    token: String,
}

impl Server {
    fn new() -> Self {
        let objects = Objects::new();
        for namespace in ["shop", "shoplab"] {
            objects
                .create(
                    Kind::Namespace,
                    json!({ "metadata": { "name": namespace } }),
                )
                .unwrap();
            for name in ["p", "q"] {
                let pod = json!({ "metadata": { "name": name, "namespace": namespace, "labels": { "name": name } },
                    "spec": { "containers": [{ "name": "main", "image": "a:1" }] } });
                objects.create(Kind::Pod, pod).unwrap();
            }
        }
        let access = Access::new(vec!["shoplab".to_owned()]);
        let token = access.lab_token.clone();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let cancel = CancellationToken::new();
        let api = Api {
            objects,
            access,
            runtime: Arc::new(Using(busy)),
            client,
            cancel,
        };
        Self {
            api: Arc::new(api),
            token,
        }
    }

    fn responder() -> Self {
        let mut server = Self::new();
        server.token = server.api.access.responder_token.clone();
        server
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        accept: &str,
        body: String,
    ) -> Response {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", content_type)
            .header("accept", accept)
            .body(Body::from(body))
            .unwrap();
        app(self.api.clone()).oneshot(request).await.unwrap()
    }

    async fn json(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let kind = if method == "PATCH" {
            "application/strategic-merge-patch+json"
        } else {
            "application/json"
        };
        read(
            self.send(method, path, kind, "application/json", body)
                .await,
        )
        .await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        self.json("GET", path, Value::Null).await
    }
}

async fn read(response: Response) -> (u16, Value) {
    let code = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    (code, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|item| format!("{}/{}", meta::namespace(item), meta::name(item)))
        .collect()
}

fn deployment() -> Value {
    json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "d" }, "spec": {
        "selector": { "matchLabels": { "a": "b" } },
        "template": { "metadata": { "labels": { "a": "b" } }, "spec": { "containers": [{ "name": "c", "image": "i:1" }] } } } })
}

#[tokio::test]
async fn nobody_comes_in_without_a_token() {
    let mut server = Server::new();
    server.token = "wrong".to_owned();
    let (code, status) = server.get("/api/v1/pods").await;
    assert_eq!((code, &status["reason"]), (401, &json!("Unauthorized")));
}

#[tokio::test]
async fn the_lab_sees_all_and_responders_do_not_see_the_hidden_namespace() {
    let (_, list) = Server::new().get("/api/v1/pods").await;
    assert_eq!(names(&list), ["shop/p", "shop/q", "shoplab/p", "shoplab/q"]);
    let server = Server::responder();
    let (_, list) = server.get("/api/v1/pods").await;
    assert_eq!(names(&list), ["shop/p", "shop/q"]);
    let (_, list) = server.get("/api/v1/namespaces").await;
    assert_eq!(names(&list), ["/shop"]);
    let (_, list) = server.get("/apis/metrics.k8s.io/v1beta1/pods").await;
    assert_eq!(names(&list), ["shop/p"]);
    for (method, path) in [
        ("GET", "/api/v1/namespaces/shoplab"),
        ("GET", "/api/v1/namespaces/shoplab/pods"),
        ("GET", "/api/v1/namespaces/shoplab/pods/p"),
        ("GET", "/api/v1/namespaces/shoplab/pods/p/log"),
        (
            "GET",
            "/api/v1/namespaces/shoplab/pods/p:8474/proxy/proxies",
        ),
        ("GET", "/api/v1/namespaces/shoplab/secrets"),
        (
            "GET",
            "/apis/metrics.k8s.io/v1beta1/namespaces/shoplab/pods",
        ),
        ("DELETE", "/api/v1/namespaces/shoplab/pods/p"),
        ("DELETE", "/api/v1/namespaces/shoplab"),
        ("GET", "/metrics"),
    ] {
        let (code, status) = server.json(method, path, Value::Null).await;
        assert_eq!(
            (code, &status["reason"]),
            (403, &json!("Forbidden")),
            "{method} {path}"
        );
        assert_eq!(status["kind"], "Status");
    }
}

#[tokio::test]
async fn an_object_is_made_read_patched_scaled_and_deleted() {
    let server = Server::new();
    let path = "/apis/apps/v1/namespaces/shop/deployments";
    let (code, made) = server.json("POST", path, deployment()).await;
    assert_eq!(
        (code, &made["spec"]["replicas"]),
        (201, &json!(1)),
        "{made}"
    );
    let one = format!("{path}/d");
    let (code, status) = server.json("POST", path, deployment()).await;
    assert_eq!((code, &status["reason"]), (409, &json!("AlreadyExists")));
    let patch = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "c", "image": "i:2" }] } } } });
    let (_, patched) = server.json("PATCH", &one, patch).await;
    assert_eq!(
        patched["spec"]["template"]["spec"]["containers"][0]["image"],
        "i:2"
    );
    assert_eq!(patched["metadata"]["generation"], 2);
    let (_, scale) = server
        .json(
            "PATCH",
            &format!("{one}/scale"),
            json!({ "spec": { "replicas": 3 } }),
        )
        .await;
    assert_eq!(
        (&scale["kind"], &scale["spec"]["replicas"]),
        (&json!("Scale"), &json!(3))
    );
    let (_, status) = server
        .json(
            "PATCH",
            &format!("{one}/status"),
            json!({ "status": { "replicas": 9 }, "spec": { "replicas": 7 } }),
        )
        .await;
    assert_eq!(
        (&status["status"]["replicas"], &status["spec"]["replicas"]),
        (&json!(9), &json!(3))
    );
    let (code, gone) = server
        .json("DELETE", &one, json!({ "propagationPolicy": "Background" }))
        .await;
    assert_eq!((code, &gone["status"]), (200, &json!("Success")));
    let (code, status) = server.get(&one).await;
    assert_eq!(
        (code, &status["message"]),
        (404, &json!("deployments.apps \"d\" not found"))
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_in_kubernetes_words() {
    let server = Server::new();
    let mut wrong = deployment();
    wrong["spec"]["selector"]["matchLabels"]["a"] = "c".into();
    let mut typo = deployment();
    typo["spec"]["replica"] = 2.into();
    let mut stale = deployment();
    stale["metadata"]["resourceVersion"] = "1".into();
    let path = "/apis/apps/v1/namespaces/shop/deployments";
    server.json("POST", path, deployment()).await;
    for (method, path, body, code, reason, part) in [
        (
            "POST",
            path.to_owned(),
            wrong,
            422,
            "Invalid",
            "`selector` does not match",
        ),
        (
            "POST",
            format!("{path}?fieldValidation=Strict"),
            typo,
            400,
            "BadRequest",
            "unknown field \"spec.replica\"",
        ),
        (
            "PUT",
            format!("{path}/d"),
            stale,
            409,
            "Conflict",
            "the object has been modified",
        ),
        (
            "POST",
            "/api/v1/namespaces/none/pods".into(),
            json!({ "metadata": { "name": "x" } }),
            404,
            "NotFound",
            "namespaces \"none\" not found",
        ),
        (
            "GET",
            "/api/v1/things".into(),
            Value::Null,
            404,
            "NotFound",
            "could not find the requested resource",
        ),
        (
            "GET",
            "/api/v1/pods?labelSelector=a%20b".into(),
            Value::Null,
            400,
            "BadRequest",
            "unable to parse",
        ),
        (
            "GET",
            "/api/v1/namespaces/shop/pods/p/log?container=x".into(),
            Value::Null,
            400,
            "BadRequest",
            "container x is not valid for pod p",
        ),
        (
            "GET",
            "/api/v1/namespaces/shop/pods/p/log".into(),
            Value::Null,
            400,
            "BadRequest",
            "is waiting to start: ContainerCreating",
        ),
        (
            "POST",
            "/api/v1/namespaces/shop/pods/p/exec?command=ls".into(),
            Value::Null,
            400,
            "BadRequest",
            "kubectl 1.31 and newer",
        ),
        (
            "POST",
            "/api/v1/namespaces/shop/pods/p/portforward?ports=80".into(),
            Value::Null,
            501,
            "NotImplemented",
            "port-forward",
        ),
        (
            "GET",
            "/api/v1/namespaces/shop/services/none/proxy/".into(),
            Value::Null,
            404,
            "NotFound",
            "services \"none\" not found",
        ),
    ] {
        let (found, status) = server.json(method, &path, body).await;
        assert_eq!(
            (found, &status["reason"]),
            (code, &json!(reason)),
            "{path}: {status}"
        );
        assert!(
            status["message"].as_str().unwrap().contains(part),
            "{status}"
        );
    }
}

#[tokio::test]
async fn lists_can_be_selected_and_come_in_pieces() {
    let server = Server::new();
    for (query, expected) in [
        ("labelSelector=name%3Dp", &["shop/p", "shoplab/p"][..]),
        (
            "fieldSelector=metadata.name%3Dq,metadata.namespace%3Dshop",
            &["shop/q"],
        ),
        ("limit=3", &["shop/p", "shop/q", "shoplab/p"]),
    ] {
        let (_, list) = server.get(&format!("/api/v1/pods?{query}")).await;
        assert_eq!(names(&list), expected, "{query}");
    }
    let (_, first) = server.get("/api/v1/pods?limit=3").await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let (_, rest) = server
        .get(&format!("/api/v1/pods?limit=3&continue={token}"))
        .await;
    assert_eq!(names(&rest), ["shoplab/q"]);
}

#[tokio::test]
async fn kubectl_gets_tables() {
    let server = Server::new();
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    let response = server
        .send(
            "GET",
            "/api/v1/namespaces/shop/pods",
            "",
            accept,
            String::new(),
        )
        .await;
    let (_, table) = read(response).await;
    assert_eq!(table["kind"], "Table");
    assert_eq!(table["rows"][0]["cells"][0], "p");
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
}

#[tokio::test]
async fn a_watch_tells_what_the_selector_lets_through() {
    let server = Server::responder();
    let path = "/api/v1/pods?watch=true&labelSelector=name%3Dp&timeoutSeconds=60";
    let response = server
        .send("GET", path, "", "application/json", String::new())
        .await;
    let mut lines = response.into_body().into_data_stream();
    let mut next = async || -> (String, String) {
        let bytes = tokio::time::timeout(Duration::from_secs(5), lines.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        let event: Value = serde_json::from_slice(&bytes).unwrap();
        let object = &event["object"];
        (
            event["type"].as_str().unwrap().to_owned(),
            format!("{}/{}", meta::namespace(object), meta::name(object)),
        )
    };
    assert_eq!(next().await, ("ADDED".into(), "shop/p".into()));
    let objects = &server.api.objects;
    let relabel = |namespace: &str, name: &str, to: &str| {
        objects
            .modify(Kind::Pod, namespace, name, |pod| {
                pod["metadata"]["labels"]["name"] = to.into();
            })
            .unwrap();
    };
    relabel("shoplab", "q", "p");
    relabel("shop", "q", "p");
    assert_eq!(next().await, ("ADDED".into(), "shop/q".into()));
    relabel("shop", "q", "other");
    assert_eq!(next().await, ("DELETED".into(), "shop/q".into()));
    objects.remove(Kind::Pod, "shop", "p", None);
    assert_eq!(next().await, ("DELETED".into(), "shop/p".into()));
}

#[tokio::test]
async fn a_proxied_request_reaches_the_pod_without_the_token() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let echo = Router::new().fallback(|request: Request| async move {
        let headers = request.headers().clone();
        let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or("").to_owned());
        let body = axum::body::to_bytes(request.into_body(), 100).await.unwrap();
        let key = headers.get("x-lab-key").map(|key| key.to_str().unwrap().to_owned());
        let told = json!({ "path": path, "query": query, "key": key, "token": headers.contains_key("authorization"),
            "body": String::from_utf8_lossy(&body) });
        (StatusCode::IM_A_TEAPOT, axum::Json(told))
    });
    let pod = tokio::spawn(async move { axum::serve(listener, echo).await });
    let server = Server::new();
    server
        .api
        .objects
        .modify(Kind::Pod, "shop", "p", |pod| {
            pod["status"]["podIP"] = "127.0.0.1".into();
        })
        .unwrap();
    let request = Request::builder()
        .method("POST")
        .uri(format!(
            "/api/v1/namespaces/shop/pods/p:{port}/proxy/a/b?c=d"
        ))
        .header("authorization", format!("Bearer {}", server.token))
        .header("x-lab-key", "secret")
        .body(Body::from("hello"))
        .unwrap();
    let (code, told) = read(app(server.api.clone()).oneshot(request).await.unwrap()).await;
    assert_eq!(code, 418);
    assert_eq!(
        told,
        json!({ "path": "/a/b", "query": "c=d", "key": "secret", "token": false, "body": "hello" })
    );
    pod.abort();
    let closed = format!("/api/v1/namespaces/shop/pods/p:{port}/proxy/");
    let _ = pod.await;
    let (code, status) = server.get(&closed).await;
    assert_eq!(code, 503);
    assert!(
        status["message"]
            .as_str()
            .unwrap()
            .contains("error trying to reach service: dial tcp 127.0.0.1"),
        "{status}"
    );
}
