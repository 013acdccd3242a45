//! The ready endpoints of Services, kept up to date for the edges of all pods.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::peers::Peer;
use super::sources::number;
use crate::objects::{Kind, Objects, meta};

/// Who listens to which port of which Service. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Endpoints {
    objects: Objects,
    wanted: Arc<Mutex<HashMap<Peer, watch::Sender<Vec<SocketAddr>>>>>,
}

impl Endpoints {
    pub(crate) fn new(objects: Objects) -> Self {
        Self {
            objects,
            wanted: Arc::default(),
        }
    }

    /// The ready endpoints behind one port of a Service, now and later.
    pub(crate) fn follow(&self, peer: &Peer) -> watch::Receiver<Vec<SocketAddr>> {
        let mut wanted = self.lock();
        let sender = wanted
            .entry(peer.clone())
            .or_insert_with(|| watch::Sender::new(current(&self.objects, peer)));
        sender.subscribe()
    }

    /// Follows Endpoints and Services until cancelled.
    pub(crate) async fn run(self, cancel: CancellationToken) {
        let work = async {
            loop {
                let (_, mut endpoints) = self.objects.list_and_watch(Kind::Endpoints);
                let (_, mut services) = self.objects.list_and_watch(Kind::Service);
                self.refresh(|_| true);
                loop {
                    let change = tokio::select! {
                        change = endpoints.next() => change,
                        change = services.next() => change,
                    };
                    // A watch that fell behind: everything is read again.
                    let Ok(change) = change else { break };
                    let (namespace, name) =
                        (meta::namespace(&change.object), meta::name(&change.object));
                    self.refresh(|peer| peer.namespace == namespace && peer.service == name);
                }
            }
        };
        cancel.run_until_cancelled(work).await;
    }

    fn refresh(&self, which: impl Fn(&Peer) -> bool) {
        let mut wanted = self.lock();
        wanted.retain(|_, sender| sender.receiver_count() > 0);
        for (peer, sender) in wanted.iter().filter(|(peer, _)| which(peer)) {
            let now = current(&self.objects, peer);
            sender.send_if_modified(|known| {
                let changed = *known != now;
                *known = now;
                changed
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Peer, watch::Sender<Vec<SocketAddr>>>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ready endpoints behind one port of a Service, now.
pub(crate) fn current(objects: &Objects, peer: &Peer) -> Vec<SocketAddr> {
    let find = |kind| objects.find(kind, &peer.namespace, &peer.service);
    match (find(Kind::Service), find(Kind::Endpoints)) {
        (Some(service), Some(endpoints)) => ready(&service, &endpoints, peer.port),
        _ => Vec::new(),
    }
}

/// The ready addresses behind `port` of a Service. A port that it does not have, has none.
fn ready(service: &Value, endpoints: &Value, port: u16) -> Vec<SocketAddr> {
    let Some(port) = meta::items(service, "/spec/ports")
        .iter()
        .find(|known| number(known, "port") == Some(port))
    else {
        return Vec::new();
    };
    let name = meta::text(port, "/name");
    let mut found = Vec::new();
    for subset in meta::items(endpoints, "/subsets") {
        let target = meta::items(subset, "/ports")
            .iter()
            .find(|port| meta::text(port, "/name") == name)
            .and_then(|port| number(port, "port"));
        let Some(target) = target else { continue };
        let ips = meta::items(subset, "/addresses").iter();
        found.extend(
            ips.filter_map(|address| meta::text(address, "/ip").parse::<IpAddr>().ok())
                .map(|ip| SocketAddr::from((ip, target))),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_ready_addresses_of_the_named_port_are_found() {
        let service = json!({"spec": {"ports": [{"name": "amqp", "port": 5672}, {"name": "web", "port": 80}]}});
        let endpoints = json!({"subsets": [
            {"addresses": [{"ip": "127.1.1.2"}, {"ip": "127.1.1.3"}], "notReadyAddresses": [{"ip": "127.1.1.4"}],
             "ports": [{"name": "web", "port": 15672}, {"name": "amqp", "port": 5672}]}
        ]});
        let shown = |port| {
            let all = ready(&service, &endpoints, port);
            all.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(shown(80), ["127.1.1.2:15672", "127.1.1.3:15672"]);
        assert_eq!(shown(5672).len(), 2);
        assert!(shown(81).is_empty());
    }

    #[tokio::test]
    async fn a_follower_sees_endpoints_come_and_go() {
        let objects = Objects::new();
        let service =
            json!({"metadata": {"name": "s", "namespace": "n"}, "spec": {"ports": [{"port": 80}]}});
        objects.create(Kind::Service, service).unwrap();
        let endpoints = Endpoints::new(objects.clone());
        let peer = Peer {
            namespace: "n".into(),
            service: "s".into(),
            port: 80,
        };
        let mut ready = endpoints.follow(&peer);
        assert!(ready.borrow().is_empty());
        let cancel = CancellationToken::new();
        let task = tokio::spawn(endpoints.run(cancel.clone()));
        let object = json!({
            "metadata": {"name": "s", "namespace": "n"},
            "subsets": [{"addresses": [{"ip": "127.1.1.2"}], "ports": [{"port": 8080}]}]
        });
        objects.create(Kind::Endpoints, object).unwrap();
        ready.wait_for(|all| all.len() == 1).await.unwrap();
        objects.remove(Kind::Endpoints, "n", "s", None);
        ready.wait_for(Vec::is_empty).await.unwrap();
        cancel.cancel();
        task.await.unwrap();
    }
}
