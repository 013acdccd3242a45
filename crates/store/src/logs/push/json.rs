//! The JSON of a push: streams with their labels and lines.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::labels;
use crate::logs::Entry;
use crate::logs::ingest::Sent;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    streams: Vec<Stream>,
}

#[derive(Deserialize)]
struct Stream {
    #[serde(default)]
    stream: Pairs,
    #[serde(default)]
    values: Vec<Line>,
}

/// Reads the streams of a body.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(body: &[u8]) -> Result<Vec<Sent>, String> {
    let body: Body = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    Ok(body
        .streams
        .into_iter()
        .map(|stream| {
            let entries = stream.values.into_iter().map(|line| line.0).collect();
            (labels::checked(stream.stream.0), entries)
        })
        .collect())
}

/// Names and texts.
#[derive(Default)]
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or(4));
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

/// `["<nanoseconds>", "<line>", {<metadata>}]`.
struct Line(Entry);

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Line;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of a time, a line and structured metadata")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Line, A::Error> {
                let short = |at| de::Error::invalid_length(at, &Read);
                let Time(ts) = seq.next_element()?.ok_or_else(|| short(0))?;
                let line: Box<str> = seq.next_element()?.ok_or_else(|| short(1))?;
                let metadata = seq.next_element::<Pairs>()?.unwrap_or_default().0;
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Line(Entry { ts, line, metadata }))
            }
        }
        deserializer.deserialize_seq(Read)
    }
}

/// Nanoseconds since the epoch, as a text.
struct Time(i64);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in nanoseconds, as a text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
                let bad = || {
                    E::custom(format!(
                        "strconv.ParseInt: parsing {text:?}: invalid syntax"
                    ))
                };
                text.parse().map(Time).map_err(|_| bad())
            }
        }
        deserializer.deserialize_str(Read)
    }
}
