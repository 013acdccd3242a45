//! What a query's answer shows of each service, before and after the first
//! injection: computed, never judged.

use std::collections::BTreeMap;

use model::{Evidence, ServiceName, ServiceSigns, Timestamp};
use telemetry::{Labels, LogLine, Matrix, Point, Series, Span, TimeRange, Trace};

use crate::checks::round;

/// The labels by which a result names a service.
const NAMING: [&str; 8] = [
    "service",
    "service_name",
    "job",
    "app",
    "peer",
    "deployment",
    "container",
    "pod",
];
/// The attributes by which a span names others than its own service.
const PEERS: [&str; 2] = ["peer.service", "server.address"];
/// A span that lasts longer is a trouble.
const SLOW_MS: u64 = 1_000;

/// Reads answers against the services of the shop and the first injection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    /// The shop's services and stores.
    pub(crate) services: &'a [ServiceName],
    /// The first injection; `None` while nothing is broken.
    pub(crate) split: Option<Timestamp>,
    /// The range that was asked for.
    pub(crate) range: TimeRange,
}

/// What is summed up of one service.
#[derive(Default)]
struct Tally {
    troubles: u64,
    before: Mean,
    after: Mean,
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn value(&self) -> Option<f64> {
        (self.count > 0).then(|| round(self.sum / self.count as f64))
    }
}

type Tallies = BTreeMap<ServiceName, Tally>;

impl Reader<'_> {
    /// The evidence in series. `matrix` may reach further back than the range
    /// that was asked for, so that there is something to compare with.
    pub(crate) fn series(&self, matrix: &Matrix) -> Evidence {
        let mut tallies = Tallies::new();
        for series in &matrix.series {
            let points = values(series);
            for service in self.named(&series.labels) {
                let tally = tallies.entry(service).or_default();
                for point in &points {
                    if self.is_after(point.at) {
                        tally.after.add(point.value);
                    } else {
                        tally.before.add(point.value);
                    }
                }
            }
        }
        let within = |series: &&Series| {
            let mut points = series.points.iter();
            points.any(|point| point.at >= self.range.from)
        };
        let results = matrix.series.iter().filter(within).count();
        self.evidence(results, tallies)
    }

    /// The evidence in lines of logs.
    pub(crate) fn lines(&self, lines: &[LogLine]) -> Evidence {
        let mut tallies = Tallies::new();
        for line in lines {
            let json: serde_json::Value = serde_json::from_str(&line.line).unwrap_or_default();
            let mut labels = line.labels.clone();
            for name in ["service", "peer"] {
                if let Some(value) = json.get(name).and_then(|value| value.as_str()) {
                    labels.insert(name.to_owned(), value.to_owned());
                }
            }
            let trouble = self.is_after(line.at) && is_trouble(line, &json);
            for service in self.named(&labels) {
                tallies.entry(service).or_default().troubles += u64::from(trouble);
            }
        }
        self.evidence(lines.len(), tallies)
    }

    /// The evidence in traces; `results` were found, `traces` were read.
    pub(crate) fn traces(&self, results: usize, traces: &[Trace]) -> Evidence {
        let mut tallies = Tallies::new();
        for span in traces.iter().flat_map(|trace| &trace.spans) {
            let end = Timestamp::from_millis(span.end_nanos() / 1_000_000);
            let slow = span.duration.as_millis() > SLOW_MS;
            let trouble = self.is_after(end) && (span.failed() || slow);
            for service in self.named(&naming(span)) {
                tallies.entry(service).or_default().troubles += u64::from(trouble);
            }
        }
        self.evidence(results, tallies)
    }

    fn evidence(&self, results: usize, tallies: Tallies) -> Evidence {
        let signs = tallies.into_iter().map(|(service, tally)| ServiceSigns {
            service,
            troubles: tally.troubles,
            before: tally.before.value(),
            after: tally.after.value(),
        });
        Evidence {
            results: results as u64,
            from: self.range.from,
            range: self.range.length(),
            signs: signs.collect(),
        }
    }

    /// Troubles and values count as the incident's from the first injection on.
    fn is_after(&self, at: Timestamp) -> bool {
        self.split.is_some_and(|split| at >= split)
    }

    /// The services that `labels` name, each once.
    fn named(&self, labels: &Labels) -> Vec<ServiceName> {
        let mut named: Vec<ServiceName> = Vec::new();
        for label in NAMING {
            let Some(value) = labels.get(label) else {
                continue;
            };
            let service = if label == "pod" {
                self.of_pod(value)
            } else {
                self.services
                    .iter()
                    .find(|service| *service == value.as_str())
            };
            named.extend(service.filter(|service| !named.contains(service)).cloned());
        }
        named
    }

    /// `orders-db-6c8f9d-x2v7k` is of `orders-db`: the longest name that fits.
    fn of_pod(&self, pod: &str) -> Option<&ServiceName> {
        let fits = |service: &&ServiceName| {
            let rest = pod.strip_prefix(service.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let fitting = self.services.iter().filter(fits);
        fitting.max_by_key(|service| service.as_str().len())
    }
}

/// The labels by which a span names services.
fn naming(span: &Span) -> Labels {
    let mut labels = Labels::from([("service".to_owned(), span.service.clone())]);
    let peer = PEERS.iter().find_map(|name| span.attributes.get(*name));
    if let Some(peer) = peer {
        let host = peer.split(['.', ':']).next().unwrap_or_default();
        labels.insert("peer".to_owned(), host.to_owned());
    }
    labels
}

/// The numbers of a series. A counter that is read as it is only ever rises:
/// what it rose by is what it shows.
fn values(series: &Series) -> Vec<Point> {
    let finite = series.points.iter().filter(|point| point.value.is_finite());
    let name = series.labels.get("__name__").map_or("", String::as_str);
    let counts = ["_total", "_count", "_sum", "_bucket"];
    if !counts.iter().any(|end| name.ends_with(end)) {
        return finite.copied().collect();
    }
    let points: Vec<Point> = finite.copied().collect();
    let rise = |pair: &[Point]| Point {
        at: pair[1].at,
        // A counter that falls began anew.
        value: match pair[1].value - pair[0].value {
            risen if risen >= 0.0 => risen,
            _ => pair[1].value,
        },
    };
    points.windows(2).map(rise).collect()
}

fn is_trouble(line: &LogLine, json: &serde_json::Value) -> bool {
    let bad = [
        "warn",
        "warning",
        "error",
        "critical",
        "fatal",
        "alert",
        "emergency",
    ];
    let level = line.level().unwrap_or_default();
    let status = json.get("status").and_then(serde_json::Value::as_u64);
    bad.contains(&level.as_str()) || status.is_some_and(|status| status >= 500)
}

#[cfg(test)]
mod tests;
