//! What a metrics query over spans gives: a number for each group.

use model::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::traces::tree::attributes;
use crate::{Matrix, Point, Series};

#[derive(Deserialize)]
pub(super) struct Measured {
    #[serde(default)]
    series: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    labels: Value,
    // Protobuf's JSON leaves a zero out, and writes what is no number as text.
    #[serde(default)]
    value: Value,
}

impl Measured {
    /// Series of one point each, at `at`.
    pub(super) fn read(self, at: Timestamp) -> Matrix {
        let series = self.series.into_iter().map(|group| Series {
            labels: attributes(&group.labels),
            points: vec![Point {
                at,
                value: number(&group.value),
            }],
        });
        Matrix {
            series: series.collect(),
        }
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Null => 0.0,
        Value::String(text) => text.parse().unwrap_or(f64::NAN),
        value => value.as_f64().unwrap_or(f64::NAN),
    }
}
