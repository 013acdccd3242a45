//! The cluster as a whole: starts its parts, applies manifests, stops.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::Config;
use crate::api::auth::Access;
use crate::api::{Api, Server, TlsMaterial};
use crate::controllers::Controllers;
use crate::kubeconfig::Kubeconfig;
use crate::manifests::{Manifest, Manifests};
use crate::node::{Node, NodeError};
use crate::objects::{Kind, Objects, StoreError, meta};
use crate::runtime::Runtime;

pub use crate::api::{ServerError, TlsError};

/// A running cluster. Stop it with [`Cluster::stop`]; dropped, it stops without waiting.
pub struct Cluster {
    objects: Objects,
    server: Option<Server>,
    controllers: Option<JoinHandle<()>>,
    node: Option<Node>,
    cancel: CancellationToken,
    access: Access,
    kubeconfig_lab: PathBuf,
    kubeconfig_responder: PathBuf,
}

/// Why a cluster could not start, or not take manifests.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The state folder or a file in it cannot be written.
    #[error("cannot write {path}: {source}; choose a folder that can be written with --state-dir", path = path.display())]
    State {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The API server cannot listen.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The API server has no certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The client for Pods' ports could not be made.
    #[error("cannot make the client that reaches Pods: {0}")]
    Client(#[from] reqwest::Error),
    /// The node could not start.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A manifest was refused.
    #[error("{file}:{line}: {source}")]
    Refused {
        /// The manifest's file.
        file: String,
        /// Its first line.
        line: usize,
        /// Why.
        source: StoreError,
    },
}

impl Cluster {
    /// Starts everything: API server, controllers, and a node whose containers are processes.
    pub async fn start(config: Config) -> Result<Self, ClusterError> {
        let objects = Objects::new();
        furnish(&objects);
        let node = Node::start(
            objects.clone(),
            config.node.clone(),
            &CancellationToken::new(),
        )?;
        let runtime = Arc::new(node.inspector());
        match Self::start_with(&config, objects, runtime).await {
            Ok(mut cluster) => {
                cluster.node = Some(node);
                Ok(cluster)
            }
            Err(error) => {
                node.stop().await;
                Err(error)
            }
        }
    }

    /// Starts API server and controllers over `objects`, whose Pods `runtime` runs.
    pub async fn start_with(
        config: &Config,
        objects: Objects,
        runtime: Arc<dyn Runtime>,
    ) -> Result<Self, ClusterError> {
        std::fs::create_dir_all(&config.state_dir).map_err(|source| ClusterError::State {
            path: config.state_dir.clone(),
            source,
        })?;
        let cancel = CancellationToken::new();
        let access = Access::new(config.hidden_namespaces.clone());
        let tls = TlsMaterial::generate(config.listen.ip())?;
        let api = Arc::new(Api {
            objects: objects.clone(),
            access: access.clone(),
            runtime: runtime.clone(),
            client: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()?,
            cancel: cancel.clone(),
        });
        furnish(&objects);
        let server = Server::start(api, &tls, config.listen, config.listen_plain).await?;
        let controllers = Controllers::new(objects.clone(), runtime, config.autoscale_period);
        let controllers = tokio::spawn(controllers.run(cancel.clone()));
        let mut cluster = Self {
            objects,
            server: Some(server),
            controllers: Some(controllers),
            node: None,
            cancel,
            access,
            kubeconfig_lab: config.state_dir.join("kubeconfig"),
            kubeconfig_responder: config.state_dir.join("kubeconfig-responder"),
        };
        let written = cluster.write_kubeconfigs(&tls.ca_pem);
        if let Err(error) = written {
            cluster.end().await;
            return Err(error);
        }
        Ok(cluster)
    }

    /// The kubeconfig of the lab, which may do everything.
    pub fn kubeconfig_lab(&self) -> &Path {
        &self.kubeconfig_lab
    }

    /// The kubeconfig of responders, which does not reach the hidden namespaces.
    pub fn kubeconfig_responder(&self) -> &Path {
        &self.kubeconfig_responder
    }

    /// The API server's URL with TLS.
    pub fn https_base(&self) -> String {
        self.server.as_ref().map_or_else(String::new, |server| {
            format!("https://{}", server.tls_address)
        })
    }

    /// The API server's URL without TLS, for clients in this process.
    pub fn http_base(&self) -> String {
        self.server.as_ref().map_or_else(String::new, |server| {
            format!("http://{}", server.plain_address)
        })
    }

    /// The bearer token of the lab.
    pub fn lab_token(&self) -> &str {
        &self.access.lab_token
    }

    /// The bearer token of responders.
    pub fn responder_token(&self) -> &str {
        &self.access.responder_token
    }

    /// The object store.
    pub fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Applies manifests in their order: makes what is missing, replaces the described part of what is there.
    pub fn apply(&self, manifests: &Manifests) -> Result<(), ClusterError> {
        for manifest in manifests.objects() {
            self.apply_one(manifest)
                .map_err(|source| ClusterError::Refused {
                    file: manifest.file.clone(),
                    line: manifest.line,
                    source,
                })?;
        }
        Ok(())
    }

    fn apply_one(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let kind = manifest.kind;
        let mut object = manifest.object.clone();
        let meta = meta::ensure(&mut object, &["metadata"]);
        if kind.namespaced() {
            meta.entry("namespace").or_insert_with(|| "default".into());
            let namespace = meta::namespace(&object).to_owned();
            if self.objects.find(Kind::Namespace, "", &namespace).is_none() {
                return Err(StoreError::NotFound {
                    kind: Kind::Namespace,
                    name: namespace,
                });
            }
        }
        if kind == Kind::Secret {
            crate::api::encode_string_data(&mut object);
        }
        let (namespace, name) = (
            meta::namespace(&object).to_owned(),
            meta::name(&object).to_owned(),
        );
        if self.objects.find(kind, &namespace, &name).is_none() {
            return self.objects.create(kind, object).map(drop);
        }
        self.objects
            .modify(kind, &namespace, &name, |stored| {
                crate::api::merge(stored, object);
            })
            .map(drop)
    }

    /// Ends every container, API server and controllers, and waits for them.
    pub async fn stop(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        self.cancel.cancel();
        if let Some(server) = self.server.take() {
            server.stop().await;
        }
        if let Some(controllers) = self.controllers.take()
            && let Err(error) = controllers.await
        {
            tracing::error!(%error, "the controllers ended badly");
        }
        if let Some(node) = self.node.take() {
            node.stop().await;
        }
    }

    fn write_kubeconfigs(&self, ca_pem: &str) -> Result<(), ClusterError> {
        let server = self.https_base();
        for (path, user, token) in [
            (&self.kubeconfig_lab, "lab", &self.access.lab_token),
            (
                &self.kubeconfig_responder,
                "responder",
                &self.access.responder_token,
            ),
        ] {
            let config = Kubeconfig {
                server: &server,
                ca_pem,
                user,
                token,
            };
            config.write(path).map_err(|source| ClusterError::State {
                path: path.clone(),
                source,
            })?;
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// What every cluster has.
fn furnish(objects: &Objects) {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let namespace: Value = json!({ "metadata": { "name": name } });
        // It may be there already when the objects are given.
        let _ = objects.create(Kind::Namespace, namespace);
    }
    let service = json!({
        "metadata": { "name": "kubernetes", "namespace": "default", "labels": { "component": "apiserver", "provider": "kubernetes" } },
        "spec": { "clusterIP": "10.96.0.1", "ports": [{ "name": "https", "port": 443, "targetPort": 6443 }] },
    });
    let _ = objects.create(Kind::Service, service);
}
