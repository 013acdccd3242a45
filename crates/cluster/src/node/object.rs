//! The Node object: what the machine has, and that it is ready.

use std::fs;

use serde_json::{Value, json};

use super::proc;
use crate::objects::{About, EventType, Kind, Objects, StoreError, meta};

/// The version that the node says it is of.
pub(crate) const KUBELET_VERSION: &str = "v1.33.0+shoplab";

/// What a Node object is made of.
pub(crate) struct Facts<'a> {
    pub(crate) name: &'a str,
    pub(crate) ip: String,
    pub(crate) network: String,
    pub(crate) runtime: String,
    pub(crate) images: Vec<String>,
    /// How many of the machine's cores one CPU is worth.
    pub(crate) cpu_factor: f64,
}

/// Registers the node, or takes over the object that is there.
pub(crate) fn register(objects: &Objects, about: &Facts<'_>) -> Result<(), StoreError> {
    let node = node(about);
    let created = match objects.create(Kind::Node, node.clone()) {
        Err(StoreError::AlreadyExists { .. }) => {
            objects.modify(Kind::Node, "", about.name, |known| {
                known["spec"]["podCIDR"] = node["spec"]["podCIDR"].clone();
                known["status"] = node["status"].clone();
            })
        }
        created => created,
    }?;
    let event = About::of(Kind::Node, &created, "kubelet");
    objects.record_event(&event, EventType::Normal, "Starting", "Starting kubelet.");
    let message = format!("Node {} status is now: NodeReady", about.name);
    objects.record_event(&event, EventType::Normal, "NodeReady", &message);
    Ok(())
}

/// Says that the node is gone.
pub(crate) fn unregister(objects: &Objects, name: &str) {
    let changed = objects.modify(Kind::Node, "", name, |node| {
        let now = meta::now();
        let conditions = node
            .pointer_mut("/status/conditions")
            .and_then(Value::as_array_mut);
        for condition in conditions.into_iter().flatten() {
            if condition["type"] == "Ready" {
                condition["status"] = "False".into();
                condition["reason"] = "KubeletNotReady".into();
                condition["message"] = "the node is shutting down".into();
                condition["lastTransitionTime"] = now.clone().into();
            }
        }
    });
    if let Err(error) = changed {
        tracing::debug!(%error, "the node was not marked as gone");
    }
}

fn node(about: &Facts<'_>) -> Value {
    let (memory, cores) = proc::machine();
    let name = about.name;
    let capacity = json!({
        "cpu": cpus(cores, about.cpu_factor),
        "memory": format!("{}Ki", memory / 1024),
        "ephemeral-storage": "100Gi",
        "pods": "110",
    });
    let read = |path: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.trim().to_owned()
    };
    json!({
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": architecture(),
                "node-role.kubernetes.io/control-plane": "",
            },
        },
        "spec": { "podCIDR": about.network, "podCIDRs": [about.network] },
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": conditions(),
            "addresses": [
                { "type": "InternalIP", "address": about.ip },
                { "type": "Hostname", "address": name },
            ],
            "nodeInfo": {
                "machineID": read("/etc/machine-id"),
                "systemUUID": "",
                "bootID": proc::boot_id(),
                "kernelVersion": read("/proc/sys/kernel/osrelease"),
                "osImage": os_image(),
                "containerRuntimeVersion": about.runtime,
                "kubeletVersion": KUBELET_VERSION,
                "kubeProxyVersion": "",
                "operatingSystem": "linux",
                "architecture": architecture(),
            },
            "images": about.images.iter().map(|image| json!({ "names": [image], "sizeBytes": 0 })).collect::<Vec<_>>(),
        },
    })
}

fn conditions() -> Value {
    let now = meta::now();
    [
        (
            "MemoryPressure",
            "False",
            "KubeletHasSufficientMemory",
            "kubelet has sufficient memory available",
        ),
        (
            "DiskPressure",
            "False",
            "KubeletHasNoDiskPressure",
            "kubelet has no disk pressure",
        ),
        (
            "PIDPressure",
            "False",
            "KubeletHasSufficientPID",
            "kubelet has sufficient PID available",
        ),
        (
            "Ready",
            "True",
            "KubeletReady",
            "kubelet is posting ready status",
        ),
    ]
    .into_iter()
    .map(|(kind, status, reason, message)| {
        json!({
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        })
    })
    .collect()
}

/// The machine's cores in the node's CPUs, as a quantity.
fn cpus(cores: usize, factor: f64) -> String {
    let milli = (cores as f64 * 1e3 / factor).round();
    if milli % 1e3 == 0.0 {
        (milli / 1e3).to_string()
    } else {
        format!("{milli}m")
    }
}

/// The architecture as Go names it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn os_image() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map_or("Linux", |name| name.trim_matches('"'))
        .to_owned()
}
