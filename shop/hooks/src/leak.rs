//! `leak`: memory that is taken at a steady rate until it is freed.

use std::hint::black_box;
use std::time::Duration;

use tokio::time::interval;

use crate::arguments::Leak;
use crate::hook::Hook;

const MIB: usize = 1 << 20;
/// Memory counts as resident from the first write to its page.
const PAGE: usize = 4096;
/// Asked for at once: allocators give blocks of this size back to the system when they are
/// freed, and keep smaller ones.
const BLOCK: usize = 64 * MIB;

/// `leak`: takes and touches memory until the hook ends, then frees all of it.
pub fn leak() -> Hook<Leak> {
    Hook::with_effect("leak", take)
}

async fn take(leak: Leak) {
    let mut blocks: Vec<Vec<u8>> = Vec::new();
    // Behind the clock it catches up: a throttled process leaks at the same rate.
    let mut next = interval(Duration::from_secs(1) / leak.mib_per_second.max(1));
    loop {
        let mut block = vec![0_u8; BLOCK];
        for part in block.chunks_mut(MIB) {
            next.tick().await;
            for byte in part.iter_mut().step_by(PAGE) {
                *byte = black_box(1);
            }
        }
        blocks.push(block);
    }
}
