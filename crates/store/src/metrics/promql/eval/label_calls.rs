//! Functions that change labels or their order: `label_replace`, `label_join`, `sort`.

use super::math::nan_first;
use super::{EvalError, Evaluated, Evaluator, Series, Value, merged};
use crate::metrics::labels::Labels;
use crate::metrics::matcher::anchored;
use crate::metrics::promql::ast::{Expr, Node};

/// Whether `name` may be a label's name: any UTF-8 text that is not empty.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('\u{fffd}')
}

impl Evaluator<'_> {
    pub(super) fn label_replace(&self, args: &[Expr]) -> Evaluated<Value> {
        let [vector, dst, replacement, src, pattern] = args else {
            return Err(EvalError::Execution(
                "label_replace takes five arguments".to_owned(),
            ));
        };
        let (dst, replacement) = (self.text(dst)?, self.text(replacement)?);
        let (src, pattern) = (self.text(src)?, self.text(pattern)?);
        let regex = anchored(&pattern)
            .map_err(|_| format!("invalid regular expression in label_replace(): {pattern}"))?;
        if !is_name(&dst) {
            return Err(format!("invalid destination label name in label_replace(): {dst}").into());
        }
        let mut series = self.vector(vector)?;
        for s in &mut series {
            if let Some(found) = regex.captures(s.labels.get(&src)) {
                let mut value = String::new();
                found.expand(&replacement, &mut value);
                s.labels = s.labels.with(&dst, value);
            }
        }
        Ok(Value::Vector(merged(series)?))
    }

    pub(super) fn label_join(&self, args: &[Expr]) -> Evaluated<Value> {
        let [vector, dst, separator, sources @ ..] = args else {
            return Err(EvalError::Execution(
                "label_join takes three or more arguments".to_owned(),
            ));
        };
        let (dst, separator) = (self.text(dst)?, self.text(separator)?);
        let sources: Vec<String> = sources
            .iter()
            .map(|s| self.text(s))
            .collect::<Result<_, _>>()?;
        if let Some(bad) = sources.iter().find(|s| !is_name(s)) {
            return Err(format!("invalid source label name in label_join(): {bad}").into());
        }
        if !is_name(&dst) {
            return Err(format!("invalid destination label name in label_join(): {dst}").into());
        }
        let mut series = self.vector(vector)?;
        for s in &mut series {
            let parts: Vec<&str> = sources.iter().map(|name| s.labels.get(name)).collect();
            s.labels = s.labels.with(&dst, parts.join(&separator));
        }
        Ok(Value::Vector(merged(series)?))
    }

    pub(super) fn sort(&self, vector: &Expr, call: &Expr, descending: bool) -> Evaluated<Value> {
        if !self.shared.instant {
            self.warn(
                "sort is ineffective for range queries since results are always ordered by labels",
                call,
            );
        }
        let mut series = self.vector(vector)?;
        if self.shared.instant && self.grid.len == 1 {
            let value = |s: &Series| s.values.first().copied().unwrap_or(f64::NAN);
            series.sort_by(|a, b| {
                let (a, b) = (value(a), value(b));
                match (a.is_nan(), b.is_nan()) {
                    (false, false) if descending => nan_first(b, a),
                    (false, false) => nan_first(a, b),
                    // NaN goes last, whichever way it is sorted.
                    (a, b) => a.cmp(&b),
                }
            });
        }
        Ok(Value::Vector(series))
    }
}

/// The labels that `absent` can give back: those that the selector fixes.
pub(super) fn absent_labels(expr: &Expr) -> Labels {
    let (Node::Selector(selector) | Node::Matrix(selector, _)) = &expr.unwrapped().node else {
        return Labels::default();
    };
    let mut fixed: Vec<(&str, &str)> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for m in selector.matchers.iter().filter(|m| m.name != "__name__") {
        if m.op == crate::metrics::MatchOp::Equal && !seen.contains(&m.name.as_str()) {
            fixed.push((&m.name, &m.value));
            seen.push(&m.name);
        } else {
            fixed.retain(|(name, _)| *name != m.name);
        }
    }
    Labels::new(fixed)
}
