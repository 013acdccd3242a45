//! The JSON of the Prometheus API, and how it becomes plain data.

use model::{Period, Timestamp};
use serde::Deserialize;

use super::{Alert, AlertState, Rule};
use crate::{Labels, Matrix, Point, Series};

/// The envelope of every answer.
#[derive(Deserialize)]
pub(crate) struct Success<T> {
    pub(crate) data: T,
}

/// What `query` and `query_range` hold (Loki's metric queries too).
#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
pub(crate) enum QueryData {
    Vector(Vec<VectorItem>),
    Matrix(Vec<MatrixItem>),
    Scalar(Sample),
    String(serde_json::Value),
}

#[derive(Deserialize)]
pub(crate) struct VectorItem {
    #[serde(default)]
    metric: Labels,
    value: Option<Sample>,
}

#[derive(Deserialize)]
pub(crate) struct MatrixItem {
    #[serde(default)]
    metric: Labels,
    #[serde(default)]
    values: Vec<Sample>,
}

/// Seconds with a fraction, and the number as text.
#[derive(Deserialize)]
pub(crate) struct Sample(f64, String);

impl Sample {
    fn read(&self) -> Result<Point, String> {
        let value = match self.1.as_str() {
            "NaN" => f64::NAN,
            "+Inf" | "Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            text => text
                .parse()
                .map_err(|_| format!("`{text}` is not a number"))?,
        };
        let at = Timestamp::from_millis((self.0 * 1_000.0).round().max(0.0) as u64);
        Ok(Point { at, value })
    }
}

impl QueryData {
    pub(crate) fn read(self) -> Result<Matrix, String> {
        let series: Result<Vec<Series>, String> = match self {
            Self::Vector(items) => items
                .into_iter()
                .map(|item| series(item.metric, item.value.as_slice()))
                .collect(),
            Self::Matrix(items) => items
                .into_iter()
                .map(|item| series(item.metric, &item.values))
                .collect(),
            Self::Scalar(sample) => series(Labels::new(), &[sample]).map(|only| vec![only]),
            Self::String(text) => Err(format!("the text {text} came where numbers were expected")),
        };
        Ok(Matrix { series: series? })
    }
}

fn series(labels: Labels, samples: &[Sample]) -> Result<Series, String> {
    let points: Result<Vec<Point>, String> = samples.iter().map(Sample::read).collect();
    Ok(Series {
        labels,
        points: points?,
    })
}

#[derive(Deserialize)]
pub(crate) struct AlertsData {
    #[serde(default)]
    alerts: Vec<AlertItem>,
}

impl AlertsData {
    pub(crate) fn read(self) -> Result<Vec<Alert>, String> {
        read_alerts(self.alerts)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AlertItem {
    state: String,
    active_at: String,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    annotations: Labels,
}

/// Inactive alerts are left out.
fn read_alerts(items: Vec<AlertItem>) -> Result<Vec<Alert>, String> {
    let mut alerts = Vec::new();
    for item in items {
        let state = match item.state.as_str() {
            "pending" => AlertState::Pending,
            "firing" => AlertState::Firing,
            _ => continue,
        };
        let active_at: jiff::Timestamp = item
            .active_at
            .parse()
            .map_err(|error| format!("`{}` is not a time: {error}", item.active_at))?;
        alerts.push(Alert {
            name: item.labels.get("alertname").cloned().unwrap_or_default(),
            state,
            active_at: Timestamp::from_millis(
                u64::try_from(active_at.as_millisecond()).unwrap_or_default(),
            ),
            labels: item.labels,
            annotations: item.annotations,
        });
    }
    Ok(alerts)
}

#[derive(Deserialize)]
pub(crate) struct RulesData {
    #[serde(default)]
    groups: Vec<GroupItem>,
}

#[derive(Deserialize)]
struct GroupItem {
    name: String,
    #[serde(default)]
    interval: f64,
    #[serde(default)]
    rules: Vec<RuleItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleItem {
    #[serde(rename = "type", default)]
    kind: String,
    name: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    labels: Labels,
    #[serde(default)]
    annotations: Labels,
    #[serde(default)]
    health: String,
    #[serde(default)]
    last_error: Option<String>,
    #[serde(default)]
    alerts: Vec<AlertItem>,
}

impl RulesData {
    pub(crate) fn read(self) -> Result<Vec<Rule>, String> {
        let mut rules = Vec::new();
        for group in self.groups {
            for rule in group.rules {
                rules.push(Rule {
                    group: group.name.clone(),
                    interval: seconds(group.interval),
                    name: rule.name,
                    query: rule.query,
                    alerting: rule.kind == "alerting",
                    hold: seconds(rule.duration),
                    labels: rule.labels,
                    annotations: rule.annotations,
                    health: rule.health,
                    last_error: rule.last_error.unwrap_or_default(),
                    alerts: read_alerts(rule.alerts)?,
                });
            }
        }
        Ok(rules)
    }
}

fn seconds(seconds: f64) -> Period {
    Period::from_millis((seconds * 1_000.0).round().max(0.0) as u64)
}
