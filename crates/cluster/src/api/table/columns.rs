//! The columns of each kind, in `kubectl`'s words.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::age::{age, since};
use crate::objects::{Kind, meta};
use crate::selector::LabelSelector;

/// One column.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) form: &'static str,
    /// Above 0: only with `-o wide`.
    pub(super) priority: u8,
    pub(super) cell: fn(&Value, Timestamp) -> Value,
}

type Cell = fn(&Value, Timestamp) -> Value;

pub(super) const NAME: Column = text("Name", |object, _| meta::name(object).into());
pub(super) const AGE: Column = text("Age", |object, now| age(object, now).into());
const STATUS: Column = text("Status", |object, _| phase(object).into());

/// The columns of a kind.
pub(super) fn of(kind: Kind) -> Vec<Column> {
    match kind {
        Kind::Pod => super::pod::columns(),
        Kind::Deployment => with_templates(vec![
            NAME,
            text("Ready", |o, _| ready(o, "readyReplicas")),
            count("Up-to-date", |o, _| status(o, "updatedReplicas")),
            count("Available", |o, _| status(o, "availableReplicas")),
            AGE,
        ]),
        Kind::ReplicaSet => with_templates(vec![
            NAME,
            count("Desired", |o, _| o["spec"]["replicas"].clone()),
            count("Current", |o, _| status(o, "replicas")),
            count("Ready", |o, _| status(o, "readyReplicas")),
            AGE,
        ]),
        Kind::StatefulSet => vec![NAME, text("Ready", |o, _| ready(o, "readyReplicas")), AGE],
        Kind::DaemonSet => vec![
            NAME,
            count("Desired", |o, _| status(o, "desiredNumberScheduled")),
            count("Current", |o, _| status(o, "currentNumberScheduled")),
            count("Ready", |o, _| status(o, "numberReady")),
            AGE,
        ],
        Kind::Job => super::job::job_columns(),
        Kind::CronJob => super::job::cron_job_columns(),
        Kind::Service => vec![
            NAME,
            text("Type", |o, _| o["spec"]["type"].clone()),
            text("Cluster-IP", |o, _| {
                or_none(meta::text(o, "/spec/clusterIP"))
            }),
            text("External-IP", |o, _| {
                or_none(meta::text(o, "/spec/externalName"))
            }),
            text("Port(s)", |o, _| service_ports(o).into()),
            AGE,
            wide(text("Selector", |o, _| {
                or_none(
                    &LabelSelector::of_service(&o["spec"]["selector"])
                        .unwrap_or_default()
                        .text(),
                )
            })),
        ],
        Kind::Endpoints => vec![NAME, text("Endpoints", |o, _| endpoints(o).into()), AGE],
        Kind::EndpointSlice => vec![
            NAME,
            text("AddressType", |o, _| o["addressType"].clone()),
            text("Ports", |o, _| {
                joined(o, "/ports", |port| port["port"].to_string())
            }),
            text("Endpoints", |o, _| {
                joined(o, "/endpoints", |endpoint| {
                    meta::text(endpoint, "/addresses/0").to_owned()
                })
            }),
            AGE,
        ],
        Kind::Event => events(),
        Kind::Namespace => vec![NAME, STATUS, AGE],
        Kind::Node => nodes(),
        Kind::ConfigMap => vec![NAME, count("Data", |o, _| entries(o)), AGE],
        Kind::Secret => vec![
            NAME,
            text("Type", |o, _| o["type"].clone()),
            count("Data", |o, _| entries(o)),
            AGE,
        ],
        Kind::ServiceAccount => vec![
            NAME,
            count("Secrets", |o, _| meta::items(o, "/secrets").len().into()),
            AGE,
        ],
        Kind::PersistentVolumeClaim => vec![
            NAME,
            STATUS,
            text("Volume", |o, _| {
                o["spec"]["volumeName"].as_str().unwrap_or("").into()
            }),
            text("Capacity", |o, _| {
                meta::text(o, "/status/capacity/storage").into()
            }),
            text("Access Modes", |o, _| {
                joined(o, "/spec/accessModes", access_mode)
            }),
            text("StorageClass", |o, _| {
                meta::text(o, "/spec/storageClassName").into()
            }),
            AGE,
            wide(text("VolumeMode", |o, _| {
                meta::text(o, "/spec/volumeMode").into()
            })),
        ],
        Kind::HorizontalPodAutoscaler => super::autoscaler::columns(),
        Kind::NetworkPolicy => vec![
            NAME,
            text("Pod-Selector", |o, _| {
                or_none(
                    &LabelSelector::of_workload(&o["spec"]["podSelector"])
                        .unwrap_or_default()
                        .text(),
                )
            }),
            AGE,
        ],
        _ => vec![NAME, AGE],
    }
}

fn nodes() -> Vec<Column> {
    vec![
        NAME,
        text("Status", |o, _| {
            let ready = if meta::condition_is_true(o, "Ready") {
                "Ready"
            } else {
                "NotReady"
            };
            let off = o["spec"]["unschedulable"] == true;
            format!("{ready}{}", if off { ",SchedulingDisabled" } else { "" }).into()
        }),
        text("Roles", |o, _| {
            let prefix = "node-role.kubernetes.io/";
            let labels = o["metadata"]["labels"].as_object();
            let roles: Vec<_> = labels
                .into_iter()
                .flatten()
                .filter_map(|(key, _)| key.strip_prefix(prefix))
                .collect();
            or_none(&roles.join(","))
        }),
        AGE,
        text("Version", |o, _| {
            meta::text(o, "/status/nodeInfo/kubeletVersion").into()
        }),
        wide(text("Internal-IP", |o, _| {
            let address = meta::items(o, "/status/addresses")
                .iter()
                .find(|address| address["type"] == "InternalIP");
            or_none(address.map_or("", |address| meta::text(address, "/address")))
        })),
        wide(text("External-IP", |_, _| or_none(""))),
        wide(text("OS-Image", |o, _| {
            meta::text(o, "/status/nodeInfo/osImage").into()
        })),
        wide(text("Kernel-Version", |o, _| {
            meta::text(o, "/status/nodeInfo/kernelVersion").into()
        })),
        wide(text("Container-Runtime", |o, _| {
            meta::text(o, "/status/nodeInfo/containerRuntimeVersion").into()
        })),
    ]
}

fn events() -> Vec<Column> {
    vec![
        text("Last Seen", |o, now| {
            let last = meta::text(o, "/lastTimestamp");
            let last = if last.is_empty() {
                meta::text(o, "/eventTime")
            } else {
                last
            };
            since(last, now).into()
        }),
        text("Type", |o, _| o["type"].clone()),
        text("Reason", |o, _| o["reason"].clone()),
        text("Object", |o, _| {
            let about = &o["involvedObject"];
            format!(
                "{}/{}",
                meta::text(about, "/kind").to_lowercase(),
                meta::text(about, "/name")
            )
            .into()
        }),
        wide(text("Subobject", |o, _| {
            meta::text(o, "/involvedObject/fieldPath").into()
        })),
        wide(text("Source", |o, _| {
            let (component, host) = (
                meta::text(o, "/source/component"),
                meta::text(o, "/source/host"),
            );
            if host.is_empty() {
                component.into()
            } else {
                format!("{component}, {host}").into()
            }
        })),
        text("Message", |o, _| meta::text(o, "/message").trim().into()),
        wide(text("First Seen", |o, now| {
            since(meta::text(o, "/firstTimestamp"), now).into()
        })),
        wide(count("Count", |o, _| {
            o["count"].as_i64().unwrap_or(1).into()
        })),
        wide(NAME),
    ]
}

pub(super) fn with_templates(mut columns: Vec<Column>) -> Vec<Column> {
    columns.push(wide(text("Containers", |o, _| {
        joined(o, "/spec/template/spec/containers", |container| {
            meta::text(container, "/name").to_owned()
        })
    })));
    columns.push(wide(text("Images", |o, _| {
        joined(o, "/spec/template/spec/containers", |container| {
            meta::text(container, "/image").to_owned()
        })
    })));
    columns.push(wide(text("Selector", |o, _| {
        LabelSelector::of_workload(&o["spec"]["selector"])
            .unwrap_or_default()
            .text()
            .into()
    })));
    columns
}

pub(super) const fn text(name: &'static str, cell: Cell) -> Column {
    Column {
        name,
        form: "string",
        priority: 0,
        cell,
    }
}

pub(super) const fn count(name: &'static str, cell: Cell) -> Column {
    Column {
        name,
        form: "integer",
        priority: 0,
        cell,
    }
}

pub(super) fn wide(column: Column) -> Column {
    Column {
        priority: 1,
        ..column
    }
}

pub(super) fn status(object: &Value, field: &str) -> Value {
    object["status"][field].as_i64().unwrap_or(0).into()
}

fn ready(object: &Value, field: &str) -> Value {
    format!(
        "{}/{}",
        status(object, field),
        object["spec"]["replicas"].as_i64().unwrap_or(1)
    )
    .into()
}

pub(super) fn or_none(text: &str) -> Value {
    if text.is_empty() {
        "<none>".into()
    } else {
        text.into()
    }
}

fn phase(object: &Value) -> String {
    let phase = meta::text(object, "/status/phase");
    let terminating = meta::is_terminating(object);
    if terminating {
        "Terminating".to_owned()
    } else {
        phase.to_owned()
    }
}

fn entries(object: &Value) -> Value {
    let count = |key: &str| object[key].as_object().map_or(0, serde_json::Map::len);
    json!(count("data") + count("binaryData"))
}

pub(super) fn joined(object: &Value, list: &str, one: impl Fn(&Value) -> String) -> Value {
    meta::items(object, list)
        .iter()
        .map(one)
        .collect::<Vec<_>>()
        .join(",")
        .into()
}

fn access_mode(mode: &Value) -> String {
    match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        _ => "RWOP",
    }
    .to_owned()
}

fn service_ports(service: &Value) -> String {
    let ports: Vec<_> = meta::items(service, "/spec/ports")
        .iter()
        .map(|port| {
            let node = port["nodePort"]
                .as_i64()
                .map_or_else(String::new, |node| format!(":{node}"));
            format!(
                "{}{node}/{}",
                port["port"],
                port["protocol"].as_str().unwrap_or("TCP")
            )
        })
        .collect();
    if ports.is_empty() {
        "<none>".to_owned()
    } else {
        ports.join(",")
    }
}

fn endpoints(object: &Value) -> String {
    let mut all = Vec::new();
    for subset in meta::items(object, "/subsets") {
        for port in meta::items(subset, "/ports") {
            for address in meta::items(subset, "/addresses") {
                all.push(format!("{}:{}", meta::text(address, "/ip"), port["port"]));
            }
        }
    }
    match all.len() {
        0 => "<none>".to_owned(),
        1..=3 => all.join(","),
        many => format!("{} + {} more...", all[..3].join(","), many - 3),
    }
}
