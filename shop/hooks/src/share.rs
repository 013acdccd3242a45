//! Which ones of many make up a share of them.

use std::sync::atomic::{AtomicU64, Ordering};

/// 2^64 divided by the golden ratio.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// Chooses a share of all that pass, evenly spread and always the same ones.
///
/// The choice follows the golden ratio's multiples (Weyl's sequence): unlike "every second
/// one" it cannot fall in step with callers who send the same few requests in turn.
#[derive(Debug, Default)]
pub struct Share(AtomicU64);

impl Share {
    /// Whether the next one belongs to `share`, where 1.0 is all.
    pub fn takes_next(&self, share: f64) -> bool {
        let turn = self.0.fetch_add(1, Ordering::Relaxed);
        let place = turn.wrapping_mul(STEP) as f64 / u64::MAX as f64;
        share >= 1.0 || place < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_taken_evenly_also_of_every_second_or_third_one() {
        for share in [0.0, 0.01, 0.2, 0.5, 0.9, 1.0] {
            for every in [1, 2, 3] {
                let chosen = Share::default();
                let turns = (0..3000).map(|turn| (turn, chosen.takes_next(share)));
                let taken = turns.filter(|(turn, taken)| *taken && turn % every == 0);
                let (taken, of) = (taken.count() as f64, f64::from(3000 / every));
                assert!(
                    (taken - share * of).abs() <= 5.0,
                    "{share} of every {every}: {taken} of {of}"
                );
            }
        }
    }
}
