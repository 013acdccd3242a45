//! Endpoints: the addresses behind each Service, and the same as an EndpointSlice.

use serde_json::{Value, json};

use super::replica_set::is_ready;
use crate::objects::{Kind, Objects, meta};
use crate::selector::LabelSelector;

/// Brings the Endpoints of a Service in line with its Pods. A Service without a selector keeps the Endpoints that
/// somebody wrote.
pub(super) fn reconcile(objects: &Objects, namespace: &str, name: &str) {
    let Some(service) = objects.find(Kind::Service, namespace, name) else {
        objects.remove(Kind::Endpoints, namespace, name, None);
        objects.remove(Kind::EndpointSlice, namespace, name, None);
        return;
    };
    if let Some(selector) = LabelSelector::of_service(&service["spec"]["selector"]) {
        let mut pods = objects.list(Kind::Pod, Some(namespace));
        pods.retain(|pod| selector.matches(pod) && counts(pod));
        let subsets = subsets(&service, pods.iter().map(|pod| &**pod));
        write(objects, Kind::Endpoints, &service, |endpoints| {
            endpoints["subsets"] = subsets.clone().into();
        });
    }
    if let Some(endpoints) = objects.find(Kind::Endpoints, namespace, name) {
        write(objects, Kind::EndpointSlice, &service, |slice| {
            fill_slice(slice, &service, &endpoints);
        });
    }
}

/// Whether a Pod can have a place among the addresses.
fn counts(pod: &Value) -> bool {
    !meta::text(pod, "/status/podIP").is_empty()
        && !meta::is_terminating(pod)
        && !meta::has_ended(pod)
}

fn write(objects: &Objects, kind: Kind, service: &Value, change: impl Fn(&mut Value)) {
    let (namespace, name) = (meta::namespace(service), meta::name(service));
    if objects.find(kind, namespace, name).is_some() {
        // One that is gone meanwhile is made at the next change.
        let _ = objects.modify(kind, namespace, name, change);
        return;
    }
    let mut object = json!({ "metadata": {
        "name": name,
        "namespace": namespace,
        "labels": service["metadata"]["labels"].as_object().cloned().unwrap_or_default(),
    } });
    if kind == Kind::EndpointSlice {
        object["metadata"]["labels"]["kubernetes.io/service-name"] = name.into();
        object["addressType"] = "IPv4".into();
    }
    change(&mut object);
    let _ = objects.create(kind, object);
}

/// The addresses by the ports that they offer: Pods whose named ports differ come in different subsets.
fn subsets<'a>(service: &Value, pods: impl Iterator<Item = &'a Value>) -> Vec<Value> {
    let mut subsets: Vec<Value> = Vec::new();
    for pod in pods {
        let ports: Vec<Value> = meta::items(service, "/spec/ports")
            .iter()
            .filter_map(|port| endpoint_port(port, pod))
            .collect();
        if ports.is_empty() {
            continue;
        }
        let ports = Value::Array(ports);
        let place = match subsets.iter().position(|subset| subset["ports"] == ports) {
            Some(place) => place,
            None => {
                subsets.push(json!({ "ports": ports }));
                subsets.len() - 1
            }
        };
        let open = is_ready(pod) || service["spec"]["publishNotReadyAddresses"] == true;
        let list = if open {
            "addresses"
        } else {
            "notReadyAddresses"
        };
        let addresses = meta::ensure(&mut subsets[place], &[])
            .entry(list)
            .or_insert_with(|| json!([]));
        if let Some(addresses) = addresses.as_array_mut() {
            addresses.push(address(pod));
        }
    }
    subsets
}

fn address(pod: &Value) -> Value {
    json!({
        "ip": meta::text(pod, "/status/podIP"),
        "nodeName": meta::text(pod, "/spec/nodeName"),
        "targetRef": {
            "kind": "Pod",
            "namespace": meta::namespace(pod),
            "name": meta::name(pod),
            "uid": meta::uid(pod),
        },
    })
}

/// The port of a Pod that a Service's port leads to; a name is looked up among the containers' ports.
fn endpoint_port(port: &Value, pod: &Value) -> Option<Value> {
    let number = match &port["targetPort"] {
        Value::String(name) => meta::items(pod, "/spec/containers")
            .iter()
            .flat_map(|container| meta::items(container, "/ports"))
            .find(|declared| declared["name"] == *name)?["containerPort"]
            .as_i64()?,
        Value::Number(number) => number.as_i64()?,
        _ => port["port"].as_i64()?,
    };
    let mut made =
        json!({ "port": number, "protocol": port["protocol"].as_str().unwrap_or("TCP") });
    if let Some(name) = port.get("name") {
        made["name"] = name.clone();
    }
    Some(made)
}

fn fill_slice(slice: &mut Value, service: &Value, endpoints: &Value) {
    let first = &endpoints["subsets"][0];
    let one = |address: &Value, ready: bool| {
        let mut endpoint = json!({
            "addresses": [address["ip"]],
            "conditions": { "ready": ready, "serving": ready, "terminating": false },
        });
        for key in ["targetRef", "nodeName"] {
            if let Some(value) = address.get(key) {
                endpoint[key] = value.clone();
            }
        }
        endpoint
    };
    let ready = meta::items(first, "/addresses")
        .iter()
        .map(|address| one(address, true));
    let waiting = meta::items(first, "/notReadyAddresses")
        .iter()
        .map(|address| one(address, false));
    slice["endpoints"] = ready.chain(waiting).collect::<Vec<_>>().into();
    slice["ports"] = meta::items(first, "/ports").to_vec().into();
    slice["metadata"]["ownerReferences"] = json!([meta::controller_ref(Kind::Service, service)]);
}
