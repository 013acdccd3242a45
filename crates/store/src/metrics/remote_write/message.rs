//! The two messages: `prometheus.WriteRequest` (1.0) and `io.prometheus.write.v2.Request`
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec/>,
//! <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>).

use super::wire::{Fields, WireError};
use crate::metrics::Sample;

/// One series of a request; the lists are used again for the next.
#[derive(Debug, Default)]
pub(super) struct Series<'a> {
    /// In the order they stand.
    pub(super) labels: Vec<(&'a str, &'a str)>,
    pub(super) samples: Vec<Sample>,
    pub(super) exemplars: Vec<WrittenExemplar<'a>>,
    /// How many native histograms there are: they are not taken.
    pub(super) histograms: usize,
    pub(super) metadata: Option<WrittenMetadata<'a>>,
}

/// An exemplar.
#[derive(Debug, Default)]
pub(super) struct WrittenExemplar<'a> {
    pub(super) labels: Vec<(&'a str, &'a str)>,
    pub(super) value: f64,
    pub(super) t: i64,
}

/// What is told about a metric.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct WrittenMetadata<'a> {
    /// Empty in a series of 2.0, whose own name it is then.
    pub(super) metric: &'a str,
    pub(super) kind: i64,
    pub(super) help: &'a str,
    pub(super) unit: &'a str,
}

/// The versions of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// Why a message was not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum MessageError {
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("invalid labelRefs: symbol {0} is out of range")]
    Symbol(u64),
    #[error("invalid labelRefs length {0}")]
    Odd(usize),
}

impl<'a> Series<'a> {
    fn clear(&mut self) {
        self.labels.clear();
        self.samples.clear();
        self.exemplars.clear();
        self.histograms = 0;
        self.metadata = None;
    }
}

/// Reads a request, one series after the other; metadata of 1.0 comes last.
pub(super) fn read<'a>(
    version: Version,
    bytes: &'a [u8],
    mut each: impl FnMut(&Series<'a>),
    mut about: impl FnMut(WrittenMetadata<'a>),
) -> Result<(), MessageError> {
    let mut series = Series::default();
    match version {
        Version::V1 => {
            for field in Fields(bytes) {
                match field? {
                    (1, value) => {
                        series.clear();
                        series_1(value.bytes(), &mut series)?;
                        each(&series);
                    }
                    (3, value) => about(metadata_1(value.bytes())?),
                    _ => {}
                }
            }
        }
        Version::V2 => {
            let mut symbols = Vec::new();
            for field in Fields(bytes) {
                if let (4, value) = field? {
                    symbols.push(value.text()?);
                }
            }
            for field in Fields(bytes) {
                if let (5, value) = field? {
                    series.clear();
                    series_2(value.bytes(), &symbols, &mut series)?;
                    each(&series);
                }
            }
        }
    }
    Ok(())
}

fn series_1<'a>(bytes: &'a [u8], out: &mut Series<'a>) -> Result<(), MessageError> {
    for field in Fields(bytes) {
        match field? {
            (1, value) => out.labels.push(label(value.bytes())?),
            (2, value) => out.samples.push(sample(value.bytes())?),
            (3, value) => {
                let mut exemplar = WrittenExemplar::default();
                for field in Fields(value.bytes()) {
                    match field? {
                        (1, value) => exemplar.labels.push(label(value.bytes())?),
                        (2, value) => exemplar.value = value.double(),
                        (3, value) => exemplar.t = value.int(),
                        _ => {}
                    }
                }
                out.exemplars.push(exemplar);
            }
            (4, _) => out.histograms += 1,
            _ => {}
        }
    }
    Ok(())
}

fn series_2<'a>(
    bytes: &'a [u8],
    symbols: &[&'a str],
    out: &mut Series<'a>,
) -> Result<(), MessageError> {
    let mut refs = Vec::new();
    for field in Fields(bytes) {
        match field? {
            (1, value) => value.numbers(&mut refs)?,
            (2, value) => out.samples.push(sample(value.bytes())?),
            (3, _) => out.histograms += 1,
            (4, value) => {
                let mut exemplar = WrittenExemplar::default();
                let mut refs = Vec::new();
                for field in Fields(value.bytes()) {
                    match field? {
                        (1, value) => value.numbers(&mut refs)?,
                        (2, value) => exemplar.value = value.double(),
                        (3, value) => exemplar.t = value.int(),
                        _ => {}
                    }
                }
                resolve(&refs, symbols, &mut exemplar.labels)?;
                out.exemplars.push(exemplar);
            }
            (5, value) => {
                let mut metadata = WrittenMetadata::default();
                for field in Fields(value.bytes()) {
                    match field? {
                        (1, value) => metadata.kind = value.int(),
                        (3, value) => metadata.help = symbol(value.int().cast_unsigned(), symbols)?,
                        (4, value) => metadata.unit = symbol(value.int().cast_unsigned(), symbols)?,
                        _ => {}
                    }
                }
                out.metadata = Some(metadata);
            }
            _ => {}
        }
    }
    resolve(&refs, symbols, &mut out.labels)
}

fn symbol<'a>(at: u64, symbols: &[&'a str]) -> Result<&'a str, MessageError> {
    let found = usize::try_from(at).ok().and_then(|at| symbols.get(at));
    found.copied().ok_or(MessageError::Symbol(at))
}

fn resolve<'a>(
    refs: &[u64],
    symbols: &[&'a str],
    out: &mut Vec<(&'a str, &'a str)>,
) -> Result<(), MessageError> {
    let (pairs, []) = refs.as_chunks::<2>() else {
        return Err(MessageError::Odd(refs.len()));
    };
    for [name, value] in pairs {
        out.push((symbol(*name, symbols)?, symbol(*value, symbols)?));
    }
    Ok(())
}

fn label(bytes: &[u8]) -> Result<(&str, &str), WireError> {
    let mut pair = ("", "");
    for field in Fields(bytes) {
        match field? {
            (1, value) => pair.0 = value.text()?,
            (2, value) => pair.1 = value.text()?,
            _ => {}
        }
    }
    Ok(pair)
}

fn sample(bytes: &[u8]) -> Result<Sample, WireError> {
    let mut sample = Sample { t: 0, v: 0.0 };
    for field in Fields(bytes) {
        match field? {
            (1, value) => sample.v = value.double(),
            (2, value) => sample.t = value.int(),
            _ => {}
        }
    }
    Ok(sample)
}

fn metadata_1(bytes: &[u8]) -> Result<WrittenMetadata<'_>, WireError> {
    let mut metadata = WrittenMetadata::default();
    for field in Fields(bytes) {
        match field? {
            (1, value) => metadata.kind = value.int(),
            (2, value) => metadata.metric = value.text()?,
            (4, value) => metadata.help = value.text()?,
            (5, value) => metadata.unit = value.text()?,
            _ => {}
        }
    }
    Ok(metadata)
}
