//! What the spans of a trace have, told without looking at them: a search passes over most traces
//! by this alone.
//!
//! Keys and values are in a Bloom filter
//! (<https://en.wikipedia.org/wiki/Bloom_filter>), so what is not there is mostly known not to
//! be, and what is there is never missed.

use super::spans::{Attrs, Data, Library, Resource, Span};
use super::value::Value;

/// Words of a filter at first, and at most.
const WORDS: usize = 8;
const MAX_WORDS: usize = 1024;

/// Bits for each item, of which it sets two.
const BITS: usize = 8;

/// What is looked for in a [`Summary`]: a key, or a key with its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item(u64);

/// Keys of what is no attribute.
pub(crate) const NAME: &str = "\0name";

impl Item {
    /// An attribute's name, whatever its scope.
    pub(crate) fn key(key: &str) -> Self {
        Self(finish(text(1, key)))
    }

    /// An attribute's name with its value; `None` for values that are not told apart.
    pub(crate) fn pair(key: &str, value: &Value<'_>) -> Option<Self> {
        let start = text(2, key);
        let hash = match value {
            Value::Text(value) => text(start, value),
            // Numbers of different types can be equal.
            Value::Int(n) | Value::Duration(n) => number(start, *n as f64),
            Value::Float(n) => number(start, *n),
            Value::Bool(b) => mix(start, u64::from(*b)),
            Value::Nil | Value::Status(_) | Value::Kind(_) | Value::List(_) => return None,
        };
        Some(Self(finish(hash)))
    }
}

/// Of Firefox's hash: quick, and good enough where a mistake costs a look.
const fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
}

fn text(hash: u64, text: &str) -> u64 {
    let chunks = text.as_bytes().chunks(8);
    let word = |chunk: &[u8]| {
        let mut bytes = [0; 8];
        bytes[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(bytes)
    };
    let hash = chunks.fold(hash, |hash, chunk| mix(hash, word(chunk)));
    mix(hash, text.len() as u64)
}

fn number(hash: u64, number: f64) -> u64 {
    // Both zeros are equal.
    mix(hash, (number + 0.0).to_bits())
}

const fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^ (hash >> 29)
}

/// What the spans of one trace have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    words: Box<[u64]>,
    /// Items that set a bit.
    items: usize,
    /// Bits of OTLP's numbers.
    pub(crate) statuses: u8,
    pub(crate) kinds: u8,
    /// Nanoseconds of the quickest and of the slowest span.
    pub(crate) shortest: u64,
    pub(crate) longest: u64,
}

impl Summary {
    /// Whether an item is there; now and then true of what is not.
    pub(crate) fn may_have(&self, item: Item) -> bool {
        let bits = self.words.len() * 64;
        bits > 0
            && places(item, bits)
                .iter()
                .all(|at| self.words[at / 64] >> (at % 64) & 1 == 1)
    }

    /// Bytes beside the struct itself.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.words)
    }

    /// Whether it holds more than it tells apart well and has to be made anew, twice as large.
    pub(crate) fn is_full(&self) -> bool {
        self.items * BITS > self.words.len() * 64 && self.words.len() < MAX_WORDS
    }

    /// An empty one, twice as large.
    pub(crate) fn grown(&self) -> Self {
        Self {
            words: vec![0; (self.words.len() * 2).max(WORDS)].into(),
            ..Self::default()
        }
    }

    /// Adds what a span has by itself.
    pub(crate) fn add_span(&mut self, span: &Span) {
        let is_first = self.statuses == 0;
        let duration = span.duration();
        self.statuses |= 1 << span.status;
        self.kinds |= 1 << span.kind;
        self.longest = self.longest.max(duration);
        self.shortest = if is_first {
            duration
        } else {
            self.shortest.min(duration)
        };
        self.pair(NAME, &Value::text(&span.name));
        self.add_all(&span.attrs);
        for event in span.events() {
            self.add_all(&event.attrs);
        }
        for link in span.links() {
            self.add_all(&link.attrs);
        }
    }

    /// Adds where spans come from.
    pub(crate) fn add_group(&mut self, resource: &Resource, library: &Library) {
        self.add_all(&resource.attrs);
        self.add_all(&library.attrs);
    }

    fn add_all(&mut self, attrs: &Attrs) {
        for (key, value) in attrs.iter() {
            self.set(Item::key(key));
            match value {
                Data::List(list) => {
                    for item in list {
                        self.pair(key, &item.value());
                    }
                }
                data => self.pair(key, &data.value()),
            }
        }
    }

    fn pair(&mut self, key: &str, value: &Value<'_>) {
        if let Some(item) = Item::pair(key, value) {
            self.set(item);
        }
    }

    fn set(&mut self, item: Item) {
        if self.words.is_empty() {
            self.words = vec![0; WORDS].into();
        }
        let mut is_new = false;
        for at in places(item, self.words.len() * 64) {
            let bit = 1 << (at % 64);
            is_new |= self.words[at / 64] & bit == 0;
            self.words[at / 64] |= bit;
        }
        self.items += usize::from(is_new);
    }
}

/// The bits of an item; there are a power of two of them.
const fn places(Item(hash): Item, bits: usize) -> [usize; 2] {
    [
        hash as usize & (bits - 1),
        (hash >> 40) as usize & (bits - 1),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_never_missed_and_what_is_not_mostly_is() {
        let key = |n: i64| format!("key-{n}");
        let mut summary = Summary::default();
        for _ in 0..4 {
            summary = summary.grown();
        }
        let value = Value::Int;
        (0..400).for_each(|n| summary.pair(&key(n), &value(n)));
        let has = |n: i64, value: &Value<'_>| {
            let item = Item::pair(&key(n), value).unwrap();
            summary.may_have(item)
        };
        assert!((0..400).all(|n| has(n, &value(n))));
        assert!((0..400).all(|n| has(n, &Value::Float(n as f64))));
        let wrong = (0..10_000).filter(|n| has(*n, &value(n + 1))).count();
        assert!(wrong < 1_000, "{wrong}");
        assert!(!Summary::default().may_have(Item::key("a")));
    }
}
