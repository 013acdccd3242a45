//! Remote write 1.0: messages with one sample of each of many series, packed by snappy.

use store::metrics::Sample;

/// The labels of a series, sorted by name.
pub(crate) type Pairs = Vec<(&'static str, String)>;

/// Samples of a request, as many as Prometheus puts into one.
pub(crate) const BATCH: usize = 2000;

/// Builds requests.
pub(crate) struct Writer {
    labels: Vec<Vec<u8>>,
    message: Vec<u8>,
    samples: usize,
}

impl Writer {
    pub(crate) fn new(series: &[Pairs]) -> Self {
        Self {
            labels: series.iter().map(encoded).collect(),
            message: Vec::new(),
            samples: 0,
        }
    }

    /// Adds a sample; gives a request when enough have come together.
    pub(crate) fn add(&mut self, series: usize, sample: Sample) -> Option<Vec<u8>> {
        let mut body = vec![0x09];
        body.extend(sample.v.to_le_bytes());
        body.push(0x10);
        varint(sample.t.cast_unsigned(), &mut body);
        let labels = &self.labels[series];
        self.message.push(0x0a);
        varint((labels.len() + body.len() + 2) as u64, &mut self.message);
        self.message.extend(labels);
        field(2, &body, &mut self.message);
        self.samples += 1;
        (self.samples == BATCH).then(|| self.finish())
    }

    /// The request so far; empty when there is none.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        if self.samples == 0 {
            return Vec::new();
        }
        self.samples = 0;
        let packed = snap::raw::Encoder::new().compress_vec(&self.message);
        self.message.clear();
        packed.unwrap_or_default()
    }
}

fn encoded(series: &Pairs) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in series {
        let mut label = Vec::new();
        field(1, name.as_bytes(), &mut label);
        field(2, value.as_bytes(), &mut label);
        field(1, &label, &mut out);
    }
    out
}

fn field(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(number << 3 | 2);
    varint(bytes.len() as u64, out);
    out.extend(bytes);
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n > 0x7f {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}
