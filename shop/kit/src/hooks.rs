//! The hooks of a service, and what they do to its requests.

use axum::Router;
use shop_hooks::{Errors, Hook, Hooks, Nothing, Share, Slow};

use crate::error::AppError;

/// What `chatter` writes to the log: none of it means anything.
const CHATTER: &[&str] = &[
    "DEPRECATED: configuration key `http.keep-alive` will be removed in the next major version",
    "connection pool resized: min 2, max 8",
    "slow name resolution (212 ms), cached answer used",
    "clock drift of 4 ms corrected",
    "telemetry batch was split: 513 items exceed the preferred size of 512",
    "certificate of the trust store expires in 57 days",
    "retrying DNS lookup over TCP: answer was truncated",
    "DEPRECATED: header `X-Requested-With` is ignored since version 2",
];

/// The hooks of one service.
#[derive(Debug)]
pub struct ServiceHooks {
    all: Hooks,
    deadlock: Hook<Nothing>,
    slow: Hook<Slow>,
    errors: Hook<Errors>,
    slowed: Share,
    failed: Share,
}

impl Default for ServiceHooks {
    fn default() -> Self {
        let (all, deadlock) = (Hooks::default(), shop_hooks::deadlock());
        let (slow, errors) = (shop_hooks::slow(), shop_hooks::errors());
        all.add(&deadlock);
        all.add(&slow);
        all.add(&errors);
        all.add(&shop_hooks::leak());
        all.add(&shop_hooks::burn());
        all.add(&shop_hooks::clock(instrument::set_log_skew));
        all.add(&shop_hooks::chatter(CHATTER, |line| {
            tracing::warn!("{line}");
        }));
        Self {
            all,
            deadlock,
            slow,
            errors,
            slowed: Share::default(),
            failed: Share::default(),
        }
    }
}

impl ServiceHooks {
    /// All of them, also for whoever has one more to add.
    pub fn all(&self) -> &Hooks {
        &self.all
    }

    /// The control port's routes, for whoever has the key that hashes to `key_sha256`.
    pub fn router(&self, key_sha256: Option<&str>) -> Router {
        self.all.router(key_sha256)
    }

    /// Lets a platform's probe pass: only a deadlock holds it.
    pub(crate) async fn pass_probe(&self) {
        self.deadlock.released().await;
    }

    /// Lets a request pass.
    ///
    /// # Errors
    /// When it belongs to the share that fails.
    pub(crate) async fn pass(&self) -> Result<(), AppError> {
        self.deadlock.released().await;
        if let Some(slow) = self.slow.armed()
            && self.slowed.takes_next(slow.share)
        {
            self.slow.hold(slow.delay()).await;
        }
        match self.errors.armed() {
            Some(errors) if self.failed.takes_next(errors.share) => {
                Err(AppError::internal("Internal Server Error").because("unexpected state"))
            }
            _ => Ok(()),
        }
    }
}
