//! Deployments: a ReplicaSet for each template, rolled from one to the next.

use std::sync::Arc;

use serde_json::{Value, json};

use super::deployment_status::{Status, deadline};
use super::rollout::{Counts, Room};
use super::{Again, template};
use crate::objects::{About, DeleteOptions, EventType, Kind, Objects, meta};
use crate::selector::LabelSelector;

const REVISION: &str = "deployment.kubernetes.io/revision";
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
const CONTROLLER: &str = "deployment-controller";
/// Annotations of a Deployment that its ReplicaSets do not take over.
const OWN_ANNOTATIONS: [&str; 3] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    REVISION_HISTORY,
];

/// A Deployment and its ReplicaSets while it is looked at.
struct Rollout<'a> {
    objects: &'a Objects,
    deployment: Arc<Value>,
    wanted: i64,
    room: Room,
}

/// Brings ReplicaSets in line with the Deployment, and its status in line with them.
pub(super) fn reconcile(objects: &Objects, namespace: &str, name: &str) -> Again {
    let deployment = objects.find(Kind::Deployment, namespace, name)?;
    if meta::is_terminating(&deployment) {
        return None;
    }
    let wanted = meta::number(&deployment, "/spec/replicas").unwrap_or(1);
    let room = if deployment["spec"]["strategy"]["type"] == "Recreate" {
        Room {
            surge: 0,
            unavailable: 0,
        }
    } else {
        Room::of(&deployment, wanted)
    };
    let rollout = Rollout {
        objects,
        room,
        wanted,
        deployment,
    };
    rollout.adopt();
    if rollout.deployment["spec"]["paused"] == true {
        rollout.scale_only();
    } else if rollout.deployment["spec"]["strategy"]["type"] == "Recreate" {
        rollout.recreate();
    } else {
        rollout.roll();
    }
    rollout.forget_old();
    rollout.write_status()
}

impl Rollout<'_> {
    fn namespace(&self) -> &str {
        meta::namespace(&self.deployment)
    }

    fn name(&self) -> &str {
        meta::name(&self.deployment)
    }

    fn template(&self) -> &Value {
        &self.deployment["spec"]["template"]
    }

    /// The Deployment's ReplicaSets, oldest revision first.
    fn sets(&self) -> Vec<Arc<Value>> {
        let mut sets = self.objects.list(Kind::ReplicaSet, Some(self.namespace()));
        sets.retain(|set| meta::is_controlled_by(set, meta::uid(&self.deployment)));
        sets.sort_by_key(|set| (revision(set), meta::revision(set)));
        sets
    }

    /// The set of the present template, if it is made, and the others.
    fn split(&self) -> (Option<Arc<Value>>, Vec<Arc<Value>>) {
        let bare = template::bare(self.template());
        let mut sets = self.sets();
        let place = sets
            .iter()
            .position(|set| template::bare(&set["spec"]["template"]) == bare);
        let new = place.map(|place| sets.remove(place));
        (new, sets)
    }

    fn adopt(&self) {
        let Some(selector) = LabelSelector::of_workload(&self.deployment["spec"]["selector"])
        else {
            return;
        };
        for set in self.objects.list(Kind::ReplicaSet, Some(self.namespace())) {
            if meta::controller(&set).is_none()
                && selector.matches(&set)
                && !meta::is_terminating(&set)
            {
                // A set that is gone meanwhile cannot be adopted.
                let _ = self.objects.modify(
                    Kind::ReplicaSet,
                    self.namespace(),
                    meta::name(&set),
                    |set| {
                        set["metadata"]["ownerReferences"] =
                            json!([meta::controller_ref(Kind::Deployment, &self.deployment)]);
                    },
                );
            }
        }
    }

    /// While paused no template is rolled out, but the newest set follows the wanted number.
    fn scale_only(&self) {
        let (new, old) = self.split();
        let Some(set) = new.or_else(|| old.last().cloned()) else {
            return;
        };
        self.resize(&set, self.wanted);
    }

    fn roll(&self) {
        let (new, old) = self.split();
        let total: i64 = old.iter().map(|set| Counts::of(set).spec).sum();
        let new = self.new_set(new, &old, |room, wanted| {
            room.new_size(
                wanted,
                Counts {
                    spec: 0,
                    available: 0,
                },
                total,
            )
        });
        let Some(new) = new else {
            return;
        };
        let counts = Counts::of(&new);
        let size = self.room.new_size(self.wanted, counts, total + counts.spec);
        let new = self.resize(&new, size);
        let counts: Vec<_> = old.iter().map(|set| Counts::of(set)).collect();
        let sizes = self.room.old_sizes(self.wanted, Counts::of(&new), &counts);
        for (set, size) in old.iter().zip(sizes) {
            self.resize(set, size);
        }
    }

    fn recreate(&self) {
        let (new, old) = self.split();
        for set in &old {
            self.resize(set, 0);
        }
        let uids: Vec<_> = old.iter().map(|set| meta::uid(set)).collect();
        let pods = self.objects.list(Kind::Pod, Some(self.namespace()));
        let running = pods.iter().any(|pod| {
            !meta::has_ended(pod) && uids.iter().any(|uid| meta::is_controlled_by(pod, uid))
        });
        if running {
            return;
        }
        if let Some(new) = self.new_set(new, &old, |_, wanted| wanted) {
            self.resize(&new, self.wanted);
        }
    }

    /// The set of the present template, made when missing, with its revision set right.
    fn new_set(
        &self,
        new: Option<Arc<Value>>,
        old: &[Arc<Value>],
        size: impl FnOnce(Room, i64) -> i64,
    ) -> Option<Arc<Value>> {
        let latest = old.iter().map(|set| revision(set)).max().unwrap_or(0) + 1;
        let set = match new {
            Some(set) => {
                let before = revision(&set);
                let annotations = self.annotations();
                self.objects
                    .modify(
                        Kind::ReplicaSet,
                        self.namespace(),
                        meta::name(&set),
                        |set| {
                            let own = meta::ensure(set, &["metadata", "annotations"]);
                            own.extend(annotations);
                            if before < latest {
                                let past = own
                                    .get(REVISION_HISTORY)
                                    .and_then(Value::as_str)
                                    .unwrap_or("")
                                    .to_owned();
                                if before > 0 {
                                    let past = if past.is_empty() {
                                        before.to_string()
                                    } else {
                                        format!("{past},{before}")
                                    };
                                    own.insert(REVISION_HISTORY.into(), past.into());
                                }
                                own.insert(REVISION.into(), latest.to_string().into());
                            }
                        },
                    )
                    .ok()?
            }
            None => self.make_set(latest, size(self.room, self.wanted))?,
        };
        let number = meta::annotation(&set, REVISION).unwrap_or("1").to_owned();
        // A Deployment that is gone meanwhile needs no revision.
        let _ = self.objects.modify(
            Kind::Deployment,
            self.namespace(),
            self.name(),
            |deployment| {
                meta::ensure(deployment, &["metadata", "annotations"])
                    .insert(REVISION.into(), number.into());
            },
        );
        Some(set)
    }

    fn annotations(&self) -> Vec<(String, Value)> {
        let own = self.deployment["metadata"]["annotations"].as_object();
        own.into_iter()
            .flatten()
            .filter(|(key, _)| !OWN_ANNOTATIONS.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    fn make_set(&self, revision: i64, size: i64) -> Option<Arc<Value>> {
        // Hashes that meet are very rare; another number tells them apart.
        (0..8).find_map(|collisions| {
            let hash = template::hash(self.template(), collisions);
            let mut template = template::bare(self.template());
            meta::ensure(&mut template, &["metadata", "labels"]).insert(template::HASH.into(), hash.clone().into());
            let mut selector = self.deployment["spec"]["selector"].clone();
            meta::ensure(&mut selector, &["matchLabels"]).insert(template::HASH.into(), hash.clone().into());
            let mut set = json!({
                "metadata": {
                    "name": format!("{}-{hash}", self.name()),
                    "namespace": self.namespace(),
                    "labels": template["metadata"]["labels"],
                    "annotations": {},
                    "ownerReferences": [meta::controller_ref(Kind::Deployment, &self.deployment)],
                },
                "spec": {
                    "replicas": size,
                    "selector": selector,
                    "template": template,
                    "minReadySeconds": self.deployment["spec"]["minReadySeconds"].as_i64().unwrap_or(0),
                },
            });
            let own = meta::ensure(&mut set, &["metadata", "annotations"]);
            own.extend(self.annotations());
            own.insert(REVISION.into(), revision.to_string().into());
            own.insert("deployment.kubernetes.io/desired-replicas".into(), self.wanted.to_string().into());
            let most = (self.wanted + self.room.surge).to_string();
            own.insert("deployment.kubernetes.io/max-replicas".into(), most.into());
            let made = self.objects.create(Kind::ReplicaSet, set).ok()?;
            if size > 0 {
                self.scaled("up", &made, 0, size);
            }
            Some(made)
        })
    }

    /// Gives a set its number of Pods; says so when that changes.
    fn resize(&self, set: &Arc<Value>, size: i64) -> Arc<Value> {
        let before = Counts::of(set).spec;
        if before == size {
            return set.clone();
        }
        let changed =
            self.objects
                .modify(Kind::ReplicaSet, self.namespace(), meta::name(set), |set| {
                    set["spec"]["replicas"] = size.into();
                });
        self.scaled(if size > before { "up" } else { "down" }, set, before, size);
        changed.unwrap_or_else(|_| set.clone())
    }

    fn scaled(&self, way: &str, set: &Value, from: i64, to: i64) {
        let about = About::of(Kind::Deployment, &self.deployment, CONTROLLER);
        let message = format!(
            "Scaled {way} replica set {} from {from} to {to}",
            meta::name(set)
        );
        self.objects
            .record_event(&about, EventType::Normal, "ScalingReplicaSet", &message);
    }

    /// Old sets without Pods go, beyond those kept for `rollout undo`.
    fn forget_old(&self) {
        let limit = meta::number(&self.deployment, "/spec/revisionHistoryLimit").unwrap_or(10);
        let (_, mut old) = self.split();
        old.retain(|set| {
            Counts::of(set).spec == 0 && meta::number(set, "/status/replicas").unwrap_or(0) == 0
        });
        let spare = old
            .len()
            .saturating_sub(usize::try_from(limit).unwrap_or(0));
        for set in &old[..spare] {
            // Somebody else may have been faster.
            let _ = self.objects.delete(
                Kind::ReplicaSet,
                self.namespace(),
                meta::name(set),
                &DeleteOptions::default(),
            );
        }
    }

    fn write_status(&self) -> Again {
        let (new, old) = self.split();
        let sum = |pointer: &str| -> i64 {
            old.iter()
                .chain(&new)
                .map(|set| meta::number(set, pointer).unwrap_or(0))
                .sum()
        };
        let counts = Status {
            wanted: self.wanted,
            replicas: sum("/status/replicas"),
            specified: sum("/spec/replicas"),
            updated: new
                .as_ref()
                .map_or(0, |set| meta::number(set, "/status/replicas").unwrap_or(0)),
            ready: sum("/status/readyReplicas"),
            available: sum("/status/availableReplicas"),
        };
        let new_name = new.as_ref().map(|set| meta::name(set).to_owned());
        let written = self.objects.modify(
            Kind::Deployment,
            self.namespace(),
            self.name(),
            |deployment| {
                counts.write(deployment, self.room, new_name.as_deref());
            },
        );
        deadline(&*written.ok()?)
    }
}

fn revision(set: &Value) -> i64 {
    meta::annotation(set, REVISION)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}
