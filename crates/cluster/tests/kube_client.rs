//! The cluster as the `kube` crate sees it, over TLS and over plain HTTP.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[path = "support/fake_node.rs"]
mod fake_node;

use std::sync::Arc;
use std::time::Duration;

use cluster::objects::Objects;
use cluster::{Cluster, Config};
use fake_node::FakeNode;
use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{
    Api, DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams, WatchEvent,
    WatchParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Lab {
    _state: tempfile::TempDir,
    cluster: Cluster,
    node: FakeNode,
    work: tokio::task::JoinHandle<()>,
}

impl Lab {
    async fn start() -> Self {
        let state = tempfile::tempdir().unwrap();
        let objects = Objects::new();
        let node = FakeNode::new(&objects);
        let work = tokio::spawn(node.clone().run());
        let cluster =
            Cluster::start_with(&Config::new(state.path()), objects, Arc::new(node.clone()))
                .await
                .unwrap();
        Self {
            _state: state,
            cluster,
            node,
            work,
        }
    }

    async fn client(&self, path: &std::path::Path) -> kube::Client {
        let config = Kubeconfig::read_from(path).unwrap();
        let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default())
            .await
            .unwrap();
        kube::Client::try_from(config).unwrap()
    }

    async fn stop(self) {
        self.work.abort();
        self.cluster.stop().await;
    }
}

fn deployment() -> Deployment {
    serde_json::from_value(json!({
        "metadata": { "name": "orders" },
        "spec": {
            "replicas": 2,
            "selector": { "matchLabels": { "name": "orders" } },
            "template": {
                "metadata": { "labels": { "name": "orders" } },
                "spec": { "containers": [{ "name": "main", "image": "a:1" }] },
            },
        },
    }))
    .unwrap()
}

async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut check: impl FnMut() -> F,
) -> T {
    let found = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            if let Some(found) = check().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    });
    found
        .await
        .unwrap_or_else(|_| panic!("{what} did not happen in time"))
}

#[tokio::test]
async fn a_deployment_lives_its_life_through_the_kube_crate() {
    let lab = Lab::start().await;
    let client = lab.client(lab.cluster.kubeconfig_lab()).await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let shop = serde_json::from_value(json!({ "metadata": { "name": "shop" } })).unwrap();
    namespaces
        .create(&PostParams::default(), &shop)
        .await
        .unwrap();
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "shop");
    deployments
        .create(&PostParams::default(), &deployment())
        .await
        .unwrap();
    let ready = async |count: i32| {
        eventually("the Deployment's availability", || async {
            let status = deployments.get_status("orders").await.unwrap().status?;
            (status.available_replicas.unwrap_or(0) == count).then_some(())
        })
        .await;
    };
    ready(2).await;

    let pods: Api<Pod> = Api::namespaced(client.clone(), "shop");
    let list = pods
        .list(&ListParams::default().labels("name=orders"))
        .await
        .unwrap();
    assert_eq!(list.items.len(), 2);
    let name = list.items[0].metadata.name.clone().unwrap();

    let mut lines = pods
        .log_stream(
            &name,
            &LogParams {
                follow: true,
                ..LogParams::default()
            },
        )
        .await
        .unwrap()
        .lines();
    assert_eq!(
        lines.try_next().await.unwrap().unwrap(),
        format!("hello from {name}")
    );
    lab.node.say(&name, "and on");
    assert_eq!(lines.try_next().await.unwrap().unwrap(), "and on");
    lab.node.end_log(&name);
    assert_eq!(lines.try_next().await.unwrap(), None);
    let previous = LogParams {
        previous: true,
        ..LogParams::default()
    };
    assert_eq!(
        pods.logs(&name, &previous).await.unwrap(),
        format!("an earlier run {name}\n")
    );

    let from = list.metadata.resource_version.unwrap();
    let mut changes = pods
        .watch(&WatchParams::default(), &from)
        .await
        .unwrap()
        .boxed();
    pods.delete(&name, &DeleteParams::default()).await.unwrap();
    let mut gone = false;
    while let Some(change) = changes.try_next().await.unwrap() {
        match change {
            WatchEvent::Deleted(pod) if pod.metadata.name.as_deref() == Some(&name) => gone = true,
            WatchEvent::Added(_) if gone => break,
            WatchEvent::Added(_) => {
                gone = true;
            }
            _ => {}
        }
        if gone && pods.get_opt(&name).await.unwrap().is_none() {
            break;
        }
    }
    ready(2).await;

    let patch = json!({ "spec": { "replicas": 0 } });
    deployments
        .patch_scale("orders", &PatchParams::default(), &Patch::Merge(&patch))
        .await
        .unwrap();
    ready(0).await;
    lab.stop().await;
}

#[tokio::test]
async fn a_responder_is_refused_the_hidden_namespace() {
    let lab = Lab::start().await;
    let hidden = json!({ "metadata": { "name": "shoplab" } });
    let owner: Api<Namespace> = Api::all(lab.client(lab.cluster.kubeconfig_lab()).await);
    owner
        .create(
            &PostParams::default(),
            &serde_json::from_value(hidden).unwrap(),
        )
        .await
        .unwrap();
    let client = lab.client(lab.cluster.kubeconfig_responder()).await;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "shoplab");
    match pods.list(&ListParams::default()).await.unwrap_err() {
        kube::Error::Api(status) => {
            assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
        }
        other => panic!("{other}"),
    }
    let namespaces: Api<Namespace> = Api::all(client);
    let names = namespaces.list(&ListParams::default()).await.unwrap();
    assert!(
        names
            .items
            .iter()
            .all(|namespace| namespace.metadata.name.as_deref() != Some("shoplab"))
    );
    lab.stop().await;
}

#[tokio::test]
async fn ports_of_a_pod_are_forwarded_and_a_closed_one_says_so() {
    let lab = Lab::start().await;
    let client = lab.client(lab.cluster.kubeconfig_lab()).await;
    let pods: Api<Pod> = Api::namespaced(client, "default");
    let echo = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let open = echo.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = echo.accept().await.unwrap();
        let (mut from, mut to) = stream.split();
        tokio::io::copy(&mut from, &mut to).await.unwrap();
    });
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = taken.local_addr().unwrap().port();
    drop(taken);
    let pod = serde_json::from_value(json!({
        "metadata": { "name": "rabbitmq" },
        "spec": { "containers": [{ "name": "main", "image": "a:1" }] },
    }));
    let params = PostParams::default();
    pods.create(&params, &pod.unwrap()).await.unwrap();
    eventually("the pod has an address", async || {
        pods.get("rabbitmq").await.unwrap().status?.pod_ip
    })
    .await;

    let mut forward = pods.portforward("rabbitmq", &[open, closed]).await.unwrap();
    let mut stream = forward.take_stream(open).unwrap();
    let said = vec![7; 100_000];
    let (mut from, mut to) = tokio::io::split(&mut stream);
    let mut heard = vec![0; said.len()];
    let both = futures::future::try_join(to.write_all(&said), from.read_exact(&mut heard));
    both.await.unwrap();
    assert!(heard == said, "what was said is what was heard");
    let error = forward.take_error(closed).unwrap().await.unwrap();
    assert!(error.contains("refused"), "{error}");

    let nowhere = pods.portforward("nobody", &[open]).await;
    assert!(nowhere.is_err(), "there is no such pod");
    lab.stop().await;
}
