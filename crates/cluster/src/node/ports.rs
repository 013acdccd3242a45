//! Ports below 1024 that may not be bound are shifted by 8000, and the API object shows the port that is true.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use serde_json::Value;

use super::spec::Pod;

/// By how much.
const SHIFT: u16 = 8_000;

/// True ports by the ports that were asked for.
pub(crate) type Shifts = BTreeMap<u16, u16>;

/// Which of the pod's ports are to be shifted, where `may_bind` says what is allowed.
pub(crate) fn shifts(pod: &Pod, may_bind: impl Fn(u16) -> bool) -> Shifts {
    let containers = pod.spec.containers.iter();
    containers
        .flat_map(|container| &container.ports)
        .map(|port| port.container_port)
        .filter(|port| (1..1024).contains(port) && !may_bind(*port))
        .map(|port| (port, port + SHIFT))
        .collect()
}

/// Whether this process may bind a port. One that is only in use may be bound.
pub(crate) fn may_bind(ip: Ipv4Addr, port: u16) -> bool {
    match TcpListener::bind(SocketAddr::from((ip, port))) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::PermissionDenied,
    }
}

/// The pod with its true ports: container ports, numbers in probes, and where it says that it is scraped.
pub(crate) fn apply(pod: &mut Value, shifts: &Shifts) {
    if let Some(port) = pod.pointer_mut("/metadata/annotations/prometheus.io~1port")
        && let Some(number) = port.as_str().and_then(|text| text.parse::<u16>().ok())
        && let Some(shifted) = shifts.get(&number)
    {
        *port = shifted.to_string().into();
    }
    let Some(containers) = pod
        .pointer_mut("/spec/containers")
        .and_then(Value::as_array_mut)
    else {
        return;
    };
    for container in containers {
        for port in container["ports"].as_array_mut().into_iter().flatten() {
            shift(port.get_mut("containerPort"), shifts);
        }
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            for way in ["httpGet", "tcpSocket"] {
                shift(
                    container.pointer_mut(&format!("/{probe}/{way}/port")),
                    shifts,
                );
            }
        }
    }
}

fn shift(port: Option<&mut Value>, shifts: &Shifts) {
    if let Some(port) = port
        && let Some(number) = port.as_u64().and_then(|number| u16::try_from(number).ok())
        && let Some(shifted) = shifts.get(&number)
    {
        *port = (*shifted).into();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_low_ports_that_may_not_be_bound_are_shifted_everywhere_they_stand() {
        let mut object = json!({
            "metadata": {"annotations": {"prometheus.io/port": "80"}},
            "spec": {"containers": [{
                "name": "c",
                "ports": [{"name": "http", "containerPort": 80}, {"containerPort": 443}, {"containerPort": 8080}],
                "livenessProbe": {"httpGet": {"port": 80}},
                "readinessProbe": {"tcpSocket": {"port": "http"}}
            }]}
        });
        let shifts = shifts(&Pod::read(&object).unwrap(), |port| port == 443);
        assert_eq!(shifts, Shifts::from([(80, 8080)]));
        apply(&mut object, &shifts);
        assert_eq!(
            object,
            json!({
                "metadata": {"annotations": {"prometheus.io/port": "8080"}},
                "spec": {"containers": [{
                    "name": "c",
                    "ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 443}, {"containerPort": 8080}],
                    "livenessProbe": {"httpGet": {"port": 8080}},
                    "readinessProbe": {"tcpSocket": {"port": "http"}}
                }]}
            })
        );
    }
}
