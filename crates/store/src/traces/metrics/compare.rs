//! `compare`: how often each value of each attribute is among the selected spans and among the
//! others.
//!
//! Source: <https://grafana.com/docs/tempo/latest/metrics-from-traces/metrics-queries/functions/#the-compare-function>.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use super::super::eval::{EvalError, Node, Plan};
use super::super::scan::CHUNK;
use super::super::spans::{Attrs, Trace};
use super::super::traceql::{Attribute, Comparison, Intrinsic, Scope};
use super::super::value::Value;
use super::exemplars::{Exemplar, labels};
use super::{Asked, MAX_CELLS, Series};

/// Counts of one attribute, by its values.
#[derive(Debug, Default)]
struct Counts {
    total: Vec<f64>,
    values: BTreeMap<String, (Value<'static>, Vec<f64>)>,
}

/// One of the two sides.
#[derive(Debug, Default)]
struct Side {
    attributes: BTreeMap<String, Counts>,
    /// Points of all counts.
    cells: usize,
    exemplars: Vec<Exemplar>,
}

pub(super) fn series(
    plan: &Plan,
    comparison: &Comparison,
    traces: &[Arc<Trace>],
    asked: Asked,
) -> Result<Vec<Series>, EvalError> {
    let filter = Node::whole(&comparison.filter);
    let (from, to) = comparison.window;
    let mut sides = [Side::default(), Side::default()];
    let points = asked.range.count();
    for (number, trace) in traces.iter().enumerate() {
        if number.is_multiple_of(CHUNK) && Instant::now() > asked.deadline {
            return Err(EvalError::Late);
        }
        let mut is_first = true;
        for at in plan.run(trace)?.into_iter().flat_map(|set| set.spans) {
            let start = trace.spans[at].start as i64;
            let Some(index) = asked.range.index(start) else {
                continue;
            };
            let in_time = (from, to) == (0, 0) || (from..to).contains(&start);
            let selected = in_time && filter.value(trace, at).is_true();
            let side = &mut sides[usize::from(selected)];
            side.add(trace, at, index, points);
            if is_first && side.exemplars.len() < asked.exemplars / 2 {
                is_first = false;
                side.exemplars.push(Exemplar {
                    labels: labels(plan, trace, at),
                    value: f64::NAN,
                    millis: start / 1_000_000,
                });
            }
        }
    }
    let [baseline, selection] = sides;
    let mut out = Vec::new();
    baseline.finish("baseline", comparison.top as usize, &mut out);
    selection.finish("selection", comparison.top as usize, &mut out);
    Ok(out)
}

impl Side {
    fn count(&mut self, name: String, value: &Value<'_>, index: usize, points: usize) {
        if matches!(value, Value::Nil | Value::Duration(_)) {
            return;
        }
        let counts = self.attributes.entry(name).or_default();
        counts.total.resize(points, 0.0);
        counts.total[index] += 1.0;
        let key = format!("{}\0{}", value.kind(), value.show());
        let known = counts.values.get_mut(&key);
        if let Some((_, list)) = known {
            list[index] += 1.0;
        } else if self.cells < MAX_CELLS {
            self.cells += points;
            let mut list = vec![0.0; points];
            list[index] = 1.0;
            counts.values.insert(key, (value.clone().owned(), list));
        }
    }

    /// Counts all attributes of a span that are worth comparing.
    fn add(&mut self, trace: &Trace, at: usize, index: usize, points: usize) {
        let span = &trace.spans[at];
        let library = trace.library(span);
        let (service, name) = trace.root_names();
        for (intrinsic, value) in [
            (Intrinsic::RootServiceName, Value::text(service)),
            (Intrinsic::RootName, Value::text(name)),
            (Intrinsic::Name, Value::text(&span.name)),
            (Intrinsic::Kind, Value::Kind(span.kind)),
            (Intrinsic::Status, Value::Status(span.status)),
            (Intrinsic::StatusMessage, Value::text(span.message())),
            (Intrinsic::InstrumentationName, Value::text(&library.name)),
            (
                Intrinsic::InstrumentationVersion,
                Value::text(&library.version),
            ),
        ] {
            self.count(intrinsic.name().to_owned(), &value, index, points);
        }
        let scopes: [(Scope, &Attrs); 3] = [
            (Scope::Resource, &trace.resource(span).attrs),
            (Scope::Instrumentation, &library.attrs),
            (Scope::Span, &span.attrs),
        ];
        for (scope, attrs) in scopes {
            for (key, value) in attrs.iter() {
                let name = Attribute::Named(scope, key.to_string()).to_string();
                self.count(name, &value.value(), index, points);
            }
        }
    }

    fn finish(self, kind: &'static str, top: usize, out: &mut Vec<Series>) {
        let labels = |kind: String, name: &str, value: Value<'static>| {
            vec![
                ("__meta_type".to_owned(), Value::Text(kind.into())),
                (name.to_owned(), value),
            ]
        };
        for (name, counts) in self.attributes {
            let mut values: Vec<(Value<'static>, Vec<f64>)> = counts.values.into_values().collect();
            let sum = |list: &[f64]| list.iter().sum::<f64>();
            values.sort_by(|a, b| sum(&b.1).total_cmp(&sum(&a.1)));
            for (value, points) in values.into_iter().take(top) {
                out.push(Series {
                    labels: labels(kind.to_owned(), &name, value),
                    points,
                    exemplars: Vec::new(),
                });
            }
            let of_attribute = |e: &&Exemplar| e.labels.iter().any(|(label, _)| *label == name);
            out.push(Series {
                labels: labels(format!("{kind}_total"), &name, Value::Nil),
                points: counts.total,
                exemplars: self
                    .exemplars
                    .iter()
                    .filter(of_attribute)
                    .cloned()
                    .collect(),
            });
        }
    }
}
