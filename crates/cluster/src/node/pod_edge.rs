//! The edge of one pod: one proxy for each port of a Service that its containers name.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use edge::{Edge, EdgeError, Upstream, Workload, WorkloadError};

use super::endpoints::Endpoints;
use super::environment::Environment;
use super::peers::{self, Peer};
use super::runtime::{Running, Signal};
use crate::objects::Objects;

/// The port on which a container's own hooks listen.
pub(crate) const HOOK_PORT: u16 = 8475;

/// The pod's edge. It lives as long as the pod, over restarts of containers.
pub(crate) struct PodEdge {
    edge: Edge,
    ip: Ipv4Addr,
    namespace: String,
    proxies: BTreeMap<Peer, SocketAddr>,
    main: Arc<MainContainer>,
}

/// The pod's main container, as the edge signals it.
#[derive(Default)]
pub(crate) struct MainContainer(Mutex<Option<Arc<dyn Running>>>);

impl PodEdge {
    /// Opens the control API on the pod's address.
    pub(crate) async fn open(
        ip: Ipv4Addr,
        namespace: &str,
        key: Option<String>,
        seed: u64,
    ) -> Result<Self, EdgeError> {
        let main = Arc::new(MainContainer::default());
        let edge = Edge::start(edge::Config {
            control: SocketAddr::from((ip, edge::CONTROL_PORT)),
            key,
            hooks: Some(SocketAddr::from((ip, HOOK_PORT))),
            workload: Some(main.clone()),
            seed: seed ^ u64::from(u32::from(ip)),
        })
        .await?;
        Ok(Self {
            edge,
            ip,
            namespace: namespace.to_owned(),
            proxies: BTreeMap::new(),
            main,
        })
    }

    /// The main container, to be told what runs.
    pub(crate) fn main(&self) -> &MainContainer {
        &self.main
    }

    /// Where the edge listens for each Service.
    pub(crate) fn proxies(&self) -> &BTreeMap<Peer, SocketAddr> {
        &self.proxies
    }

    /// `env` with every Service that it names replaced by this edge, with the proxies for them.
    pub(crate) async fn rewrite(
        &mut self,
        env: Environment,
        objects: &Objects,
        endpoints: &Endpoints,
    ) -> Result<Environment, EdgeError> {
        let found: Vec<_> = env
            .iter()
            .map(|(name, value)| peers::mentions(name, value, &self.namespace, objects))
            .collect();
        let mut wanted: Vec<&Peer> = found
            .iter()
            .flatten()
            .map(|mention| &mention.peer)
            .collect();
        // The Service's own order decides which of its ports has the plain name.
        wanted.sort_by_cached_key(|peer| {
            let ports = peers::Services::ports(objects, &peer.namespace, &peer.service);
            ports
                .unwrap_or_default()
                .iter()
                .position(|port| *port == peer.port)
                .unwrap_or(usize::MAX)
        });
        for peer in wanted {
            self.proxy(peer, endpoints).await?;
        }
        let mut out = Environment::with_capacity(env.len());
        let mut ports = Vec::new();
        for ((name, value), mentions) in env.into_iter().zip(found) {
            let text = peers::rewrite(&value, &mentions, |mention| {
                let address = self.proxies.get(&mention.peer)?;
                if mention.bare {
                    ports.push((name.clone(), address.port()));
                }
                Some(address.to_string())
            });
            out.push((name, text));
        }
        for (name, port) in ports {
            split_port(&mut out, &name, port);
        }
        Ok(out)
    }

    async fn proxy(&mut self, peer: &Peer, endpoints: &Endpoints) -> Result<(), EdgeError> {
        if self.proxies.contains_key(peer) {
            return Ok(());
        }
        let is_first = !self
            .proxies
            .keys()
            .any(|known| known.service == peer.service && known.namespace == peer.namespace);
        let name = proxy_name(peer, &self.namespace, is_first);
        let upstream = Upstream::Endpoints(endpoints.follow(peer));
        let any = SocketAddr::from((self.ip, 0));
        let address = self.edge.add_proxy(&name, any, upstream).await?;
        self.proxies.insert(peer.clone(), address);
        Ok(())
    }

    /// Closes everything.
    pub(crate) async fn close(self) {
        self.edge.stop().await;
    }
}

impl MainContainer {
    /// What runs now; `None` while nothing does.
    pub(crate) fn set(&self, running: Option<Arc<dyn Running>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = running;
    }
}

impl Workload for MainContainer {
    fn signal(&self, signal: edge::Signal) -> Result<(), WorkloadError> {
        let running = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let signal = match signal {
            edge::Signal::Kill => Signal::Kill,
            edge::Signal::Stop => Signal::Stop,
            edge::Signal::Continue => Signal::Continue,
            edge::Signal::Terminate => Signal::Terminate,
        };
        running
            .ok_or(WorkloadError::NotRunning)?
            .signal(signal)
            .map_err(|error| WorkloadError::Failed(error.to_string()))
    }
}

/// `payment`, `tempo.observability`, `rabbitmq:15672`: the Service, its namespace when it is another, and the port
/// when the pod names more than one port of the Service.
fn proxy_name(peer: &Peer, namespace: &str, is_first: bool) -> String {
    let mut name = peer.service.clone();
    if peer.namespace != namespace {
        name = format!("{name}.{}", peer.namespace);
    }
    if !is_first {
        name = format!("{name}:{}", peer.port);
    }
    name
}

/// `X_HOST=ip:port` with `X_PORT` beside it becomes `X_HOST=ip` and `X_PORT=port`.
fn split_port(env: &mut Environment, host: &str, port: u16) {
    let Some((prefix, _)) = host.rsplit_once('_') else {
        return;
    };
    let beside = format!("{prefix}_PORT");
    let Some(at) = env.iter().position(|(name, _)| *name == beside) else {
        return;
    };
    env[at].1 = port.to_string();
    if let Some((_, value)) = env.iter_mut().find(|(name, _)| name == host)
        && let Some((ip, _)) = value.rsplit_once(':')
    {
        *value = ip.to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_called_as_its_service() {
        for (namespace, service, port, is_first, name) in [
            ("shop", "payment", 80, true, "payment"),
            ("shop", "rabbitmq", 5672, true, "rabbitmq"),
            ("shop", "rabbitmq", 15672, false, "rabbitmq:15672"),
            ("observability", "tempo", 4318, true, "tempo.observability"),
        ] {
            let peer = Peer {
                namespace: namespace.into(),
                service: service.into(),
                port,
            };
            assert_eq!(proxy_name(&peer, "shop", is_first), name);
        }
    }

    #[test]
    fn a_host_with_its_port_in_a_variable_beside_it_is_split() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut env = vec![pair("DB_HOST", "127.0.0.9:4000"), pair("DB_PORT", "5432")];
        split_port(&mut env, "DB_HOST", 4000);
        assert_eq!(env, [pair("DB_HOST", "127.0.0.9"), pair("DB_PORT", "4000")]);
    }
}
