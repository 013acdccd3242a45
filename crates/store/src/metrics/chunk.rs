//! Compressed samples of one series: delta-of-delta timestamps, XORed values.
//!
//! The scheme is that of "Gorilla: A Fast, Scalable, In-Memory Time Series Database"
//! (VLDB 2015), with one more, shorter class of timestamps for scrapes that jitter.

use std::sync::Arc;

use super::Sample;

/// Samples per chunk; a full one is sealed.
pub const CHUNK_SAMPLES: u16 = 240;

/// A finished chunk, shared with the queries that read it.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Time of the first sample.
    pub min_t: i64,
    /// Time of the last sample.
    pub max_t: i64,
    count: u16,
    bytes: Arc<[u8]>,
}

impl Chunk {
    /// Bytes that this chunk takes, bookkeeping included.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len() + 16 + size_of::<Self>()
    }

    /// Appends the samples of `min_t..=max_t` to `out`.
    pub fn read(&self, min_t: i64, max_t: i64, out: &mut Vec<Sample>) {
        read(&self.bytes, self.count, min_t, max_t, out);
    }
}

/// The chunk that is being written.
#[derive(Debug, Default)]
pub struct OpenChunk {
    bytes: Vec<u8>,
    free_bits: u8,
    count: u16,
    min_t: i64,
    t: i64,
    delta: i64,
    value: u64,
    leading: u8,
    trailing: u8,
}

impl OpenChunk {
    /// How many samples it holds.
    #[must_use]
    pub const fn count(&self) -> u16 {
        self.count
    }

    /// Time of the first and of the last sample; `None` when it is empty.
    #[must_use]
    pub const fn range(&self) -> Option<(i64, i64)> {
        if self.count == 0 {
            None
        } else {
            Some((self.min_t, self.t))
        }
    }

    /// The bits of the last value.
    #[must_use]
    pub const fn last_bits(&self) -> u64 {
        self.value
    }

    /// Bytes allocated for samples.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.capacity()
    }

    /// Adds a sample; `t` must be later than the last one's.
    pub fn push(&mut self, t: i64, value: f64) {
        let bits = value.to_bits();
        match self.count {
            0 => {
                self.min_t = t;
                self.bits(t.cast_unsigned(), 64);
                self.bits(bits, 64);
                self.leading = u8::MAX;
            }
            _ => {
                // Times may be as far from each other as they can be: what wraps here wraps back.
                let delta = t.wrapping_sub(self.t);
                self.push_time(delta.wrapping_sub(self.delta));
                self.delta = delta;
                self.push_value(bits);
            }
        }
        self.t = t;
        self.value = bits;
        self.count += 1;
    }

    /// Closes the chunk and leaves an empty one.
    pub fn seal(&mut self) -> Chunk {
        let done = std::mem::take(self);
        Chunk {
            min_t: done.min_t,
            max_t: done.t,
            count: done.count,
            bytes: done.bytes.into(),
        }
    }

    /// Appends the samples of `min_t..=max_t` to `out`.
    pub fn read(&self, min_t: i64, max_t: i64, out: &mut Vec<Sample>) {
        read(&self.bytes, self.count, min_t, max_t, out);
    }

    fn push_time(&mut self, dod: i64) {
        match dod {
            0 => self.bits(0, 1),
            -64..=63 => {
                self.bits(0b10, 2);
                self.bits((dod + 64).cast_unsigned(), 7);
            }
            -8192..=8191 => {
                self.bits(0b110, 3);
                self.bits((dod + 8192).cast_unsigned(), 14);
            }
            -524_288..=524_287 => {
                self.bits(0b1110, 4);
                self.bits((dod + 524_288).cast_unsigned(), 20);
            }
            _ => {
                self.bits(0b1111, 4);
                self.bits(dod.cast_unsigned(), 64);
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a u64 has at most 64 leading or trailing zeros"
    )]
    fn push_value(&mut self, bits: u64) {
        let xor = bits ^ self.value;
        if xor == 0 {
            return self.bits(0, 1);
        }
        let leading = (xor.leading_zeros() as u8).min(31);
        let trailing = xor.trailing_zeros() as u8;
        if self.leading != u8::MAX && leading >= self.leading && trailing >= self.trailing {
            let width = 64 - self.leading - self.trailing;
            self.bits(0b10, 2);
            self.bits(xor >> self.trailing, width);
            return;
        }
        let width = 64 - leading - trailing;
        self.bits(0b11, 2);
        self.bits(u64::from(leading), 5);
        self.bits(u64::from(width - 1), 6);
        self.bits(xor >> trailing, width);
        self.leading = leading;
        self.trailing = trailing;
    }

    /// Appends the lowest `width` bits of `value`.
    fn bits(&mut self, value: u64, width: u8) {
        let free = self.free_bits;
        let value = if width < 64 {
            value & ((1 << width) - 1)
        } else {
            value
        };
        if width <= free {
            self.free_bits = free - width;
            if let Some(last) = self.bytes.last_mut() {
                *last |= (value << self.free_bits) as u8;
            }
            return;
        }
        let mut left = width - free;
        if free > 0
            && let Some(last) = self.bytes.last_mut()
        {
            *last |= (value >> left) as u8;
        }
        while left >= 8 {
            left -= 8;
            self.bytes.push((value >> left) as u8);
        }
        self.free_bits = 0;
        if left > 0 {
            self.free_bits = 8 - left;
            self.bytes.push((value << self.free_bits) as u8);
        }
    }
}

/// Reads bits from the highest to the lowest, several at once.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    /// The next 57 bits at least, at the top of a word; zeros where there are no more.
    #[inline]
    fn peek(&self) -> u64 {
        let rest = self.bytes.get(self.at / 8..).unwrap_or_default();
        let word = match rest.first_chunk::<8>() {
            Some(word) => u64::from_be_bytes(*word),
            None => {
                let mut word = [0; 8];
                word.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
                u64::from_be_bytes(word)
            }
        };
        word << (self.at % 8)
    }

    /// So many bits as a number, the highest first.
    #[inline]
    fn take(&mut self, width: u32) -> u64 {
        if width > 56 {
            let high = self.take(width - 32);
            return high << 32 | self.take(32);
        }
        let value = self.peek().checked_shr(64 - width).unwrap_or(0);
        self.at += width as usize;
        value
    }

    /// The difference between two differences of times, one that is not zero.
    fn dod(&mut self) -> i64 {
        let ones = self.peek().leading_ones().min(4);
        let (prefix, width, bias) = match ones {
            1 => (2, 7, 64),
            2 => (3, 14, 8192),
            3 => (4, 20, 524_288),
            _ => (4, 64, 0),
        };
        self.at += prefix;
        self.take(width).cast_signed().wrapping_sub(bias)
    }
}

/// Half of all that a chunk holds are times at the usual distance, and many values are the one
/// before: both take one bit, and are looked for first.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the fields were written with 5 and 6 bits"
)]
fn read(bytes: &[u8], count: u16, min_t: i64, max_t: i64, out: &mut Vec<Sample>) {
    let mut bits = Bits { bytes, at: 0 };
    let (mut t, mut delta, mut value) = (0i64, 0i64, 0u64);
    let (mut width, mut trailing) = (0u32, 0u32);
    for n in 0..count {
        if n == 0 {
            t = bits.take(64).cast_signed();
            value = bits.take(64);
        } else {
            let mut next = bits.peek();
            if next >> 63 == 0 {
                bits.at += 1;
                next <<= 1;
            } else {
                delta = delta.wrapping_add(bits.dod());
                next = bits.peek();
            }
            t = t.wrapping_add(delta);
            match next >> 62 {
                0 | 1 => bits.at += 1,
                class => {
                    bits.at += 2;
                    if class == 3 {
                        let leading = bits.take(5) as u32;
                        width = bits.take(6) as u32 + 1;
                        trailing = (64 - leading).saturating_sub(width);
                    }
                    value ^= bits.take(width) << trailing;
                }
            }
        }
        if t > max_t {
            return;
        }
        if t >= min_t {
            out.push(Sample {
                t,
                v: f64::from_bits(value),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng, rngs::StdRng};

    use super::*;

    fn round_trip(samples: &[Sample]) -> Vec<Sample> {
        let mut open = OpenChunk::default();
        for s in samples {
            open.push(s.t, s.v);
        }
        let mut out = Vec::new();
        open.seal().read(i64::MIN, i64::MAX, &mut out);
        out
    }

    #[test]
    fn what_goes_in_comes_out_bit_by_bit() {
        let mut rng = StdRng::seed_from_u64(7);
        for case in 0..300 {
            let mut t = rng.random_range(-5_000_000_000i64..5_000_000_000_000);
            let mut v = 0.0;
            let samples: Vec<Sample> = (0..rng.random_range(1..240))
                .map(|_| {
                    t += match case % 4 {
                        0 => 1000,
                        1 => rng.random_range(990..1010),
                        2 => rng.random_range(1..100_000),
                        _ => rng.random_range(1..1_000_000_000_000),
                    };
                    v = match case % 5 {
                        0 => v + 1.0,
                        1 => rng.random_range(-1.0..1.0),
                        2 => f64::from_bits(rng.random()),
                        3 => 42.0,
                        _ => f64::NAN,
                    };
                    Sample { t, v }
                })
                .collect();
            let got = round_trip(&samples);
            assert_eq!(got.len(), samples.len());
            for (a, b) in got.iter().zip(&samples) {
                assert_eq!((a.t, a.v.to_bits()), (b.t, b.v.to_bits()), "case {case}");
            }
        }
    }

    #[test]
    fn times_may_be_as_far_from_each_other_as_they_can_be() {
        let times = [i64::MIN, i64::MIN + 1, 0, i64::MAX - 1, i64::MAX];
        let samples = times.map(|t| Sample { t, v: 1.0 });
        assert_eq!(round_trip(&samples), samples);
    }

    #[test]
    fn a_read_gives_only_what_lies_in_its_range() {
        let mut open = OpenChunk::default();
        for t in 0..100 {
            open.push(t * 10, 1.0);
        }
        let mut out = Vec::new();
        open.read(100, 200, &mut out);
        assert_eq!(out.len(), 11);
        assert_eq!((out[0].t, out[10].t), (100, 200));
    }

    #[test]
    fn a_steady_counter_takes_few_bytes() {
        let mut open = OpenChunk::default();
        for n in 0..i32::from(CHUNK_SAMPLES) {
            open.push(i64::from(n) * 1000, f64::from(n));
        }
        assert!(open.seal().size() < 3 * usize::from(CHUNK_SAMPLES));
    }
}
