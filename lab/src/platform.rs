//! The laptop's platform: an embedded cluster and an embedded store, a shop and
//! its customers. What runs on it knows none of this.

mod state_dir;

use std::ffi::OsString;
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use cluster::Cluster;
use cluster::node::{self, ImageRule};
use cluster::objects::Kind;
use model::Load;
use serde_json::Value;
use store::{KubernetesAccess, Ports, Store};
use telemetry::Backends;

use crate::assets::{Assets, Folder};
use crate::error::LabError;
use crate::{manifests, vocabulary};

pub(crate) use state_dir::StateDir;

/// How long the console waits for the web shop's address.
const OPEN_WITHIN: Duration = Duration::from_secs(5);
/// How many of this machine's cores one Kubernetes CPU is worth. The shop's
/// limits were made for services that hash fewer passwords a second than
/// twenty customers want here; a debug build needs several times as much.
const CPU_FACTOR: f64 = if cfg!(debug_assertions) { 8.0 } else { 2.0 };
/// How long taking a platform down may take.
const DOWN_WITHIN: Duration = Duration::from_secs(4);

/// What a platform is to carry.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) shop: String,
    pub(crate) load: Load,
    pub(crate) seed: u64,
    /// Which ports the telemetry APIs try first.
    pub(crate) ports: Ports,
}

/// A platform that runs. [`Platform::stop`] takes it down.
pub(crate) struct Platform {
    cluster: Cluster,
    store: Store,
    key: String,
    state: StateDir,
    /// The shop's objects as they are authored.
    manifests: Vec<Value>,
}

impl Platform {
    /// Brings up cluster, store, shop and customers. Does not wait until the
    /// shop is ready: that is the drill's to see.
    pub(crate) async fn start(
        wanted: &Wanted,
        assets: &Assets,
        state: StateDir,
    ) -> Result<Self, LabError> {
        let shop = parts(assets, &wanted.shop)?;
        let mut customers = parts(assets, "lab")?;
        customers.set_load(&wanted.shop, wanted.load, wanted.seed);
        let observability = parts(assets, "observability")?;
        let rules = vocabulary::rule_files(assets)?;
        let alertmanager = vocabulary::alertmanager(assets)?;

        let key = secret();
        let config = cluster::Config {
            node: node_config(&state, &key, wanted.seed)?,
            ..cluster::Config::new(state.path())
        };
        let cluster = Cluster::start(config).await.map_err(platform)?;
        let store = Store::start(store::Config {
            ports: wanted.ports,
            rules,
            alertmanager,
            kubernetes: Some(KubernetesAccess {
                base_url: cluster.http_base(),
                token: cluster.lab_token().to_owned(),
            }),
            ..store::Config::default()
        })
        .await
        .map_err(platform)?;
        let this = Self {
            cluster,
            store,
            key,
            state,
            manifests: shop.objects(),
        };
        this.cluster
            .apply(&observability.manifests)
            .map_err(platform)?;
        this.point_at_store()?;
        this.cluster.apply(&shop.manifests).map_err(platform)?;
        this.cluster.apply(&customers.manifests).map_err(platform)?;
        Ok(this)
    }

    /// Points the Services of `observability` at the embedded store.
    fn point_at_store(&self) -> Result<(), LabError> {
        let at = self.store.addresses();
        for endpoints in [
            manifests::endpoints("mimir", &[("http", at.mimir)]),
            manifests::endpoints("loki", &[("http", at.loki)]),
            manifests::endpoints(
                "tempo",
                &[
                    ("http", at.tempo),
                    ("otlp-http", at.otlp),
                    ("otlp-grpc", at.otlp_grpc),
                ],
            ),
        ] {
            let objects = self.cluster.objects();
            objects
                .create(Kind::Endpoints, endpoints)
                .map_err(platform)?;
        }
        Ok(())
    }

    /// The lab's own access to the cluster.
    pub(crate) fn kubeconfig(&self) -> &Path {
        self.cluster.kubeconfig_lab()
    }

    /// The shop's objects as they are authored.
    pub(crate) fn manifests(&self) -> &[Value] {
        &self.manifests
    }

    /// A responder's access to the cluster.
    pub(crate) fn kubeconfig_responder(&self) -> &Path {
        self.cluster.kubeconfig_responder()
    }

    /// The API server without TLS, and a responder's token to it.
    pub(crate) fn api_of_responder(&self) -> (String, String) {
        let token = self.cluster.responder_token().to_owned();
        (self.cluster.http_base(), token)
    }

    /// The lab's key to the control ports of the edges.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Where the lab keeps what it must not lose.
    pub(crate) fn injections(&self) -> PathBuf {
        self.state.path().join("injections.jsonl")
    }

    /// Where telemetry is read.
    pub(crate) fn backends(&self) -> Backends {
        let at = self.store.addresses();
        Backends {
            metrics_url: format!("http://{}/prometheus", at.mimir),
            logs_url: format!("http://{}", at.loki),
            traces_url: format!("http://{}", at.tempo),
        }
    }

    /// Addresses worth knowing for a person: a label and an address each.
    pub(crate) fn addresses(&self, shop: &str) -> Vec<(String, String)> {
        let at = self.store.addresses();
        let mut addresses = Vec::new();
        if let Some(front) = self.front_end(shop) {
            addresses.push(("shop".to_owned(), front));
        }
        addresses.extend([
            (
                "kubectl".to_owned(),
                format!(
                    "export KUBECONFIG={}",
                    self.kubeconfig_responder().display()
                ),
            ),
            (
                "metrics".to_owned(),
                format!("http://{}/prometheus", at.mimir),
            ),
            ("logs".to_owned(), format!("http://{}", at.loki)),
            ("traces".to_owned(), format!("http://{}", at.tempo)),
            (
                "otlp".to_owned(),
                format!("http://{} (gRPC {})", at.otlp, at.otlp_grpc),
            ),
        ]);
        addresses
    }

    /// As [`Platform::addresses`], when the web shop has one; without it after
    /// a while.
    pub(crate) async fn addresses_when_open(&self, shop: &str) -> Vec<(String, String)> {
        let open = async {
            while self.front_end(shop).is_none() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        // A shop that does not open is the drill's to tell of.
        drop(tokio::time::timeout(OPEN_WITHIN, open).await);
        self.addresses(shop)
    }

    /// The web shop's address, once its pod has one.
    fn front_end(&self, shop: &str) -> Option<String> {
        let endpoints = self
            .cluster
            .objects()
            .find(Kind::Endpoints, shop, "front-end")?;
        let ip = endpoints.pointer("/subsets/0/addresses/0/ip")?.as_str()?;
        let port = endpoints.pointer("/subsets/0/ports/0/port")?.as_u64()?;
        let ip: IpAddr = ip.parse().ok()?;
        Some(format!("http://{ip}:{port}/"))
    }

    /// Takes everything down: no process, port or file of the lab remains.
    pub(crate) async fn stop(self) {
        let Self {
            cluster,
            store,
            state,
            ..
        } = self;
        let down = async {
            cluster.stop().await;
            store.stop().await;
        };
        if tokio::time::timeout(DOWN_WITHIN, down).await.is_err() {
            tracing::warn!(
                "the platform did not come down in time; its processes die with this one"
            );
        }
        state.remove();
    }
}

fn platform(error: impl std::fmt::Display) -> LabError {
    LabError::Platform(error.to_string())
}

fn parts(assets: &Assets, folder: &str) -> Result<manifests::Parts, LabError> {
    let sources = assets.yaml(Folder::K8s, folder)?;
    if sources.is_empty() {
        return Err(LabError::Authored(format!(
            "there are no manifests in k8s/{folder}/"
        )));
    }
    manifests::read(&sources).map_err(LabError::Authored)
}

fn node_config(state: &StateDir, key: &str, seed: u64) -> Result<node::Config, LabError> {
    let program = std::env::current_exe()
        .map_err(|error| platform(format!("this program's own path is unknown: {error}")))?;
    let rule = |pattern: &str, args: &[&str], env: &[(&str, &str)]| ImageRule {
        pattern: pattern.to_owned(),
        program: program.clone(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
        env: env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    };
    Ok(node::Config {
        images: vec![
            rule("shoplab/load:{release}", &["load"], &[]),
            rule(
                "shoplab/{shop}/{service}:{release}",
                &["shop", "{shop}/{service}"],
                &[("SHOP_RELEASE", "{release}")],
            ),
            rule("postgres:{release}", &["shop", "store", "postgres"], &[]),
            rule("redis:{release}", &["shop", "store", "redis"], &[]),
            rule("rabbitmq:{release}", &["shop", "store", "rabbitmq"], &[]),
        ],
        guard: Some((program, vec!["guard".to_owned()])),
        lab_key: Some(key.to_owned()),
        cpu_factor: CPU_FACTOR,
        seed,
        ..node::Config::new(state.path().join("node"))
    })
}

/// 256 random bits as hex digits.
fn secret() -> String {
    let bytes: [u8; 32] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hidden subcommand under which containers die with the lab.
pub(crate) fn guard(args: Vec<OsString>) -> ExitCode {
    match cluster::node::guard::main(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            drop(std::io::stderr().write_all(format!("{error}\n").as_bytes()));
            ExitCode::from(125)
        }
    }
}
