//! What is done with the series of a metrics function.

use std::cmp::Ordering;

use super::super::traceql::{Op, SecondStage};
use super::super::value::{self, Value};
use super::Series;

/// Applies one stage.
pub(super) fn apply(stage: &SecondStage, series: &mut Vec<Series>) {
    match stage {
        SecondStage::Top(count) => rank(series, *count as usize, Ordering::reverse),
        SecondStage::Bottom(count) => rank(series, *count as usize, |order| order),
        SecondStage::Filter(op, wanted) => {
            for one in series.iter_mut() {
                for point in &mut one.points {
                    if !holds(*op, *point, *wanted) {
                        *point = f64::NAN;
                    }
                }
                one.exemplars.retain(|e| holds(*op, e.value, *wanted));
            }
            series.retain(has_points);
        }
    }
}

fn has_points(series: &Series) -> bool {
    series.points.iter().any(|point| !point.is_nan())
}

fn holds(op: Op, number: f64, wanted: f64) -> bool {
    !number.is_nan()
        && match op {
            Op::Equal => number == wanted,
            Op::NotEqual => number != wanted,
            Op::Greater => number > wanted,
            Op::GreaterEqual => number >= wanted,
            Op::Less => number < wanted,
            _ => number <= wanted,
        }
}

/// Keeps the first series of an order at each point.
fn rank(series: &mut Vec<Series>, count: usize, turned: fn(Ordering) -> Ordering) {
    if series.len() <= count {
        return;
    }
    let points = series.first().map_or(0, |one| one.points.len());
    for index in 0..points {
        let mut ranked: Vec<(usize, f64)> = series
            .iter()
            .enumerate()
            .map(|(at, one)| (at, one.points[index]))
            .filter(|(_, point)| !point.is_nan())
            .collect();
        ranked.sort_by(|a, b| {
            let tie = || labels_order(&series[a.0], &series[b.0]);
            turned(a.1.total_cmp(&b.1).then_with(tie))
        });
        for (at, _) in ranked.into_iter().skip(count) {
            series[at].points[index] = f64::NAN;
        }
    }
    series.retain(has_points);
}

/// The order of series of equal numbers: texts that come earlier are greater, numbers are as they
/// are.
fn labels_order(a: &Series, b: &Series) -> Ordering {
    let text = |value: &Value<'_>| match value {
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => String::new(),
        other => other.show(),
    };
    for ((a_name, a), (b_name, b)) in a.labels.iter().zip(&b.labels) {
        let order = text(b)
            .cmp(&text(a))
            .then_with(|| b_name.cmp(a_name))
            .then_with(|| match (a, b) {
                (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
                _ => value::order(a, b).unwrap_or(Ordering::Equal),
            });
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(stage: &SecondStage) -> Vec<Vec<f64>> {
        let mut series: Vec<Series> = [[1.0, 5.0], [2.0, 4.0], [3.0, f64::NAN]]
            .into_iter()
            .map(|points| Series {
                labels: Vec::new(),
                points: points.to_vec(),
                exemplars: Vec::new(),
            })
            .collect();
        apply(stage, &mut series);
        let plain = |s: Series| {
            s.points
                .iter()
                .map(|p| if p.is_nan() { -1.0 } else { *p })
                .collect()
        };
        series.into_iter().map(plain).collect()
    }

    #[test]
    fn stages_take_points_away_and_series_without_any() {
        for (stage, wanted) in [
            (SecondStage::Top(1), vec![vec![-1.0, 5.0], vec![3.0, -1.0]]),
            (
                SecondStage::Bottom(1),
                vec![vec![1.0, -1.0], vec![-1.0, 4.0]],
            ),
            (
                SecondStage::Top(3),
                vec![vec![1.0, 5.0], vec![2.0, 4.0], vec![3.0, -1.0]],
            ),
            (
                SecondStage::Filter(Op::Greater, 2.0),
                vec![vec![-1.0, 5.0], vec![-1.0, 4.0], vec![3.0, -1.0]],
            ),
            (SecondStage::Filter(Op::Equal, 5.0), vec![vec![-1.0, 5.0]]),
        ] {
            assert_eq!(after(&stage), wanted, "{stage:?}");
        }
    }
}
