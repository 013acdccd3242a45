//! Toxics as data: what each does, on which stream, to which share of connections, for how long.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A direction of a connection, seen from the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// From the client to the server: requests.
    Upstream,
    /// From the server to the client: answers.
    #[default]
    Downstream,
}

impl Stream {
    /// The stream as the API names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Downstream => "downstream",
        }
    }

    /// The stream that the API names `text`; letter case does not matter.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "upstream" => Some(Self::Upstream),
            "downstream" => Some(Self::Downstream),
            _ => None,
        }
    }
}

/// What a toxic does to a stream; attributes as in Toxiproxy 2.12. Negative
/// values count as zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToxicKind {
    /// Delays all data.
    Latency(Latency),
    /// Limits the rate.
    Bandwidth(Bandwidth),
    /// Delays the end of the stream.
    SlowClose(SlowClose),
    /// Lets nothing through, and closes the connection after a while.
    Timeout(Timeout),
    /// Resets the connection once data comes.
    ResetPeer(Timeout),
    /// Cuts data into small pieces.
    Slicer(Slicer),
    /// Closes the connection after so many bytes.
    LimitData(LimitData),
}

/// Attributes of `latency`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    /// Delay of every piece of data, in milliseconds.
    pub latency: i64,
    /// The delay varies by up to this much both ways, in milliseconds.
    pub jitter: i64,
}

/// Attributes of `bandwidth`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bandwidth {
    /// In kilobytes (1,000 bytes) a second; 0 lets nothing through.
    pub rate: i64,
}

/// Attributes of `slow_close`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SlowClose {
    /// How much later the stream ends, in milliseconds.
    pub delay: i64,
}

/// Attributes of `timeout` and `reset_peer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timeout {
    /// In milliseconds. `timeout`: until the connection is closed, 0 for never.
    /// `reset_peer`: from the first data to the reset.
    pub timeout: i64,
}

/// Attributes of `slicer`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slicer {
    /// Bytes in an average piece; 0 does not slice.
    pub average_size: i64,
    /// Pieces differ by up to this many bytes from the average.
    pub size_variation: i64,
    /// Pause after each piece, in microseconds.
    pub delay: i64,
}

/// Attributes of `limit_data`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitData {
    /// How many bytes pass before the connection is closed.
    pub bytes: i64,
}

impl ToxicKind {
    /// The type as the API names it.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::Bandwidth(_) => "bandwidth",
            Self::SlowClose(_) => "slow_close",
            Self::Timeout(_) => "timeout",
            Self::ResetPeer(_) => "reset_peer",
            Self::Slicer(_) => "slicer",
            Self::LimitData(_) => "limit_data",
        }
    }

    /// The kind that the API names `type_name`, with zero attributes.
    pub fn of_type(type_name: &str) -> Option<Self> {
        Some(match type_name {
            "latency" => Self::Latency(Latency::default()),
            "bandwidth" => Self::Bandwidth(Bandwidth::default()),
            "slow_close" => Self::SlowClose(SlowClose::default()),
            "timeout" => Self::Timeout(Timeout::default()),
            "reset_peer" => Self::ResetPeer(Timeout::default()),
            "slicer" => Self::Slicer(Slicer::default()),
            "limit_data" => Self::LimitData(LimitData::default()),
            _ => return None,
        })
    }

    /// The attributes as the API shows them.
    pub fn attributes(&self) -> Value {
        let value = match self {
            Self::Latency(a) => serde_json::to_value(a),
            Self::Bandwidth(a) => serde_json::to_value(a),
            Self::SlowClose(a) => serde_json::to_value(a),
            Self::Timeout(a) | Self::ResetPeer(a) => serde_json::to_value(a),
            Self::Slicer(a) => serde_json::to_value(a),
            Self::LimitData(a) => serde_json::to_value(a),
        };
        value.unwrap_or_default()
    }

    /// The same kind with `changes` in place of the attributes that they name.
    ///
    /// # Errors
    /// Says which attribute is not a whole number.
    pub fn with_attributes(&self, changes: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        let mut all = match self.attributes() {
            Value::Object(all) => all,
            _ => Map::new(),
        };
        for (name, value) in changes {
            if !value.is_null() {
                all.insert(name.clone(), value.clone());
            }
        }
        let all = Value::Object(all);
        Ok(match self {
            Self::Latency(_) => Self::Latency(serde_json::from_value(all)?),
            Self::Bandwidth(_) => Self::Bandwidth(serde_json::from_value(all)?),
            Self::SlowClose(_) => Self::SlowClose(serde_json::from_value(all)?),
            Self::Timeout(_) => Self::Timeout(serde_json::from_value(all)?),
            Self::ResetPeer(_) => Self::ResetPeer(serde_json::from_value(all)?),
            Self::Slicer(_) => Self::Slicer(serde_json::from_value(all)?),
            Self::LimitData(_) => Self::LimitData(serde_json::from_value(all)?),
        })
    }
}

/// A toxic as it is asked for and shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Toxic {
    /// Its name, unique on its proxy; by default `<type>_<stream>`.
    pub name: String,
    /// What it does.
    pub kind: ToxicKind,
    /// To which direction.
    pub stream: Stream,
    /// The share of connections that it befalls, 0 to 1. Drawn once for each
    /// connection and toxic, so it stays as it is while other toxics come and go.
    pub toxicity: f32,
    /// When it removes itself unless it is renewed; `None` for never.
    pub lease: Option<Duration>,
}

impl Toxic {
    /// A toxic of `kind` on `stream` that befalls every connection and has no lease.
    pub fn new(kind: ToxicKind, stream: Stream) -> Self {
        Self {
            name: format!("{}_{}", kind.type_name(), stream.as_str()),
            kind,
            stream,
            toxicity: 1.0,
            lease: None,
        }
    }

    /// The toxic as the API shows it: Toxiproxy's fields, and `lease_ms` where it has a lease.
    pub fn to_json(&self) -> Value {
        let mut shown = Map::new();
        shown.insert("attributes".to_owned(), self.kind.attributes());
        shown.insert("name".to_owned(), self.name.clone().into());
        shown.insert("type".to_owned(), self.kind.type_name().into());
        shown.insert("stream".to_owned(), self.stream.as_str().into());
        // An f32 is shown with its own digits, not those of the nearest f64.
        let toxicity: f64 = self.toxicity.to_string().parse().unwrap_or(1.0);
        shown.insert("toxicity".to_owned(), toxicity.into());
        if let Some(lease) = self.lease {
            shown.insert("lease_ms".to_owned(), (lease.as_millis() as u64).into());
        }
        Value::Object(shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_every_type_are_read_over_the_present_ones_and_shown_in_full() {
        for (type_name, changes, shown) in [
            (
                "latency",
                r#"{"latency":100}"#,
                r#"{"latency":100,"jitter":0}"#,
            ),
            ("bandwidth", r#"{"rate":5}"#, r#"{"rate":5}"#),
            ("slow_close", r#"{"delay":5}"#, r#"{"delay":5}"#),
            ("timeout", "{}", r#"{"timeout":0}"#),
            ("reset_peer", r#"{"timeout":7}"#, r#"{"timeout":7}"#),
            (
                "slicer",
                r#"{"average_size":9,"delay":3}"#,
                r#"{"average_size":9,"size_variation":0,"delay":3}"#,
            ),
            ("limit_data", r#"{"bytes":10}"#, r#"{"bytes":10}"#),
        ] {
            let changes: Map<String, Value> = serde_json::from_str(changes).expect(type_name);
            let kind = ToxicKind::of_type(type_name).expect(type_name);
            let kind = kind.with_attributes(&changes).expect(type_name);
            assert_eq!(kind.type_name(), type_name);
            assert_eq!(kind.attributes().to_string(), shown);
        }
        assert_eq!(ToxicKind::of_type("down"), None);
    }

    #[test]
    fn a_toxic_is_shown_with_toxiproxys_fields() {
        let mut toxic = Toxic::new(
            ToxicKind::Timeout(Timeout { timeout: 5 }),
            Stream::Downstream,
        );
        toxic.toxicity = 0.1;
        assert_eq!(
            toxic.to_json().to_string(),
            r#"{"attributes":{"timeout":5},"name":"timeout_downstream","type":"timeout","stream":"downstream","toxicity":0.1}"#
        );
    }
}
