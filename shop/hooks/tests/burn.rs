//! A burner really spins, and its threads end. Alone in its process: it measures the process.
#![expect(clippy::expect_used, reason = "a test says what it expects by failing")]

use std::time::Duration;

use shop_hooks::{Burn, burn};
use tokio::time::sleep;

/// Threads of this process.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    tasks.count()
}

/// Processor time of this process, in ticks of 10 ms.
fn ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(')').next().expect("fields");
    let fields = fields.split_whitespace().skip(11).take(2);
    fields
        .map(|ticks| ticks.parse::<u64>().expect("a number"))
        .sum()
}

/// Waits in real time; the tests' clock stands still.
fn until(what: &str, condition: impl Fn() -> bool) {
    let since = std::time::Instant::now();
    while !condition() {
        assert!(since.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::yield_now();
    }
}

#[tokio::test(start_paused = true)]
async fn burners_spin_until_the_hook_ends_and_then_are_gone() {
    let before = threads();
    let hook = burn();
    for ending in ["DELETE", "lease"] {
        hook.arm(Burn { threads: 3 }, Duration::from_secs(60)).await;
        // The effect begins when its task first runs.
        sleep(Duration::from_secs(1)).await;
        assert_eq!(threads(), before + 3, "{ending}");
        let spent = ticks();
        until("they spin", || ticks() >= spent + 10);
        match ending {
            "DELETE" => hook.disarm().await,
            _ => sleep(Duration::from_secs(60)).await,
        }
        // The system forgets a thread a moment after it was joined.
        until("they are gone", || threads() == before);
    }
}
