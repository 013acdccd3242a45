//! Binary operations between vectors and numbers.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{EvalError, Sample};
use crate::logs::labels::Labels;
use crate::logs::logql::{Binary, Card, Matching, SampleExpr};

/// One operation on two numbers; comparisons give 1 or 0.
pub(crate) fn arithmetic(op: &str, a: f64, b: f64) -> f64 {
    let truth = |holds: bool| f64::from(u8::from(holds));
    match op {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        // Loki gives no infinity here.
        "/" if b == 0.0 => f64::NAN,
        "/" => a / b,
        "%" if b == 0.0 => f64::NAN,
        "%" => a % b,
        "^" => a.powf(b),
        "==" => truth(a == b),
        "!=" => truth(a != b),
        ">" => truth(a > b),
        ">=" => truth(a >= b),
        "<" => truth(a < b),
        "<=" => truth(a <= b),
        _ => f64::NAN,
    }
}

fn compares(op: &str) -> bool {
    matches!(op, "==" | "!=" | ">" | ">=" | "<" | "<=")
}

/// Joins the vectors of one step.
pub(super) fn join(
    expr: &Binary,
    left: Vec<Sample>,
    right: Vec<Sample>,
) -> Result<Vec<Sample>, EvalError> {
    if let SampleExpr::Literal(n) = &*expr.right {
        return Ok(with_number(expr, left, |value| (value, *n)));
    }
    if let SampleExpr::Literal(n) = &*expr.left {
        return Ok(with_number(expr, right, |value| (*n, value)));
    }
    let plain = Matching {
        on: false,
        names: Vec::new(),
        card: Card::OneToOne,
        include: Vec::new(),
    };
    let matching = expr.matching.as_ref().unwrap_or(&plain);
    match expr.op {
        "and" | "or" | "unless" => Ok(sets(expr.op, matching, left, right)),
        _ => pairs(expr, matching, left, right),
    }
}

fn with_number(
    expr: &Binary,
    samples: Vec<Sample>,
    sides: impl Fn(f64) -> (f64, f64),
) -> Vec<Sample> {
    samples
        .into_iter()
        .filter_map(|sample| {
            let (a, b) = sides(sample.value);
            let result = arithmetic(expr.op, a, b);
            let value = if compares(expr.op) && !expr.bool_mode {
                if result == 0.0 {
                    return None;
                }
                sample.value
            } else {
                result
            };
            Some(Sample { value, ..sample })
        })
        .collect()
}

fn key(matching: &Matching, labels: &Labels) -> Labels {
    if matching.on {
        labels.only(&matching.names)
    } else {
        labels.without(&matching.names)
    }
}

fn sets(op: &str, matching: &Matching, left: Vec<Sample>, right: Vec<Sample>) -> Vec<Sample> {
    let keys = |samples: &[Sample]| -> HashSet<Labels> {
        samples.iter().map(|s| key(matching, &s.labels)).collect()
    };
    match op {
        "or" => {
            let known = keys(&left);
            let more = right
                .into_iter()
                .filter(|s| !known.contains(&key(matching, &s.labels)));
            left.into_iter().chain(more).collect()
        }
        _ => {
            let known = keys(&right);
            left.into_iter()
                .filter(|s| known.contains(&key(matching, &s.labels)) == (op == "and"))
                .collect()
        }
    }
}

fn pairs(
    expr: &Binary,
    matching: &Matching,
    left: Vec<Sample>,
    right: Vec<Sample>,
) -> Result<Vec<Sample>, EvalError> {
    let swapped = matching.card == Card::OneToMany;
    let (many, one) = if swapped {
        (right, left)
    } else {
        (left, right)
    };
    let mut known: HashMap<Labels, Sample> = HashMap::new();
    for sample in one {
        if known
            .insert(key(matching, &sample.labels), sample)
            .is_some()
        {
            let side = if swapped {
                "found duplicate series on the left hand-side;many-to-many matching not allowed: matching labels must be unique on one side"
            } else {
                "found duplicate series on the right hand-side;many-to-many matching not allowed: matching labels must be unique on one side"
            };
            return Err(EvalError::Matching(side));
        }
    }
    let mut seen: HashSet<Labels> = HashSet::new();
    let mut out = Vec::new();
    for sample in many {
        let found = key(matching, &sample.labels);
        let Some(other) = known.get(&found) else {
            continue;
        };
        let (a, b) = if swapped {
            (other.value, sample.value)
        } else {
            (sample.value, other.value)
        };
        let result = arithmetic(expr.op, a, b);
        let value = if compares(expr.op) && !expr.bool_mode {
            if result == 0.0 {
                continue;
            }
            a
        } else {
            result
        };
        let labels = if matching.card == Card::OneToOne {
            if !seen.insert(found.clone()) {
                return Err(EvalError::Matching(
                    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)",
                ));
            }
            if compares(expr.op) && !expr.bool_mode && !matching.on {
                Arc::clone(&sample.labels)
            } else {
                Arc::new(found)
            }
        } else {
            let mut labels = Labels::clone(&sample.labels);
            for name in &matching.include {
                match other.labels.get(name) {
                    Some(value) if !value.is_empty() => labels.set(name, value),
                    _ => labels.remove(name),
                }
            }
            Arc::new(labels)
        };
        out.push(Sample { labels, value });
    }
    Ok(out)
}
