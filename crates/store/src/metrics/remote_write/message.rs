//! The two messages: `prometheus.WriteRequest` (1.0) and `io.prometheus.write.v2.Request`
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec/>,
//! <https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/>).

use std::borrow::Cow;
use std::ops::Range;

use super::wire::{Fields, WireError};
use crate::metrics::Sample;

/// A label as it stands in a message: its name and its value, not yet known to be text.
pub(super) type RawLabel<'a> = (&'a [u8], &'a [u8]);

/// A request as it was read, in a few lists whatever the number of its series.
#[derive(Debug, Default)]
pub(super) struct Message<'a> {
    pub(super) series: Vec<Series<'a>>,
    labels: Vec<RawLabel<'a>>,
    samples: Vec<Sample>,
    exemplars: Vec<WrittenExemplar<'a>>,
    /// What is told about metrics; 2.0 tells it of a series, which names its own.
    pub(super) metadata: Vec<WrittenMetadata<'a>>,
}

/// One series of a request: where its parts are.
#[derive(Debug, Default)]
pub(super) struct Series<'a> {
    /// Bytes that are the same only for the same labels: as they stand in the message, if they
    /// stand together there. They begin with 0xff if they had to be put together.
    pub(super) key: Cow<'a, [u8]>,
    /// Empty until they are read from the key.
    labels: Range<usize>,
    samples: Range<usize>,
    exemplars: Range<usize>,
    /// How many native histograms there are: they are not taken.
    pub(super) histograms: usize,
    metadata: Option<usize>,
}

/// An exemplar.
#[derive(Debug, Default)]
pub(super) struct WrittenExemplar<'a> {
    pub(super) labels: Vec<RawLabel<'a>>,
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

impl<'a> Message<'a> {
    /// Reads a request to its end, but for labels that stand together: those of a known series
    /// need not be read again.
    ///
    /// # Errors
    /// [`MessageError`] at the first thing that is no such message.
    pub(super) fn read(version: Version, bytes: &'a [u8]) -> Result<Self, MessageError> {
        let mut message = Self::default();
        match version {
            Version::V1 => {
                for field in Fields(bytes) {
                    match field? {
                        (1, value) => message.series_1(value.bytes())?,
                        (3, value) => message.metadata.push(metadata_1(value.bytes())?),
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
                let mut refs = Vec::new();
                for field in Fields(bytes) {
                    if let (5, value) = field? {
                        refs.clear();
                        message.series_2(value.bytes(), &symbols, &mut refs)?;
                    }
                }
            }
        }
        Ok(message)
    }

    /// How many samples and exemplars it brings.
    pub(super) const fn items(&self) -> usize {
        self.samples.len() + self.exemplars.len()
    }

    /// Reads the labels of a series, if that was not done yet.
    ///
    /// # Errors
    /// [`MessageError`] when they are none.
    pub(super) fn read_labels(&mut self, series: &mut Series<'a>) -> Result<(), MessageError> {
        if let Cow::Borrowed(key) = series.key
            && series.labels.is_empty()
        {
            let first = self.labels.len();
            for field in Fields(key) {
                self.labels.push(label(field?.1.bytes())?);
            }
            series.labels = first..self.labels.len();
        }
        Ok(())
    }

    /// A series' labels, in the order they stand.
    pub(super) fn labels_of(&self, series: &Series<'a>) -> &[RawLabel<'a>] {
        self.labels.get(series.labels.clone()).unwrap_or_default()
    }

    /// A series' samples.
    pub(super) fn samples_of(&self, series: &Series<'a>) -> &[Sample] {
        self.samples.get(series.samples.clone()).unwrap_or_default()
    }

    /// A series' exemplars.
    pub(super) fn exemplars_of(&self, series: &Series<'a>) -> &[WrittenExemplar<'a>] {
        let range = series.exemplars.clone();
        self.exemplars.get(range).unwrap_or_default()
    }

    /// What a series tells of its metric.
    pub(super) fn metadata_of(&self, series: &Series<'a>) -> Option<WrittenMetadata<'a>> {
        self.metadata.get(series.metadata?).copied()
    }

    fn begin(&self) -> Series<'a> {
        Series {
            key: Cow::Borrowed(&[]),
            labels: 0..0,
            samples: self.samples.len()..0,
            exemplars: self.exemplars.len()..0,
            histograms: 0,
            metadata: None,
        }
    }

    fn end(&mut self, mut series: Series<'a>) {
        series.samples.end = self.samples.len();
        series.exemplars.end = self.exemplars.len();
        self.series.push(series);
    }

    /// Gives a series the labels from `first` on, and a key that is put together from them.
    fn name(&self, series: &mut Series<'a>, first: usize) {
        series.labels = first..self.labels.len();
        let mut key = vec![0xff];
        for (name, value) in self.labels_of(series) {
            for text in [name, value] {
                key.extend(text.len().to_le_bytes());
                key.extend(*text);
            }
        }
        series.key = Cow::Owned(key);
    }

    fn series_1(&mut self, bytes: &'a [u8]) -> Result<(), MessageError> {
        let mut series = self.begin();
        let mut fields = Fields(bytes);
        let (mut key, mut others, mut scattered) = (0, false, false);
        while let Some(field) = fields.next() {
            let (number, value) = field?;
            others |= number != 1;
            match (number, value) {
                (1, _) => {
                    scattered |= others;
                    key = bytes.len() - fields.0.len();
                }
                (2, value) => self.samples.push(sample(value.bytes())?),
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
                    self.exemplars.push(exemplar);
                }
                (4, _) => series.histograms += 1,
                _ => {}
            }
        }
        if scattered {
            let first = self.labels.len();
            for field in Fields(bytes) {
                if let (1, value) = field? {
                    self.labels.push(label(value.bytes())?);
                }
            }
            self.name(&mut series, first);
        } else {
            series.key = Cow::Borrowed(bytes.get(..key).unwrap_or_default());
        }
        self.end(series);
        Ok(())
    }

    fn series_2(
        &mut self,
        bytes: &'a [u8],
        symbols: &[&'a str],
        refs: &mut Vec<u64>,
    ) -> Result<(), MessageError> {
        let mut series = self.begin();
        for field in Fields(bytes) {
            match field? {
                (1, value) => value.numbers(refs)?,
                (2, value) => self.samples.push(sample(value.bytes())?),
                (3, _) => series.histograms += 1,
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
                    self.exemplars.push(exemplar);
                }
                (5, value) => {
                    series.metadata = Some(self.metadata.len());
                    self.metadata.push(metadata_2(value.bytes(), symbols)?);
                }
                _ => {}
            }
        }
        let first = self.labels.len();
        resolve(refs, symbols, &mut self.labels)?;
        self.name(&mut series, first);
        self.end(series);
        Ok(())
    }
}

fn symbol<'a>(at: u64, symbols: &[&'a str]) -> Result<&'a str, MessageError> {
    let found = usize::try_from(at).ok().and_then(|at| symbols.get(at));
    found.copied().ok_or(MessageError::Symbol(at))
}

fn resolve<'a>(
    refs: &[u64],
    symbols: &[&'a str],
    out: &mut Vec<RawLabel<'a>>,
) -> Result<(), MessageError> {
    let (pairs, []) = refs.as_chunks::<2>() else {
        return Err(MessageError::Odd(refs.len()));
    };
    for [name, value] in pairs {
        let (name, value) = (symbol(*name, symbols)?, symbol(*value, symbols)?);
        out.push((name.as_bytes(), value.as_bytes()));
    }
    Ok(())
}

fn label(bytes: &[u8]) -> Result<RawLabel<'_>, WireError> {
    let mut pair: RawLabel<'_> = (&[], &[]);
    for field in Fields(bytes) {
        match field? {
            (1, value) => pair.0 = value.bytes(),
            (2, value) => pair.1 = value.bytes(),
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

fn metadata_2<'a>(
    bytes: &'a [u8],
    symbols: &[&'a str],
) -> Result<WrittenMetadata<'a>, MessageError> {
    let mut metadata = WrittenMetadata::default();
    for field in Fields(bytes) {
        match field? {
            (1, value) => metadata.kind = value.int(),
            (3, value) => metadata.help = symbol(value.int().cast_unsigned(), symbols)?,
            (4, value) => metadata.unit = symbol(value.int().cast_unsigned(), symbols)?,
            _ => {}
        }
    }
    Ok(metadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_whether_they_stand_together_or_not() {
        let label = |name: u8, value: u8| vec![0x0a, 6, 0x0a, 1, name, 0x12, 1, value];
        let (a, b, sample) = (label(b'a', b'1'), label(b'b', b'2'), vec![0x12, 0]);
        let mut keys = Vec::new();
        for parts in [[&a, &b, &sample], [&sample, &a, &b], [&a, &sample, &b]] {
            let body: Vec<u8> = parts.into_iter().flatten().copied().collect();
            let whole = [&[0x0a, body.len() as u8], &body[..]].concat();
            let mut message = Message::read(Version::V1, &whole).unwrap();
            let mut series = message.series.remove(0);
            message.read_labels(&mut series).unwrap();
            let want: [RawLabel<'_>; 2] = [(b"a", b"1"), (b"b", b"2")];
            assert_eq!(message.labels_of(&series), want);
            assert_eq!(message.samples_of(&series).len(), 1);
            keys.push(series.key.into_owned());
        }
        assert_ne!(keys[0], keys[1]);
        assert_eq!(keys[1], keys[2], "put together from the same labels");
    }
}
