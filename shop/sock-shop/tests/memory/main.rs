//! What releases do to the memory of their process: it is measured, so that nothing else may
//! run in it.
#![expect(clippy::expect_used, reason = "a test says what it expects by failing")]

#[path = "../shop/lab.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod lab;

use lab::Lab;

/// A release without a defect.
const GOOD: &str = "v1.0.0";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_catalogue_keeps_memory_of_every_request() {
    // The stores and the runtime of this process need memory too, but not as much.
    const MUCH: usize = 100 << 20;
    for (tag, leaks) in [(GOOD, false), ("v1.3.1", true)] {
        let lab = Lab::with_release("catalogue", tag).await;
        let catalogue = lab.peer("catalogue");
        let before = resident();
        for _ in 0..300 {
            let asked = catalogue.get("/catalogue/nope").send().await;
            asked.expect("an answer");
        }
        assert_eq!(resident() > before + MUCH, leaks, "{tag}");
    }
}

/// Bytes of memory that this process has.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| {
        line.trim()
            .strip_suffix(" kB")?
            .trim()
            .parse::<usize>()
            .ok()
    });
    kib.expect("a size") << 10
}
