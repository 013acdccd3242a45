//! A store that runs, on ports that the kernel chose.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of a test fail it by panicking"
)]

use store::{Config, Limits, Ports, Store};

/// Starts one with these limits, and otherwise as it is by default.
pub async fn started(limits: Limits) -> Store {
    let config = Config {
        ports: Ports::any(),
        limits,
        ..Config::default()
    };
    Store::start(config).await.unwrap()
}
