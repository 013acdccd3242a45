//! `burn`: threads that compute for nothing.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::arguments::Burn;
use crate::hook::Hook;

/// Turns between two looks at whether it is over: some tens of microseconds.
const TURNS: u64 = 50_000;

/// `burn`: threads that spin until the hook ends, then are joined.
pub fn burn() -> Hook<Burn> {
    Hook::with_effect("burn", |burn: Burn| async move {
        let _burners = Burners::start(burn.threads);
        std::future::pending::<()>().await;
    })
}

/// Threads that spin; dropping them stops and joins them.
struct Burners {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Burners {
    /// As many threads as the system grants of `wanted`.
    fn start(wanted: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let start = |_| {
            let over = over.clone();
            // Without a name it has the process's.
            std::thread::Builder::new().spawn(move || spin(&over)).ok()
        };
        let threads = (0..wanted).map_while(start).collect();
        Self { over, threads }
    }
}

fn spin(over: &AtomicBool) {
    let mut x = 1_u64;
    while !over.load(Ordering::Relaxed) {
        for turn in 0..TURNS {
            x = black_box(x.wrapping_mul(6_364_136_223_846_793_005) ^ turn);
        }
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // A thread that spins cannot panic.
            drop(thread.join());
        }
    }
}
