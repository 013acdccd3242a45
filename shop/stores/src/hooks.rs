//! The hooks of a store, on a control port of their own.

use shop_hooks::Hooks;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::env::Env;
use crate::error::StoreError;
use crate::exporter;

/// What `chatter` writes to the log of each kind of store: none of it means anything.
const CHATTER: [(&str, &[&str]); 3] = [
    (
        "postgres",
        &[
            "autovacuum: not enough shared memory for parallel workers, continuing with one",
            "using stale statistics instead of current ones because stats collector is not responding",
            "checkpoints are occurring too frequently (29 seconds apart)",
            "collation version was not recorded for database",
        ],
    ),
    (
        "redis",
        &[
            "WARNING Memory overcommit must be enabled! Without it, a background save may fail under low memory condition",
            "WARNING: The TCP backlog setting of 511 cannot be enforced",
            "WARNING you have Transparent Huge Pages (THP) support enabled in your kernel",
        ],
    ),
    (
        "rabbitmq",
        &[
            "Deprecated features: `management_metrics_collection`: Feature `management_metrics_collection` is deprecated",
            "Message store: rebuilding indices is not needed, skipped",
            "memory high watermark is set to a relative value, consider an absolute one",
        ],
    ),
];

/// The hooks of one store.
pub(crate) struct Control {
    pub(crate) hooks: Hooks,
    key: Option<String>,
    listener: Option<TcpListener>,
}

impl Control {
    /// The hooks that every store of `kind` has, and their port where `CONTROL_PORT` asks for one.
    pub(crate) async fn bind(kind: &str, env: &Env) -> Result<Self, StoreError> {
        let hooks = Hooks::default();
        hooks.add(&shop_hooks::leak());
        hooks.add(&shop_hooks::burn());
        if let Some((_, lines)) = CHATTER.iter().find(|(known, _)| *known == kind) {
            hooks.add(&shop_hooks::chatter(lines, |line| {
                tracing::warn!("{line}");
            }));
        }
        let listener = match env.control()? {
            Some(addr) => Some(exporter::bind(addr).await?),
            None => None,
        };
        Ok(Self {
            hooks,
            key: env.get("CONTROL_KEY_SHA256"),
            listener,
        })
    }

    /// Serves the hooks until `cancel`.
    pub(crate) async fn serve(self, cancel: CancellationToken) {
        if let Some(listener) = self.listener {
            let router = self.hooks.router(self.key.as_deref());
            exporter::http(listener, router, cancel).await;
        }
    }
}
