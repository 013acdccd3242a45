//! Controllers as a state machine: a fake node marks Pods, the controllers settle, the objects are looked at.

use serde_json::json;

use super::*;
use crate::objects::DeleteOptions;
use crate::runtime::Usage;
use crate::runtime::fake::Using;
use std::sync::Mutex;

/// A cluster without a clock: it moves when it is told to.
pub(crate) struct Still {
    pub(crate) objects: Objects,
    controllers: Controllers,
    /// The cores that every Pod uses; nothing when no usage is known.
    pub(crate) gauge: Arc<Mutex<Option<f64>>>,
}

impl Still {
    pub(crate) fn new() -> Self {
        let objects = Objects::new();
        for namespace in ["default", "shop"] {
            objects
                .create(
                    Kind::Namespace,
                    json!({ "metadata": { "name": namespace } }),
                )
                .unwrap();
        }
        let node = json!({ "metadata": { "name": "laptop" }, "status": { "conditions": [{ "type": "Ready", "status": "True" }] } });
        objects.create(Kind::Node, node).unwrap();
        let gauge = Arc::new(Mutex::new(None));
        let read = gauge.clone();
        let runtime = Using(move |_: &str| {
            let cores: Option<f64> = *read.lock().unwrap();
            cores.map(|cpu_cores| Usage {
                cpu_cores,
                ..Usage::default()
            })
        });
        let controllers =
            Controllers::new(objects.clone(), Arc::new(runtime), Duration::from_secs(5));
        let mut still = Self {
            objects,
            controllers,
            gauge,
        };
        still.settle();
        still
    }

    pub(crate) fn settle(&mut self) {
        self.controllers.settle();
    }

    /// What a node does: bound Pods run, Pods on their way out go. `broken` images never get ready.
    fn step(&mut self) {
        self.settle();
        for pod in self.pods() {
            let (namespace, name) = (meta::namespace(&pod), meta::name(&pod));
            if meta::is_terminating(&pod) {
                self.objects.remove(Kind::Pod, namespace, name, None);
                continue;
            }
            let ready = meta::text(&pod, "/spec/containers/0/image") != "broken";
            self.objects
                .modify(Kind::Pod, namespace, name, |pod| {
                    pod["status"]["phase"] = "Running".into();
                    if pod["status"].get("startTime").is_none() {
                        pod["status"]["startTime"] = meta::now().into();
                    }
                    pod["status"]["podIP"] = format!("127.0.0.{}", name.len()).into();
                    let state = if ready { "True" } else { "False" };
                    conditions::set(&mut pod["status"], "Ready", state, "", "");
                })
                .unwrap();
        }
        self.settle();
    }

    /// Lets time pass, on tokio's paused clock, second by second.
    pub(crate) async fn pass(&mut self, span: Duration) {
        let end = Instant::now() + span;
        while Instant::now() < end {
            tokio::time::advance(Duration::from_secs(1)).await;
            self.controllers.wake();
            self.step();
        }
    }

    pub(crate) fn run(&mut self) {
        for _ in 0..20 {
            self.step();
        }
    }

    fn pods(&self) -> Vec<Arc<Value>> {
        self.objects.list(Kind::Pod, Some("shop"))
    }

    pub(crate) fn deployment(&self) -> Arc<Value> {
        self.objects
            .get(Kind::Deployment, "shop", "orders")
            .unwrap()
    }

    pub(crate) fn create(&mut self, replicas: i64, strategy: Value) {
        let deployment = json!({
            "metadata": { "name": "orders", "namespace": "shop", "labels": { "name": "orders" } },
            "spec": {
                "replicas": replicas,
                "strategy": strategy,
                "selector": { "matchLabels": { "name": "orders" } },
                "template": {
                    "metadata": { "labels": { "name": "orders" } },
                    "spec": { "containers": [{ "name": "orders", "image": "v1", "ports": [{ "name": "http", "containerPort": 80 }] }] },
                },
            },
        });
        self.objects.create(Kind::Deployment, deployment).unwrap();
    }

    fn set_image(&mut self, image: &str) {
        self.change(|deployment| {
            deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
        });
    }

    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Value)) {
        self.objects
            .modify(Kind::Deployment, "shop", "orders", change)
            .unwrap();
    }

    fn images(&self) -> Vec<String> {
        let pods = self.pods();
        pods.iter()
            .map(|pod| meta::text(pod, "/spec/containers/0/image").to_owned())
            .collect()
    }

    fn reason(&self, condition: &str) -> String {
        let deployment = self.deployment();
        let condition = conditions::get(&deployment["status"], condition).unwrap();
        meta::text(condition, "/reason").to_owned()
    }
}

#[test]
fn a_deployment_becomes_pods_that_are_bound() {
    let mut still = Still::new();
    still.create(2, json!({}));
    still.settle();
    assert_eq!(still.reason("Available"), "MinimumReplicasUnavailable");
    still.run();
    let pods = still.pods();
    assert_eq!(pods.len(), 2);
    assert!(pods.iter().all(|pod| pod["spec"]["nodeName"] == "laptop"));
    let deployment = still.deployment();
    assert_eq!(deployment["status"]["availableReplicas"], 2);
    assert_eq!(
        deployment["status"]["observedGeneration"],
        deployment["metadata"]["generation"]
    );
    assert_eq!(
        meta::annotation(&deployment, "deployment.kubernetes.io/revision"),
        Some("1")
    );
    assert_eq!(still.reason("Progressing"), "NewReplicaSetAvailable");
}

#[test]
fn a_rolling_update_never_has_too_few_or_too_many_pods() {
    let mut still = Still::new();
    still.create(
        3,
        json!({ "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } }),
    );
    still.run();
    still.set_image("v2");
    for _ in 0..20 {
        still.step();
        let pods = still.pods();
        let live = pods.iter().filter(|pod| !meta::is_terminating(pod));
        assert!(live.clone().count() <= 4);
        assert!(live.filter(|pod| replica_set::is_ready(pod)).count() >= 3);
    }
    assert_eq!(still.images(), ["v2", "v2", "v2"]);
    assert_eq!(still.reason("Progressing"), "NewReplicaSetAvailable");
    assert_eq!(still.deployment()["status"]["updatedReplicas"], 3);
}

#[test]
fn going_back_uses_the_old_replica_set_with_a_new_revision() {
    let mut still = Still::new();
    still.create(1, json!({}));
    still.run();
    still.set_image("v2");
    still.run();
    still.set_image("v1");
    still.run();
    assert_eq!(still.images(), ["v1"]);
    let sets = still.objects.list(Kind::ReplicaSet, Some("shop"));
    assert_eq!(sets.len(), 2);
    let back = sets
        .iter()
        .find(|set| set["spec"]["replicas"] == 1)
        .unwrap();
    assert_eq!(
        meta::annotation(back, "deployment.kubernetes.io/revision"),
        Some("3")
    );
    assert_eq!(
        meta::annotation(back, "deployment.kubernetes.io/revision-history"),
        Some("1")
    );
}

#[test]
fn a_broken_image_stops_the_rollout_and_the_deadline_is_told() {
    let mut still = Still::new();
    still.create(
        1,
        json!({ "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } }),
    );
    still.change(|deployment| deployment["spec"]["progressDeadlineSeconds"] = 600.into());
    still.run();
    still.set_image("broken");
    still.run();
    let mut images = still.images();
    images.sort();
    assert_eq!(images, ["broken", "v1"]);
    assert_eq!(still.reason("Progressing"), "ReplicaSetUpdated");
    still.change(|deployment| deployment["spec"]["progressDeadlineSeconds"] = 0.into());
    still.change(|deployment| deployment["metadata"]["annotations"]["note"] = "look again".into());
    still.run();
    still
        .controllers
        .due
        .insert(Key::Deployment("shop".into(), "orders".into()));
    still.settle();
    assert_eq!(still.reason("Progressing"), "ProgressDeadlineExceeded");
    assert_eq!(still.reason("Available"), "MinimumReplicasAvailable");
}

#[test]
fn recreate_has_no_two_templates_at_once() {
    let mut still = Still::new();
    still.create(2, json!({ "type": "Recreate" }));
    still.run();
    still.set_image("v2");
    for _ in 0..10 {
        still.step();
        let mut images = still.images();
        images.dedup();
        assert!(images.len() <= 1, "{images:?}");
    }
    assert_eq!(still.images(), ["v2", "v2"]);
}

#[test]
fn a_paused_deployment_rolls_out_nothing_until_it_is_resumed() {
    let mut still = Still::new();
    still.create(1, json!({}));
    still.run();
    still.change(|deployment| deployment["spec"]["paused"] = true.into());
    still.set_image("v2");
    still.run();
    assert_eq!(still.images(), ["v1"]);
    assert_eq!(still.reason("Progressing"), "DeploymentPaused");
    still.change(|deployment| deployment["spec"]["paused"] = false.into());
    still.run();
    assert_eq!(still.images(), ["v2"]);
}

#[test]
fn scaling_down_takes_what_is_not_ready_first() {
    let mut still = Still::new();
    still.create(3, json!({}));
    still.run();
    let sick = meta::name(&still.pods()[1]).to_owned();
    still
        .objects
        .modify(Kind::Pod, "shop", &sick, |pod| {
            conditions::set(&mut pod["status"], "Ready", "False", "", "");
        })
        .unwrap();
    still.change(|deployment| deployment["spec"]["replicas"] = 2.into());
    still.settle();
    let sick = still.objects.get(Kind::Pod, "shop", &sick).unwrap();
    assert!(meta::is_terminating(&sick));
    still.change(|deployment| deployment["spec"]["replicas"] = 0.into());
    still.run();
    assert_eq!(still.pods().len(), 0);
    assert_eq!(still.deployment()["status"].get("availableReplicas"), None);
}

#[test]
fn a_deleted_pod_is_replaced_at_once_and_leaves_the_endpoints() {
    let mut still = Still::new();
    let service = json!({ "metadata": { "name": "orders", "namespace": "shop" },
        "spec": { "selector": { "name": "orders" }, "ports": [{ "name": "http", "port": 80, "targetPort": "http" }] } });
    still.objects.create(Kind::Service, service).unwrap();
    still.create(1, json!({}));
    still.run();
    let addresses = |still: &Still| {
        let endpoints = still
            .objects
            .get(Kind::Endpoints, "shop", "orders")
            .unwrap();
        let addresses = meta::items(&endpoints, "/subsets/0/addresses");
        addresses
            .iter()
            .map(|a| meta::text(a, "/targetRef/name").to_owned())
            .collect::<Vec<_>>()
    };
    let first = meta::name(&still.pods()[0]).to_owned();
    assert_eq!(addresses(&still), [&first[..]]);
    still
        .objects
        .delete(Kind::Pod, "shop", &first, &DeleteOptions::default())
        .unwrap();
    still.settle();
    assert_eq!(
        still.pods().len(),
        2,
        "the old one terminates, the new one starts"
    );
    assert!(addresses(&still).is_empty());
    still.run();
    assert_eq!(still.pods().len(), 1);
    assert_ne!(addresses(&still), [first]);
    let slice = still
        .objects
        .get(Kind::EndpointSlice, "shop", "orders")
        .unwrap();
    assert_eq!(slice["endpoints"][0]["conditions"]["ready"], true);
}

#[test]
fn endpoints_of_a_service_without_a_selector_stay_as_written() {
    let mut still = Still::new();
    let metadata = json!({ "name": "store", "namespace": "shop" });
    let service = json!({ "metadata": metadata, "spec": { "ports": [{ "port": 80 }] } });
    still.objects.create(Kind::Service, service).unwrap();
    let subsets = json!([{ "addresses": [{ "ip": "127.0.0.1" }], "ports": [{ "port": 9009 }] }]);
    still
        .objects
        .create(
            Kind::Endpoints,
            json!({ "metadata": metadata, "subsets": subsets }),
        )
        .unwrap();
    still.settle();
    let endpoints = still.objects.get(Kind::Endpoints, "shop", "store").unwrap();
    assert_eq!(endpoints["subsets"], subsets);
}

#[test]
fn what_is_owned_goes_with_its_owner_and_a_namespace_takes_all() {
    let mut still = Still::new();
    still.create(2, json!({}));
    still.run();
    still
        .objects
        .delete(
            Kind::Deployment,
            "shop",
            "orders",
            &DeleteOptions::default(),
        )
        .unwrap();
    still.run();
    assert!(still.objects.list(Kind::ReplicaSet, None).is_empty());
    assert!(still.pods().is_empty());
    still.create(1, json!({}));
    still.run();
    still
        .objects
        .delete(Kind::Namespace, "", "shop", &DeleteOptions::default())
        .unwrap();
    still.run();
    assert!(still.objects.find(Kind::Namespace, "", "shop").is_none());
    assert!(still.objects.list(Kind::Deployment, None).is_empty());
}

#[test]
fn a_pod_without_a_node_says_so_and_is_bound_when_one_comes() {
    let mut still = Still::new();
    still
        .objects
        .modify(Kind::Node, "", "laptop", |node| {
            node["spec"]["unschedulable"] = true.into();
        })
        .unwrap();
    still.create(1, json!({}));
    still.settle();
    let pod = still.pods().remove(0);
    let condition = conditions::get(&pod["status"], "PodScheduled").unwrap();
    assert_eq!(condition["reason"], "Unschedulable");
    still
        .objects
        .modify(Kind::Node, "", "laptop", |node| {
            node["spec"]["unschedulable"] = false.into();
        })
        .unwrap();
    still.settle();
    assert_eq!(still.pods()[0]["spec"]["nodeName"], "laptop");
}
