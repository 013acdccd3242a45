//! The whole cluster with real processes: a Pod runs, is logged, is replaced, and ends with the cluster.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::time::Duration;

use cluster::manifests::{Files, Manifests};
use cluster::node::ImageRule;
use cluster::objects::{DeleteOptions, Kind, meta};
use cluster::{Cluster, Config};

const MANIFEST: &str = "\
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: sleeper, namespace: shop }
spec:
  selector: { matchLabels: { name: sleeper } }
  template:
    metadata: { labels: { name: sleeper } }
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: sleeper
          image: test/sleeper:v1
";

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_runs_as_a_process_and_is_replaced() {
    let state = tempfile::tempdir().unwrap();
    let mut config = Config::new(state.path());
    config.node.images = vec![ImageRule {
        pattern: "test/sleeper:{release}".into(),
        program: "/bin/sh".into(),
        args: vec!["-c".into(), "echo I am up; exec sleep 1000".into()],
        env: Vec::new(),
    }];
    let cluster = Cluster::start(config).await.unwrap();
    let files: Files = [("a.yaml".to_owned(), MANIFEST.to_owned())].into();
    cluster
        .apply(&Manifests::from_files(&files).unwrap())
        .unwrap();
    let first = available(&cluster, None).await;
    let log = format!(
        "{}/api/v1/namespaces/shop/pods/{first}/log",
        cluster.http_base()
    );
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client
        .get(log)
        .bearer_auth(cluster.lab_token())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.text().await.unwrap(), "I am up\n");
    cluster
        .objects()
        .delete(Kind::Pod, "shop", &first, &DeleteOptions::default())
        .unwrap();
    let second = available(&cluster, Some(&first)).await;
    assert_ne!(first, second);
    tokio::time::timeout(Duration::from_secs(10), cluster.stop())
        .await
        .unwrap();
}

/// The name of a ready Pod other than `not`, once the Deployment has one.
async fn available(cluster: &Cluster, not: Option<&str>) -> String {
    let (_, mut watch) = cluster.objects().list_and_watch(Kind::Pod);
    let found = async {
        loop {
            for pod in cluster.objects().list(Kind::Pod, Some("shop")) {
                if meta::condition_is_true(&pod, "Ready")
                    && Some(meta::name(&pod)) != not
                    && !meta::is_terminating(&pod)
                {
                    return meta::name(&pod).to_owned();
                }
            }
            watch.next().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found)
        .await
        .unwrap()
}
