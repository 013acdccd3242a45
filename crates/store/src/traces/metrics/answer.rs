//! Series as Tempo's answers have them.

use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::super::messages::{Instant, Sample, SeriesExemplar, TimeSeries};
use super::super::value::Value;
use super::exemplars::Exemplar;
use super::{Range, Series};

/// Labels as one text, to order series by.
pub(super) fn key(labels: &[(String, Value<'static>)]) -> String {
    let one = |(name, value): &(String, Value<'static>)| match value {
        Value::Float(n) => format!("{name}={n:024.9}"),
        value => format!("{name}={}", value.show()),
    };
    labels.iter().map(one).collect::<Vec<_>>().join(",")
}

fn labels(pairs: &[(String, Value<'static>)]) -> Vec<KeyValue> {
    pairs.iter().map(|(key, value)| value.pair(key)).collect()
}

fn exemplar(exemplar: &Exemplar) -> SeriesExemplar {
    SeriesExemplar {
        labels: labels(&exemplar.labels),
        value: exemplar.value,
        timestamp_ms: exemplar.millis,
    }
}

/// The series of a range query; what has no sample is none.
pub(crate) fn range_series(series: &[Series], range: Range) -> Vec<TimeSeries> {
    let one = |one: &Series| {
        let points = one.points.iter().enumerate();
        let samples: Vec<Sample> = points
            .filter(|(_, value)| !value.is_nan())
            .map(|(at, value)| Sample {
                value: *value,
                timestamp_ms: range.millis(at),
            })
            .collect();
        (!samples.is_empty()).then(|| TimeSeries {
            labels: labels(&one.labels),
            samples,
            exemplars: one.exemplars.iter().map(exemplar).collect(),
        })
    };
    series.iter().filter_map(one).collect()
}

/// The series of an instant query: the last point alone.
pub(crate) fn instant_series(series: &[Series]) -> Vec<Instant> {
    let one = |one: &Series| {
        let value = one.points.last().copied().filter(|value| !value.is_nan())?;
        Some(Instant {
            labels: labels(&one.labels),
            value,
        })
    };
    series.iter().filter_map(one).collect()
}
