//! A leak really takes the system's memory, and gives all of it back. Alone in its process: it measures the process.
#![expect(clippy::expect_used, reason = "a test says what it expects by failing")]

use std::time::Duration;

use shop_hooks::{Leak, leak};
use tokio::time::sleep;

/// Resident MiB of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("VmRSS");
    let kib = line.split_whitespace().nth(1).expect("a number");
    kib.parse::<u64>().expect("a number") / 1024
}

#[tokio::test(start_paused = true)]
async fn a_leak_takes_memory_at_its_rate_and_frees_it_when_it_ends() {
    let before = resident();
    let hook = leak();
    let rate = Leak { mib_per_second: 50 };
    let near = |grown: u64, wanted: u64| grown.abs_diff(wanted) <= 10;
    for ending in ["DELETE", "lease"] {
        hook.arm(rate, Duration::from_secs(3)).await;
        sleep(Duration::from_secs(2)).await;
        let grown = resident() - before;
        assert!(near(grown, 100), "{ending}: grew by {grown} MiB");
        match ending {
            "DELETE" => hook.disarm().await,
            _ => sleep(Duration::from_secs(2)).await,
        }
        let left = resident().saturating_sub(before);
        assert!(left <= 10, "{ending}: {left} MiB are left");
    }
}
