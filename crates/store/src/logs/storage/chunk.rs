//! A chunk: lines of one stream in one buffer, beside their times and structured metadata.
//!
//! Texts of metadata are kept once per chunk, and so is each set of pairs, since most lines of
//! a stream share theirs.

use std::collections::HashMap;
use std::ops::Range;

use crate::logs::labels::Labels;

/// A piece of a chunk's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Span {
    start: u32,
    len: u32,
}

/// A line's place; 20 bytes of figures for a line.
#[derive(Clone, Copy, Debug)]
struct Place {
    ts: i64,
    text: Span,
    set: u32,
}

/// Lines in order of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chunk {
    text: String,
    places: Vec<Place>,
    sets: Vec<Span>,
    pairs: Vec<[Span; 2]>,
    known: Known,
}

/// What a chunk that still grows looks up; empty once it is sealed.
#[derive(Clone, Debug, Default)]
struct Known {
    words: HashMap<Box<str>, Span>,
    sets: HashMap<Vec<[Span; 2]>, u32>,
}

/// A line as a chunk holds it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held<'a> {
    /// Nanoseconds since the epoch.
    pub ts: i64,
    /// The line.
    pub line: &'a str,
    /// Which set of metadata; equal numbers of one chunk are equal sets.
    pub set: u32,
}

impl Chunk {
    /// How many lines it holds.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The time of its first line.
    pub(crate) fn min(&self) -> i64 {
        self.places.first().map_or(i64::MAX, |p| p.ts)
    }

    /// The time of its last line.
    pub(crate) fn max(&self) -> i64 {
        self.places.last().map_or(i64::MIN, |p| p.ts)
    }

    /// Whether it has lines with `start <= ts < end`, or could have.
    pub(crate) fn overlaps(&self, start: i64, end: i64) -> bool {
        self.max() >= start && self.min() < end
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        let word = size_of::<(Box<str>, Span)>();
        self.text.capacity()
            + self.places.capacity() * size_of::<Place>()
            + self.sets.capacity() * size_of::<Span>()
            + self.pairs.capacity() * size_of::<[Span; 2]>()
            + self.known.words.capacity() * word
    }

    /// How many sets of metadata there are.
    pub(crate) fn set_count(&self) -> usize {
        self.sets.len()
    }

    /// The numbers of the lines with `start <= ts < end`.
    pub(crate) fn range(&self, start: i64, end: i64) -> Range<usize> {
        let from = self.places.partition_point(|p| p.ts < start);
        let to = self.places.partition_point(|p| p.ts < end);
        from..to.max(from)
    }

    /// The line of a number below [`Chunk::len`].
    pub(crate) fn line(&self, at: usize) -> Held<'_> {
        let place = self.places[at];
        Held {
            ts: place.ts,
            line: self.word(place.text),
            set: place.set,
        }
    }

    /// The pairs of a set of metadata, sorted by name.
    pub(crate) fn metadata(&self, set: u32) -> impl Iterator<Item = (&str, &str)> + Clone {
        let span = self.sets[set as usize];
        self.pairs[span.start as usize..(span.start + span.len) as usize]
            .iter()
            .map(|[name, value]| (self.word(*name), self.word(*value)))
    }

    /// Bytes of a set of metadata.
    pub(crate) fn metadata_bytes(&self, set: u32) -> u64 {
        let span = self.sets[set as usize];
        self.pairs[span.start as usize..(span.start + span.len) as usize]
            .iter()
            .map(|[name, value]| u64::from(name.len) + u64::from(value.len))
            .sum()
    }

    /// Whether it holds this very line.
    pub(crate) fn holds(&self, ts: i64, line: &str, metadata: &[(String, String)]) -> bool {
        self.range(ts, ts.saturating_add(1)).any(|at| {
            let held = self.line(at);
            held.line == line
                && self
                    .metadata(held.set)
                    .eq(metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())))
        })
    }

    /// Puts a line in its place by time, after those of the same time.
    pub(crate) fn push(&mut self, ts: i64, line: &str, metadata: &[(String, String)]) {
        let place = Place {
            ts,
            text: self.append(line),
            set: self.set(metadata),
        };
        if self.max() <= ts {
            self.places.push(place);
        } else {
            let at = self.places.partition_point(|p| p.ts <= ts);
            self.places.insert(at, place);
        }
    }

    /// Makes it as small as it can be; nothing is added any more.
    pub(crate) fn seal(&mut self) {
        self.known = Known::default();
        self.text.shrink_to_fit();
        self.places.shrink_to_fit();
        self.sets.shrink_to_fit();
        self.pairs.shrink_to_fit();
    }

    fn word(&self, span: Span) -> &str {
        &self.text[span.start as usize..(span.start + span.len) as usize]
    }

    /// A chunk is far smaller than 4 GiB, so that its places fit 32 bits.
    fn append(&mut self, text: &str) -> Span {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Span {
            start,
            len: text.len() as u32,
        }
    }

    fn intern(&mut self, word: &str) -> Span {
        if let Some(span) = self.known.words.get(word) {
            return *span;
        }
        let span = self.append(word);
        self.known.words.insert(word.into(), span);
        span
    }

    fn set(&mut self, metadata: &[(String, String)]) -> u32 {
        let pairs: Vec<[Span; 2]> = metadata
            .iter()
            .map(|(name, value)| [self.intern(name), self.intern(value)])
            .collect();
        if let Some(set) = self.known.sets.get(&pairs) {
            return *set;
        }
        let set = self.sets.len() as u32;
        self.sets.push(Span {
            start: self.pairs.len() as u32,
            len: pairs.len() as u32,
        });
        self.pairs.extend_from_slice(&pairs);
        self.known.sets.insert(pairs, set);
        set
    }
}

/// The chunks of one stream that a query reads.
#[derive(Clone, Debug)]
pub(crate) struct Chunks {
    /// The stream's labels.
    pub labels: std::sync::Arc<Labels>,
    /// The chunks; they may overlap in time.
    pub chunks: Vec<std::sync::Arc<Chunk>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_in_order_of_time_and_share_their_metadata() {
        let level = |v: &str| vec![("level".to_owned(), v.to_owned())];
        let mut chunk = Chunk::default();
        for (ts, line, meta) in [
            (5, "e", level("info")),
            (1, "a", level("warn")),
            (3, "c", level("info")),
            (5, "f", level("info")),
        ] {
            chunk.push(ts, line, &meta);
        }
        chunk.seal();
        let lines: Vec<(i64, &str)> = (0..chunk.len())
            .map(|at| chunk.line(at))
            .map(|held| (held.ts, held.line))
            .collect();
        assert_eq!(lines, [(1, "a"), (3, "c"), (5, "e"), (5, "f")]);
        assert_eq!(chunk.set_count(), 2);
        assert!(chunk.holds(3, "c", &level("info")));
        assert!(!chunk.holds(3, "c", &level("warn")));
        assert_eq!(chunk.range(2, 5), 1..2);
    }
}
