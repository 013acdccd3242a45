//! Everything random in an edge, drawn from its seed.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// Draws that depend on the seed and on what they are for, and on nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Chance(Xoshiro256PlusPlus);

impl Chance {
    /// The draws for the thing that `path` names.
    pub(crate) fn of(seed: u64, path: &[&[u8]]) -> Self {
        // FNV-1a, with the seed first and a separator after each part.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut eat = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        seed.to_le_bytes().into_iter().for_each(&mut eat);
        for part in path {
            part.iter().copied().for_each(&mut eat);
            eat(0xff);
        }
        Self(Xoshiro256PlusPlus::seed_from_u64(hash))
    }

    /// A share: 0 or more, below 1.
    pub(crate) fn share(&mut self) -> f64 {
        self.0.random()
    }

    /// A whole number from `-range` to `range`.
    pub(crate) fn around_zero(&mut self, range: i64) -> i64 {
        if range <= 0 {
            return 0;
        }
        self.0.random_range(-range..=range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_purpose_draw_the_same_and_others_differ() {
        let draw = |seed, path: &[&[u8]]| Chance::of(seed, path).share();
        assert_eq!(draw(1, &[b"a", b"b"]), draw(1, &[b"a", b"b"]));
        assert_ne!(draw(1, &[b"a", b"b"]), draw(2, &[b"a", b"b"]));
        assert_ne!(draw(1, &[b"a", b"b"]), draw(1, &[b"ab"]));
    }

    #[test]
    fn shares_are_spread_evenly() {
        let below = (0..2_000_u32)
            .filter(|n| Chance::of(7, &[&n.to_le_bytes()]).share() < 0.3)
            .count();
        assert!((500..700).contains(&below), "{below}");
    }
}
