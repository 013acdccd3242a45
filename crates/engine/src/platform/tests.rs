//! The Kubernetes API as a function: what is asked of it, and what it answers.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Method, Request, Response};
use kube::client::Body;
use model::{Action, Change, Timestamp};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::Clock;

/// A request: method, path with query, content type, body.
type Asked = (Method, String, String, Value);

/// An API server that answers by `answer` and notes what it is asked.
fn api(
    answer: impl Fn(&Method, &str) -> (u16, String) + Send + Sync + 'static,
) -> (Kubernetes, Arc<Mutex<Vec<Asked>>>) {
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let notes = Arc::clone(&asked);
    let answer = Arc::new(answer);
    let service = tower::service_fn(move |request: Request<Body>| {
        let (notes, answer) = (Arc::clone(&notes), Arc::clone(&answer));
        async move {
            let (head, body) = request.into_parts();
            let path = head.uri.path_and_query().map_or("", |path| path.as_str());
            let kind = head.headers.get("content-type");
            let kind = kind.map_or("", |kind| kind.to_str().expect("text"));
            let body = body.collect_bytes().await.expect("a body");
            let body = serde_json::from_slice(&body).unwrap_or_default();
            let note = (head.method.clone(), path.to_owned(), kind.to_owned(), body);
            notes.lock().expect("no panic").push(note);
            let (status, text) = answer(&head.method, path);
            let response = Response::builder().status(status);
            let response = response.body(Body::from(text.into_bytes()));
            Ok::<_, Infallible>(response.expect("a response"))
        }
    });
    let client = kube::Client::new(service, "sock-shop");
    let clock = Clock::starting_at(Timestamp::from_millis(1_700_000_000_000));
    let manifests = vec![
        json!({ "kind": "Service", "metadata": { "name": "payment" },
                "spec": { "ports": [{ "port": 80, "targetPort": 8080 }] } }),
    ];
    (
        Kubernetes::new(&client, "sock-shop", clock, manifests),
        asked,
    )
}

fn deployment(replicas: u32, image: &str) -> Value {
    json!({ "metadata": { "name": "payment", "uid": "u1", "resourceVersion": "7",
            "annotations": { "deployment.kubernetes.io/revision": "2" } },
        "spec": { "replicas": replicas, "selector": {}, "template": { "spec": { "containers": [
            { "name": "payment", "image": image }] } } } })
}

fn pod(restarts: u32) -> Value {
    json!({ "metadata": { "name": "payment-1", "labels": { "name": "payment" } },
        "status": { "containerStatuses": [{ "name": "payment", "restartCount": restarts,
            "ready": true, "image": "", "imageID": "" }] } })
}

fn list(items: &[Value]) -> String {
    json!({ "metadata": { "resourceVersion": "9" }, "items": items }).to_string()
}

#[tokio::test]
async fn each_action_asks_the_api_what_kubectl_would() {
    let set = json!({ "metadata": { "annotations": { "deployment.kubernetes.io/revision": "1" },
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "payment", "uid": "u1" }] },
        "spec": { "selector": {}, "template": { "spec": { "containers": [
            { "name": "payment", "image": "shoplab/payment:v0" }] } } } });
    let payment = "/apis/apps/v1/namespaces/sock-shop/deployments/payment?";
    let scale = "/apis/apps/v1/namespaces/sock-shop/deployments/payment/scale?";
    let image = "/spec/template/spec/containers/0/image";
    for (action, method, path, kind, pointer, value) in [
        (
            Action::RolloutRestart("payment".into()),
            Method::PATCH,
            payment,
            "application/strategic-merge-patch+json",
            "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
            json!("2023-11-14T22:13:20Z"),
        ),
        (
            Action::RolloutUndo("payment".into()),
            Method::PUT,
            payment,
            "application/json",
            image,
            json!("shoplab/payment:v0"),
        ),
        (
            Action::Scale {
                service: "payment".into(),
                replicas: 0,
            },
            Method::PATCH,
            scale,
            "application/merge-patch+json",
            "/spec/replicas",
            json!(0),
        ),
        (
            Action::SetImage {
                service: "payment".into(),
                release: "v2".to_owned(),
            },
            Method::PATCH,
            payment,
            "application/strategic-merge-patch+json",
            image,
            json!("shoplab/payment:v2"),
        ),
        (
            Action::SetResources {
                service: "payment".into(),
                cpu: None,
                memory: Some("400Mi".to_owned()),
            },
            Method::PATCH,
            payment,
            "application/strategic-merge-patch+json",
            "/spec/template/spec/containers/0/resources/limits/memory",
            json!("400Mi"),
        ),
        (
            Action::Apply("payment".into()),
            Method::PATCH,
            "/api/v1/namespaces/sock-shop/services/payment?",
            "application/merge-patch+json",
            "/spec/ports/0/targetPort",
            json!(8080),
        ),
        (
            Action::DeletePod("payment".into()),
            Method::DELETE,
            "/api/v1/namespaces/sock-shop/pods/payment-1?",
            "application/json",
            "/nothing",
            Value::Null,
        ),
    ] {
        let set = set.clone();
        let (kubernetes, asked) = api(move |_, path| {
            let body = if path.contains("/replicasets") {
                list(std::slice::from_ref(&set))
            } else if path.contains("/pods?") {
                assert!(path.contains("labelSelector=name%3Dpayment"), "{path}");
                list(&[pod(0)])
            } else if path.contains("/pods/") {
                pod(0).to_string()
            } else if path.contains("/scale") {
                json!({ "metadata": { "name": "payment" }, "spec": { "replicas": 0 } }).to_string()
            } else {
                deployment(1, "shoplab/payment:v1").to_string()
            };
            (200, body)
        });
        assert_eq!(kubernetes.act(&action).await, Ok(()), "{action}");
        let asked = asked.lock().expect("no panic");
        let (sent, to, content, body) = asked.last().expect("something was asked");
        assert_eq!(
            (sent, to.as_str(), content.as_str()),
            (&method, path, kind),
            "{action}"
        );
        assert_eq!(
            body.pointer(pointer).cloned().unwrap_or_default(),
            value,
            "{action}: {body}"
        );
    }
}

#[tokio::test]
async fn what_the_api_refuses_is_said_in_its_own_words() {
    let (kubernetes, _) = api(|_, _| {
        let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404,
            "reason": "NotFound", "message": "deployments.apps \"nobody\" not found" });
        (404, status.to_string())
    });
    let said = kubernetes.act(&Action::RolloutUndo("nobody".into())).await;
    assert_eq!(
        said,
        Err("deployments.apps \"nobody\" not found".to_owned())
    );
}

#[tokio::test]
async fn a_watch_tells_what_changed_after_the_first_list() {
    let (kubernetes, asked) = api(|_, path| {
        let event =
            |kind: &str, object: Value| json!({ "type": kind, "object": object }).to_string();
        let body = match (path.contains("watch=true"), path.contains("/pods")) {
            (false, false) => list(&[deployment(1, "a:1")]),
            (false, true) => list(&[pod(0)]),
            (true, false) => event("MODIFIED", deployment(0, "a:1")) + "\n",
            (true, true) => event("MODIFIED", pod(1)) + "\n",
        };
        (200, body)
    });
    let (sender, mut changes) = mpsc::channel(8);
    let mut expected = vec![
        Change::Scaled {
            service: "payment".into(),
            from: 1,
            to: 0,
        },
        Change::Restarted {
            service: "payment".into(),
            reason: "Error".to_owned(),
        },
    ];
    // The order between pods and Deployments is nobody's promise, and the watch
    // begins anew whenever this API ends it.
    let watching = async {
        while !expected.is_empty() {
            let change = changes.recv().await.expect("a change");
            expected.retain(|other| *other != change);
        }
    };
    let seen = tokio::select! {
        seen = tokio::time::timeout(Duration::from_secs(20), watching) => seen,
        () = kubernetes.watch(sender) => panic!("the watch ended"),
    };
    assert!(seen.is_ok(), "not seen: {expected:?}");
    let asked = asked.lock().expect("no panic");
    assert!(
        asked.iter().any(
            |(_, path, _, _)| path.contains("watch=true") && path.contains("resourceVersion=9")
        )
    );
}

#[tokio::test]
async fn the_shop_s_parts_and_calls_are_read_from_its_namespace() {
    let (kubernetes, _) = api(|_, path| {
        let mut orders = deployment(1, "a:1");
        orders["metadata"]["name"] = json!("orders");
        orders["spec"]["template"]["spec"]["containers"][0]["env"] =
            json!([{ "name": "PAYMENT_URL", "value": "http://payment" }]);
        let service = |name: &str| json!({ "metadata": { "name": name } });
        let body = if path.contains("/services") {
            list(&[service("payment"), service("orders")])
        } else {
            list(&[deployment(0, "a:1"), orders])
        };
        (200, body)
    });
    let parts = kubernetes.parts().await.expect("parts");
    assert_eq!(
        missing(&parts),
        ["orders 0/1"],
        "nobody misses a service of no pods"
    );
    let edges: Vec<String> = call_edges(&parts)
        .iter()
        .map(|e| format!("{}>{}", e.from, e.to))
        .collect();
    assert_eq!(edges, ["orders>payment"]);
}
