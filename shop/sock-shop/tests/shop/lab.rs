//! A whole shop on ports of its own; each part can be stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use instrument::Metrics;
use shop_kit::{Context, Env, Peer, Release, Service};
use shop_stores::{
    Eviction, PostgresConfig, PostgresFaults, PostgresServer, RabbitConfig, RabbitFaults,
    RabbitServer, RedisConfig, RedisFaults, RedisServer,
};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How long anything may take to come about.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// How a shop differs from the usual one.
#[derive(Clone, Copy, Default)]
struct Setup {
    /// A service, and the tag that it runs.
    release: Option<(&'static str, &'static str)>,
    /// A variable that is not set.
    without: Option<&'static str>,
    /// A variable that every service has, and its value.
    with: Option<(&'static str, &'static str)>,
}

/// A running shop.
pub(crate) struct Lab {
    setup: Setup,
    urls: BTreeMap<&'static str, String>,
    parts: BTreeMap<&'static str, Part>,
    /// How each service's router describes itself.
    routers: BTreeMap<&'static str, String>,
    _data: TempDir,
}

struct Part {
    stop: CancellationToken,
    task: JoinHandle<()>,
    context: Option<Context>,
}

impl Lab {
    /// Starts all stores and services, and waits until every service is ready.
    pub(crate) async fn start() -> Self {
        Self::begin(Setup::default()).await
    }

    /// The same, with one service in another release.
    pub(crate) async fn with_release(service: &'static str, tag: &'static str) -> Self {
        Self::begin(Setup {
            release: Some((service, tag)),
            ..Setup::default()
        })
        .await
    }

    /// The same, with a variable that no service has.
    pub(crate) async fn without_variable(name: &'static str) -> Self {
        Self::begin(Setup {
            without: Some(name),
            ..Setup::default()
        })
        .await
    }

    /// The same, with one variable more for every service.
    pub(crate) async fn with_variable(name: &'static str, value: &'static str) -> Self {
        Self::begin(Setup {
            with: Some((name, value)),
            ..Setup::default()
        })
        .await
    }

    async fn begin(setup: Setup) -> Self {
        let mut lab = Self {
            setup,
            urls: BTreeMap::new(),
            parts: BTreeMap::new(),
            routers: BTreeMap::new(),
            _data: TempDir::new().expect("a folder"),
        };
        for (name, user, database) in [
            ("user-db", "users", "users"),
            ("catalogue-db", "catalogue_user", "socksdb"),
            ("carts-db", "carts", "data"),
            ("orders-db", "orders", "data"),
        ] {
            lab.postgres(name, user, database).await;
        }
        lab.redis().await;
        lab.rabbitmq().await;
        let mut listeners = Vec::new();
        for service in sock_shop::SHOP.services {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            lab.urls.insert(service.name, format!("http://{address}"));
            listeners.push((service, listener));
        }
        for (service, listener) in listeners {
            lab.serve(service, listener);
        }
        for service in sock_shop::SHOP.services {
            lab.until(service.name, "/ready", "ready").await;
        }
        lab
    }

    fn serve(&mut self, service: &'static Service, listener: TcpListener) {
        let release = match self.setup.release {
            Some((name, tag)) if name == service.name => tag,
            _ => "v1.0.0",
        };
        let release = Release::find(service.releases, Some(release)).expect("published");
        let metrics = Metrics::new(service.name).expect("well-formed families");
        let context = Context::new(self.env(service.name), metrics, release);
        let app = shop_kit::router(service, &context).expect("a complete environment");
        self.routers.insert(service.name, format!("{app:?}"));
        let stop = CancellationToken::new();
        let told = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            axum::serve(listener, app)
                .with_graceful_shutdown(told)
                .await
                .expect("serves");
        });
        let part = Part {
            stop,
            task,
            context: Some(context),
        };
        self.parts.insert(service.name, part);
    }

    /// Starts a service that was stopped, where it was before.
    pub(crate) async fn again(&mut self, name: &'static str) {
        let services = sock_shop::SHOP.services;
        let service = services.iter().find(|service| service.name == name);
        let listener = TcpListener::bind(self.address(name)).await.expect("free");
        self.serve(service.expect("a service"), listener);
        self.until(name, "/ready", "ready").await;
    }

    /// Waits until the service `name` has crashed.
    pub(crate) async fn crashed(&self, name: &str) {
        let context = self.parts[name].context.as_ref();
        context.expect("a service").crashed().await;
    }

    fn env(&self, service: &str) -> Env {
        let database = format!("{service}-db");
        let env = [
            ("CATALOGUE_URL", "catalogue"),
            ("CARTS_URL", "carts"),
            ("ORDERS_URL", "orders"),
            ("USER_URL", "user"),
            ("PAYMENT_URL", "payment"),
            ("PAYMENT_GATEWAY_URL", "payment-gateway"),
            ("SHIPPING_URL", "shipping"),
            ("SESSION_REDIS", "session-db"),
            ("AMQP_URL", "rabbitmq"),
            ("DATABASE_URL", &database),
        ];
        let env = env
            .into_iter()
            .filter(|(variable, _)| self.setup.without != Some(*variable));
        let more = self.setup.with.into_iter();
        let more = more.fold(Env::default(), |env, (name, value)| env.with(name, value));
        env.fold(more, |env, (variable, peer)| match self.urls.get(peer) {
            Some(url) => env.with(variable, url),
            None => env,
        })
    }

    async fn postgres(&mut self, name: &'static str, user: &str, database: &str) {
        let server = PostgresServer::bind(PostgresConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            metrics: None,
            data: self._data.path().join(name),
            user: user.to_owned(),
            password: "secret".to_owned(),
            database: database.to_owned(),
            max_connections: 50,
            statement_timeout: None,
            faults: PostgresFaults::default(),
        });
        let server = server.await.expect("a database");
        let address = server.addr().expect("an address");
        self.urls.insert(
            name,
            format!("postgres://{user}:secret@{address}/{database}"),
        );
        self.store(name, |stop| async move {
            server.serve(stop).await.expect("serves");
        });
    }

    /// Starts session-db, where it was before if it was.
    pub(crate) async fn redis(&mut self) {
        let config = RedisConfig {
            listen: self.address("session-db"),
            metrics: None,
            password: None,
            max_memory: 0,
            eviction: Eviction::Refuse,
            max_clients: 100,
            faults: RedisFaults::default(),
        };
        let server = RedisServer::bind(config).await.expect("a Redis");
        let address = server.addr().expect("an address");
        self.urls.insert("session-db", format!("redis://{address}"));
        self.store("session-db", |stop| async move {
            server.serve(stop).await.expect("serves");
        });
    }

    /// Starts rabbitmq, where it was before if it was.
    pub(crate) async fn rabbitmq(&mut self) {
        self.rabbitmq_with(RabbitFaults::default()).await;
    }

    /// The same with a broker that rejects whatever is published, once shipping is connected to it.
    pub(crate) async fn full_rabbitmq(&mut self) {
        let faults = RabbitFaults {
            refuse_publishes: true,
            ..RabbitFaults::default()
        };
        self.rabbitmq_with(faults).await;
        let connected = r#""service":"shipping-rabbitmq","status":"OK""#;
        self.until("shipping", "/health", connected).await;
    }

    async fn rabbitmq_with(&mut self, faults: RabbitFaults) {
        let config = RabbitConfig {
            listen: self.address("rabbitmq"),
            management: None,
            metrics: None,
            data: self._data.path().join("rabbitmq"),
            user: "guest".to_owned(),
            password: "guest".to_owned(),
            max_connections: 100,
            memory_limit: None,
            faults,
        };
        let server = RabbitServer::bind(config).await.expect("a broker");
        let address = server.addr().expect("an address");
        self.urls
            .insert("rabbitmq", format!("amqp://guest:guest@{address}"));
        self.store("rabbitmq", |stop| async move {
            server.serve(stop).await.expect("serves");
        });
    }

    /// The address of a store that was there before, or one that the kernel chooses.
    fn address(&self, name: &str) -> SocketAddr {
        let known = self
            .urls
            .get(name)
            .and_then(|url| url.rsplit(['@', '/']).next()?.parse().ok());
        known.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    fn store<F>(&mut self, name: &'static str, serve: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(stop.clone()));
        self.parts.insert(
            name,
            Part {
                stop,
                task,
                context: None,
            },
        );
    }

    /// Stops a service or store; what it kept in memory is gone, and its port refuses.
    pub(crate) async fn stop(&mut self, name: &str) {
        let part = self.parts.remove(name).expect("a running part");
        part.stop.cancel();
        if let Some(context) = &part.context {
            context.end().await;
        }
        part.task.await.expect("no panic");
    }

    /// The URL of a service or store.
    pub(crate) fn url(&self, name: &str) -> &str {
        &self.urls[name]
    }

    /// The service `name`, to be called directly.
    pub(crate) fn peer(&self, name: &'static str) -> Peer {
        let url = self.urls[name].parse().expect("a URL");
        Peer::new(
            name,
            &url,
            Metrics::new("test").expect("well-formed families"),
        )
    }

    /// The paths of the routes that the service `name` has.
    pub(crate) fn routes(&self, name: &str) -> BTreeSet<String> {
        let router = &self.routers[name];
        let paths = router.split("paths: {").nth(1).expect("a router");
        let paths = paths.split('"').skip(1).step_by(2);
        let paths = paths.take_while(|text| text.starts_with('/'));
        paths
            .filter(|path| !path.contains("__private"))
            .map(|path| path.replace("{*", "{"))
            .collect()
    }

    /// The sum of a metric's samples that have all of these labels, such as `peer="payment"`.
    pub(crate) async fn sum(&self, name: &'static str, metric: &str, labels: &[&str]) -> f64 {
        let answer = self.peer(name).get("/metrics").send().await;
        let text = String::from_utf8_lossy(&answer.expect("metrics").body).into_owned();
        let samples = text.lines().filter(|line| {
            let rest = line.strip_prefix(metric);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
                && labels.iter().all(|label| line.contains(label))
        });
        samples
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Asks until the body contains `wanted`.
    pub(crate) async fn until(&self, name: &'static str, path: &str, wanted: &str) -> String {
        let peer = self.peer(name);
        let asked = tokio::time::timeout(SOON, async {
            let mut again = tokio::time::interval(Duration::from_millis(20));
            loop {
                again.tick().await;
                if let Ok(answer) = peer.get(path).send().await {
                    let text = String::from_utf8_lossy(&answer.body).into_owned();
                    if text.contains(wanted) && !text.contains("not ready") {
                        return text;
                    }
                }
            }
        });
        asked
            .await
            .unwrap_or_else(|_| panic!("{name}{path} never said {wanted}"))
    }
}
