//! One proxy: a listener that can be taken down and up, its connections, its toxics.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::Upstream;
use crate::connection::{Link, refuse, relay};
use crate::metrics::Traffic;
use crate::pipe::Standing;
use crate::toxic::Toxic;

/// How long an upstream may take to accept.
const CONNECT: Duration = Duration::from_secs(10);

/// A proxy, up or down.
pub(crate) struct Proxy {
    pub(crate) name: String,
    pub(crate) traffic: Arc<Traffic>,
    seed: u64,
    state: Mutex<State>,
    /// Held while the listener is changed, so that changes do not overlap.
    change: tokio::sync::Mutex<()>,
    toxics: watch::Sender<Arc<Vec<Standing>>>,
    next_id: AtomicU64,
    connections: Arc<AtomicU64>,
}

struct State {
    listen: String,
    upstream: Upstream,
    running: Option<Running>,
    /// When a proxy that was taken down under a lease comes up again.
    down_until: Option<Instant>,
}

struct Running {
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

/// A proxy's fields as they stand.
pub(crate) struct Fields {
    pub(crate) listen: String,
    pub(crate) upstream: String,
    pub(crate) enabled: bool,
}

impl Upstream {
    /// The upstream as the control API shows it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Address(address) => address.clone(),
            Self::Endpoints(_) => "endpoints".to_owned(),
        }
    }
}

impl Proxy {
    pub(crate) fn new(name: &str, listen: String, upstream: Upstream, seed: u64) -> Self {
        Self {
            name: name.to_owned(),
            traffic: Arc::default(),
            seed,
            state: Mutex::new(State {
                listen,
                upstream,
                running: None,
                down_until: None,
            }),
            change: tokio::sync::Mutex::new(()),
            toxics: watch::Sender::new(Arc::default()),
            next_id: AtomicU64::new(1),
            connections: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn fields(&self) -> Fields {
        let state = self.state();
        Fields {
            listen: state.listen.clone(),
            upstream: state.upstream.shown(),
            enabled: state.running.is_some(),
        }
    }

    /// The proxy as the control API shows it.
    pub(crate) fn to_json(&self) -> Value {
        let fields = self.fields();
        let toxics: Vec<Value> = self.toxics().iter().map(|s| s.toxic.to_json()).collect();
        json!({
            "name": self.name,
            "listen": fields.listen,
            "upstream": fields.upstream,
            "enabled": fields.enabled,
            "toxics": toxics,
        })
    }

    /// Binds the listener, unless it stands.
    pub(crate) async fn start(&self) -> io::Result<()> {
        let _change = self.change.lock().await;
        self.start_unlocked().await
    }

    async fn start_unlocked(&self) -> io::Result<()> {
        let (listen, upstream) = {
            let state = self.state();
            if state.running.is_some() {
                return Ok(());
            }
            (state.listen.clone(), state.upstream.clone())
        };
        let listener = TcpListener::bind(&listen).await?;
        let bound = listener.local_addr()?;
        let cancel = CancellationToken::new();
        let acceptor = Acceptor {
            upstream,
            name: self.name.clone(),
            seed: self.seed,
            cancel: cancel.clone(),
            traffic: self.traffic.clone(),
            toxics: self.toxics.subscribe(),
            connections: self.connections.clone(),
            turn: Arc::default(),
        };
        let task = tokio::spawn(acceptor.run(listener));
        let mut state = self.state();
        state.listen = bound.to_string();
        state.down_until = None;
        state.running = Some(Running { cancel, task });
        Ok(())
    }

    /// Closes the listener and every connection, and waits until they are closed.
    pub(crate) async fn stop(&self) {
        let _change = self.change.lock().await;
        self.stop_unlocked().await;
    }

    async fn stop_unlocked(&self) {
        let running = self.state().running.take();
        if let Some(Running { cancel, task }) = running {
            cancel.cancel();
            if let Err(error) = task.await {
                tracing::warn!(proxy = self.name, %error, "the proxy ended badly");
            }
        }
    }

    /// Makes the fields what `wanted` says; a new address drops the connections.
    pub(crate) async fn update(&self, wanted: Fields, lease: Option<Duration>) -> io::Result<()> {
        let _change = self.change.lock().await;
        let present = self.fields();
        if present.listen != wanted.listen || present.upstream != wanted.upstream {
            self.stop_unlocked().await;
            let mut state = self.state();
            state.listen = wanted.listen;
            if present.upstream != wanted.upstream {
                state.upstream = Upstream::Address(wanted.upstream);
            }
        }
        if wanted.enabled {
            return self.start_unlocked().await;
        }
        self.stop_unlocked().await;
        self.state().down_until = lease.map(|lease| Instant::now() + lease);
        Ok(())
    }

    /// Aborts everything without waiting.
    pub(crate) fn abort(&self) {
        if let Some(running) = self.state().running.take() {
            running.cancel.cancel();
            running.task.abort();
        }
    }

    /// The toxics in the order in which they were added.
    pub(crate) fn toxics(&self) -> Arc<Vec<Standing>> {
        self.toxics.borrow().clone()
    }

    /// The toxic of that name.
    pub(crate) fn toxic(&self, name: &str) -> Option<Toxic> {
        let found = self.toxics().iter().find(|s| s.toxic.name == name).cloned();
        found.map(|standing| standing.toxic)
    }

    /// Adds a toxic to present and future connections; `false` when one of
    /// that name stands.
    pub(crate) fn add_toxic(&self, toxic: Toxic) -> bool {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.toxics.send_if_modified(|toxics| {
            if toxics.iter().any(|s| s.toxic.name == toxic.name) {
                return false;
            }
            let until = toxic.lease.map(|lease| Instant::now() + lease);
            Arc::make_mut(toxics).push(Standing {
                id,
                revision: 0,
                toxic,
                until,
            });
            true
        })
    }

    /// Replaces the toxic of the same name, and renews its lease; `false` when
    /// there is none.
    pub(crate) fn update_toxic(&self, toxic: &Toxic) -> bool {
        self.toxics.send_if_modified(|toxics| {
            let Some(place) = toxics.iter().position(|s| s.toxic.name == toxic.name) else {
                return false;
            };
            let standing = &mut Arc::make_mut(toxics)[place];
            standing.revision += 1;
            standing.until = toxic.lease.map(|lease| Instant::now() + lease);
            standing.toxic = toxic.clone();
            true
        })
    }

    /// Removes a toxic; never waits for a connection. `false` when there is none.
    pub(crate) fn remove_toxic(&self, name: &str) -> bool {
        self.retain(|standing| standing.toxic.name != name)
    }

    /// Removes every toxic.
    pub(crate) fn remove_toxics(&self) {
        self.retain(|_| false);
    }

    fn retain(&self, keep: impl Fn(&Standing) -> bool) -> bool {
        self.toxics.send_if_modified(|toxics| {
            if toxics.iter().all(&keep) {
                return false;
            }
            Arc::make_mut(toxics).retain(&keep);
            true
        })
    }

    /// When the next lease on this proxy ends.
    pub(crate) fn next_lease(&self) -> Option<Instant> {
        let toxics = self.toxics();
        let ends = toxics.iter().filter_map(|standing| standing.until);
        ends.chain(self.state().down_until).min()
    }

    /// Undoes whatever has outlived its lease.
    pub(crate) async fn expire(&self, now: Instant) {
        if self.retain(|standing| standing.until.is_none_or(|until| until > now)) {
            tracing::info!(proxy = self.name, "a toxic's lease ran out; it is removed");
        }
        let up = self.state().down_until.is_some_and(|until| until <= now);
        if up {
            match self.start().await {
                Ok(()) => tracing::info!(proxy = self.name, "the lease ran out; it is up again"),
                Err(error) => {
                    tracing::error!(proxy = self.name, %error, "cannot come up again; trying on");
                    self.state().down_until = Some(now + Duration::from_secs(1));
                }
            }
        }
    }
}

/// Accepts connections of one proxy until it is cancelled; owns their tasks.
struct Acceptor {
    upstream: Upstream,
    name: String,
    seed: u64,
    cancel: CancellationToken,
    traffic: Arc<Traffic>,
    toxics: watch::Receiver<Arc<Vec<Standing>>>,
    connections: Arc<AtomicU64>,
    turn: Arc<AtomicUsize>,
}

impl Acceptor {
    async fn run(self, listener: TcpListener) {
        let mut tasks = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                Some(_) = tasks.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((client, _)) => { tasks.spawn(self.serve(client)); }
                    Err(error) => {
                        tracing::warn!(proxy = self.name, %error, "cannot accept");
                        // Out of descriptors: let others go first.
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                },
            }
        }
        drop(listener);
        // Every connection watches the same token and ends by itself.
        while tasks.join_next().await.is_some() {}
    }

    fn serve(&self, client: TcpStream) -> impl Future<Output = ()> + use<> {
        let number = self.connections.fetch_add(1, Ordering::Relaxed);
        let link = Link {
            toxics: self.toxics.clone(),
            cancel: self.cancel.clone(),
            traffic: self.traffic.clone(),
            seed: self.seed,
            name: format!("{}#{number}", self.name),
        };
        let upstream = self.upstream.clone();
        let turn = self.turn.clone();
        async move {
            let connected = tokio::select! {
                biased;
                () = link.cancel.cancelled() => return refuse(&client),
                connected = connect(&upstream, &turn) => connected,
            };
            match connected {
                Ok((server, endpoint)) => {
                    for socket in [&client, &server] {
                        if let Err(error) = socket.set_nodelay(true) {
                            tracing::debug!(%error, "a connection without TCP_NODELAY");
                        }
                    }
                    let name = link.name.clone();
                    tokio::select! {
                        () = relay(client, server, link) => {}
                        () = port_changed(&upstream, endpoint) => {
                            tracing::debug!(link = name, "the endpoint has another port now");
                        }
                    }
                }
                Err(error) => {
                    tracing::debug!(link = link.name, %error, "no upstream");
                    refuse(&client);
                }
            }
        }
    }
}

/// Connects to the upstream; of several endpoints to the next in turn that accepts, which is given too.
async fn connect(
    upstream: &Upstream,
    turn: &AtomicUsize,
) -> io::Result<(TcpStream, Option<SocketAddr>)> {
    let endpoints: Vec<SocketAddr> = match upstream {
        Upstream::Address(address) => {
            let server = timeout(CONNECT, TcpStream::connect(address)).await??;
            return Ok((server, None));
        }
        Upstream::Endpoints(endpoints) => endpoints.borrow().clone(),
    };
    let first = turn.fetch_add(1, Ordering::Relaxed);
    let mut last = io::Error::new(io::ErrorKind::ConnectionRefused, "there are no endpoints");
    for offset in 0..endpoints.len() {
        let endpoint = endpoints[(first.wrapping_add(offset)) % endpoints.len()];
        match timeout(CONNECT, TcpStream::connect(endpoint)).await {
            Ok(Ok(server)) => return Ok((server, Some(endpoint))),
            Ok(Err(error)) => last = error,
            Err(elapsed) => last = elapsed.into(),
        }
    }
    Err(last)
}

/// Returns when the Service leads to another port of the same host. Connections to the old one end then, so that the
/// change is felt at once and not when the last kept connection closes. An endpoint that only left keeps its
/// connections: it may be finishing its work.
async fn port_changed(upstream: &Upstream, endpoint: Option<SocketAddr>) {
    if let (Upstream::Endpoints(endpoints), Some(at)) = (upstream, endpoint) {
        let mut endpoints = endpoints.clone();
        let changed = endpoints
            .wait_for(|all| !all.contains(&at) && all.iter().any(|one| one.ip() == at.ip()))
            .await
            .is_ok();
        if changed {
            return;
        }
    }
    std::future::pending::<()>().await;
}
