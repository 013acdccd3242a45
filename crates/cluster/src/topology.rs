//! Who calls whom, read from manifests. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::manifests::Manifests;
use crate::objects::{Kind, meta};
use crate::selector::LabelSelector;

/// The services of some manifests and the calls between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// The services: the Services that have Pods, by namespace and name.
    pub services: BTreeSet<(String, String)>,
    /// Caller and callee, each by namespace and name. A callee may be a Service without Pods of its own.
    pub calls: BTreeSet<((String, String), (String, String))>,
}

impl Topology {
    /// Reads the services and calls: a service calls the Services that the environment of its Pods names.
    pub fn of(manifests: &Manifests) -> Self {
        let of_kind = |kind: Kind| {
            let objects = manifests.objects().iter();
            objects
                .filter(move |manifest| manifest.kind == kind)
                .map(|manifest| &manifest.object)
        };
        let known: BTreeMap<(String, String), &Value> = of_kind(Kind::Service)
            .map(|service| (place(service), service))
            .collect();
        let mut topology = Self::default();
        let workloads = of_kind(Kind::Deployment)
            .chain(of_kind(Kind::StatefulSet))
            .chain(of_kind(Kind::DaemonSet));
        for workload in workloads {
            let namespace = meta::namespace(workload);
            let template = &workload["spec"]["template"];
            let mut own: Vec<_> = known
                .iter()
                .filter(|((within, _), service)| {
                    within == namespace
                        && LabelSelector::of_service(&service["spec"]["selector"])
                            .is_some_and(|selector| selector.matches(template))
                })
                .map(|(place, _)| place.clone())
                .collect();
            if own.is_empty() {
                own.push(place(workload));
            }
            for caller in own {
                for callee in mentioned(template, namespace, &known) {
                    if callee != caller {
                        topology.calls.insert((caller.clone(), callee));
                    }
                }
                topology.services.insert(caller);
            }
        }
        topology
    }

    /// The names of the services of one namespace.
    pub fn services_in<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a str> {
        let services = self
            .services
            .iter()
            .filter(move |(within, _)| within == namespace);
        services.map(|(_, name)| name.as_str())
    }

    /// Caller and callee by name, within one namespace.
    pub fn calls_in<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let calls = self.calls.iter();
        calls
            .filter(move |(from, to)| from.0 == namespace && to.0 == namespace)
            .map(|(from, to)| (from.1.as_str(), to.1.as_str()))
    }
}

fn place(object: &Value) -> (String, String) {
    (
        meta::namespace(object).to_owned(),
        meta::name(object).to_owned(),
    )
}

fn mentioned(
    template: &Value,
    namespace: &str,
    known: &BTreeMap<(String, String), &Value>,
) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for container in meta::items(template, "/spec/containers") {
        for variable in meta::items(container, "/env") {
            let (name, value) = (
                meta::text(variable, "/name"),
                meta::text(variable, "/value"),
            );
            for host in hosts(name, value) {
                let mut parts = host.split('.');
                let service = parts.next().unwrap_or("").to_owned();
                let within = parts.next().unwrap_or(namespace).to_owned();
                if known.contains_key(&(within.clone(), service.clone())) {
                    found.insert((within, service));
                }
            }
        }
    }
    found
}

/// The hosts that a value names: in the authority of URLs, in `host:port`, or alone in `..._HOST`.
fn hosts<'a>(name: &str, value: &'a str) -> Vec<&'a str> {
    let alone = name.ends_with("_HOST") || name.ends_with("_ADDR") || name.ends_with("_SERVICE");
    value
        .split([',', ' '])
        .filter_map(|part| {
            let authority = match part.split_once("://") {
                Some((_, rest)) => rest.split(['/', '?', '#']).next()?,
                None => part,
            };
            let host = authority.rsplit('@').next()?;
            let (host, port) = host
                .split_once(':')
                .map_or((host, None), |(host, port)| (host, Some(port)));
            let numbered = port.is_some_and(|port| port.parse::<u16>().is_ok());
            (part.contains("://") || numbered || alone).then_some(host)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifests::Files;

    #[test]
    fn calls_are_read_from_the_environment() {
        let workload = |name: &str, env: &str| {
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: {name}, namespace: s }}\nspec:\n  selector: {{ matchLabels: {{ name: {name} }} }}\n  template:\n    metadata: {{ labels: {{ name: {name} }} }}\n    spec: {{ containers: [{{ name: {name}, image: a, env: [{env}] }}] }}\n---\napiVersion: v1\nkind: Service\nmetadata: {{ name: {name}, namespace: s }}\nspec: {{ selector: {{ name: {name} }}, ports: [{{ port: 80 }}] }}\n"
            )
        };
        let env = "{ name: A, value: \"http://payment\" }, { name: B, value: \"postgres://db:db@db:5432/payment\" }, { name: C, value: shipping }";
        let files: Files = [
            ("a.yaml".to_owned(), workload("orders", env)),
            ("b.yaml".to_owned(), workload("payment", "")),
            ("c.yaml".to_owned(), workload("db", "")),
            (
                "d.yaml".to_owned(),
                workload(
                    "shipping",
                    "{ name: PEER_HOST, value: orders.s.svc.cluster.local }",
                ),
            ),
        ]
        .into();
        let topology = Topology::of(&Manifests::from_files(&files).unwrap());
        assert_eq!(
            topology.services_in("s").collect::<Vec<_>>(),
            ["db", "orders", "payment", "shipping"]
        );
        assert_eq!(
            topology.calls_in("s").collect::<Vec<_>>(),
            [
                ("orders", "db"),
                ("orders", "payment"),
                ("shipping", "orders")
            ]
        );
    }
}
