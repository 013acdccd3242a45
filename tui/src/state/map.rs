//! The map of the shop: who calls whom, how often and how well, told by spans.

mod tree;

use std::collections::BTreeMap;

use model::Period;
use telemetry::{Matrix, Series};

/// How much time the map stands for: short, so that what broke or was mended a moment ago
/// is not lost among what was before.
pub(crate) const WINDOW: Period = Period::from_secs(60);
/// The spans of whoever calls another, counted. Tempo takes five attributes and no more.
pub(crate) const CALLS: &str = "{ span.peer.service != nil && kind != server && kind != internal } \
     | count_over_time() by (resource.service.name, span.peer.service, kind, status, span.db.system.name)";
/// How long the same spans took.
pub(crate) const LATENCIES: &str = "{ span.peer.service != nil && kind != server && kind != internal } \
     | quantile_over_time(duration, 0.5, 0.95) by (resource.service.name, span.peer.service, kind)";

/// From this 95th percentile on, in seconds, calls are marked as slow: half of what
/// customers are promised for a whole page.
const SLOW: f64 = 0.5;
/// From this share of failed calls on they are marked as failing: below it are the answers
/// of 404 and 401 that a healthy shop gives too.
const FAILING: f64 = 0.01;

/// The calls between services, stores and queues.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ServiceMap {
    /// By caller, then by callee.
    pub(crate) edges: Vec<Edge>,
    /// As they are drawn.
    pub(crate) rows: Vec<Row>,
}

/// Calls from one to another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Edge {
    pub(crate) caller: String,
    pub(crate) callee: String,
    pub(crate) way: Way,
    /// What kind of store the callee is, such as `postgresql`.
    pub(crate) system: Option<String>,
    /// How many in [`WINDOW`].
    pub(crate) calls: f64,
    /// How many of them failed.
    pub(crate) failed: f64,
    /// In seconds.
    pub(crate) median: Option<f64>,
    /// The 95th percentile in seconds.
    pub(crate) slowest: Option<f64>,
}

/// Who of the two made the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// The caller, who asks or sends.
    Asks,
    /// The callee, to whom a queue hands messages.
    Hands,
}

/// A line of the map: a service, and the calls to it by the one above.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// The lines of the tree before the name.
    pub(crate) branch: String,
    pub(crate) service: String,
    /// Which calls lead here; none where the map begins.
    pub(crate) edge: Option<usize>,
    pub(crate) own: OwnCalls,
}

/// Where the calls that a service makes are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OwnCalls {
    /// Below it, if it makes any.
    Here,
    /// At another place of the same service, nearer to the customers.
    Elsewhere,
}

impl ServiceMap {
    /// The map that the answers to [`CALLS`] and [`LATENCIES`] make.
    pub(crate) fn of(calls: &Matrix, latencies: &Matrix) -> Self {
        let mut edges: BTreeMap<(String, String, Way), Edge> = BTreeMap::new();
        for series in &calls.series {
            let (Some(key), Some(count)) = (ends(series), value(series)) else {
                continue;
            };
            let (caller, callee, way) = key.clone();
            let edge = edges.entry(key).or_insert(Edge {
                caller,
                callee,
                way,
                system: None,
                calls: 0.0,
                failed: 0.0,
                median: None,
                slowest: None,
            });
            edge.calls += count;
            if label(series, "status") == Some("error") {
                edge.failed += count;
            }
            if let Some(system) = label(series, "span.db.system.name") {
                edge.system = Some(system.to_owned());
            }
        }
        for series in &latencies.series {
            let edge = ends(series).and_then(|key| edges.get_mut(&key));
            let share = label(series, "p").and_then(|p| p.parse::<f64>().ok());
            let (Some(edge), Some(share), Some(seconds)) = (edge, share, value(series)) else {
                continue;
            };
            let known = if share < 0.9 {
                &mut edge.median
            } else {
                &mut edge.slowest
            };
            // What asks and sends to the same peer is as slow as the slower of the two.
            *known = Some(known.map_or(seconds, |other| other.max(seconds)));
        }
        let edges: Vec<Edge> = edges.into_values().filter(|e| e.calls > 0.0).collect();
        let rows = tree::rows(&edges);
        Self { edges, rows }
    }

    /// The calls that lead to a row.
    pub(crate) fn edge(&self, row: &Row) -> Option<&Edge> {
        self.edges.get(row.edge?)
    }

    /// The TraceQL that finds slow or failed calls of a row.
    pub(crate) fn troubled(&self, row: &Row) -> String {
        let (spans, slow) = match self.edge(row) {
            Some(edge) => (edge.spans(), edge.slow_from()),
            None => (self.top(&row.service), Some(in_traceql(SLOW))),
        };
        match slow {
            Some(slow) => format!("{{ {spans} && (status = error || duration > {slow}) }}"),
            None => format!("{{ {spans} }}"),
        }
    }

    /// The TraceQL that finds failed calls of a row.
    pub(crate) fn failed(&self, row: &Row) -> String {
        let spans = match self.edge(row) {
            Some(edge) => edge.spans(),
            None => self.top(&row.service),
        };
        format!("{{ {spans} && status = error }}")
    }

    /// The spans of a service at which the map begins; a queue makes none of its own.
    fn top(&self, service: &str) -> String {
        let asks = |edge: &Edge| edge.way == Way::Asks && edge.caller == service;
        if self.edges.iter().any(asks) {
            of_service(service)
        } else {
            format!("span.peer.service = {service:?}")
        }
    }

    /// The place of what `row` of another map stands for.
    pub(crate) fn place_of(&self, other: &Self, row: &Row) -> Option<usize> {
        let ends = |map: &Self, row: &Row| {
            let edge = map.edge(row);
            let way = edge.map(|edge| (edge.caller.clone(), edge.way));
            (row.service.clone(), way)
        };
        let sought = ends(other, row);
        self.rows.iter().position(|row| ends(self, row) == sought)
    }
}

impl Edge {
    /// The share of calls that failed.
    pub(crate) fn share_failed(&self) -> f64 {
        self.failed / self.calls.max(1.0)
    }

    /// Whether so many fail that it is marked.
    pub(crate) fn is_failing(&self) -> bool {
        self.share_failed() >= FAILING
    }

    /// Whether it is so slow that it is marked.
    pub(crate) fn is_slow(&self) -> bool {
        self.slowest.is_some_and(|seconds| seconds >= SLOW)
    }

    fn spans(&self) -> String {
        let (caller, callee) = (&self.caller, &self.callee);
        match self.way {
            Way::Asks => format!("{} && span.peer.service = {callee:?}", of_service(caller)),
            Way::Hands => format!(
                "{} && span.peer.service = {caller:?} && kind = consumer",
                of_service(callee)
            ),
        }
    }

    /// From which duration on a call is one of its slowest. Tempo knows durations by powers
    /// of two: what it says may be twice what was, and half of it is surely reached.
    fn slow_from(&self) -> Option<String> {
        self.slowest.map(|seconds| in_traceql(seconds / 2.0))
    }
}

fn of_service(service: &str) -> String {
    format!("resource.service.name = {service:?}")
}

fn in_traceql(seconds: f64) -> String {
    if seconds >= 0.001 {
        format!("{:.0}ms", (seconds * 1e3).floor())
    } else {
        format!("{:.0}us", (seconds * 1e6).floor())
    }
}

fn label<'a>(series: &'a Series, name: &str) -> Option<&'a str> {
    series.labels.get(name).map(String::as_str)
}

fn value(series: &Series) -> Option<f64> {
    series
        .last()
        .map(|point| point.value)
        .filter(|value| value.is_finite())
}

/// Caller and callee of the spans of a series.
fn ends(series: &Series) -> Option<(String, String, Way)> {
    let maker = label(series, "resource.service.name")?.to_owned();
    let peer = label(series, "span.peer.service")?.to_owned();
    Some(match label(series, "kind") {
        Some("consumer") => (peer, maker, Way::Hands),
        _ => (maker, peer, Way::Asks),
    })
}

#[cfg(test)]
mod tests;
