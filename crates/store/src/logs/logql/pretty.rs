//! Writes a query as Loki's `format_query` does: on one line if it is short, else every part
//! that is long on lines of its own.

use std::fmt::Display;

use super::ast::{Expr, LineFilter, LogExpr, RangeAgg, SampleExpr, Stage, Unwrap, VectorAgg};
use super::units;
use crate::logs::labels::quote;

/// A part that is longer is put on several lines, in bytes.
const MAX_WIDTH: usize = 100;

/// The query, in lines that are not too long.
pub(crate) fn pretty(expr: &Expr) -> String {
    match expr {
        Expr::Log(log) => self::log(log, 0),
        Expr::Sample(sample) => self::sample(sample, 0),
        Expr::Variants(..) => expr.to_string(),
    }
}

fn indent(level: usize) -> String {
    "  ".repeat(level)
}

/// The part on one line, if it fits.
fn short(part: &impl Display, level: usize) -> Option<String> {
    let text = part.to_string();
    (text.len() <= MAX_WIDTH).then(|| format!("{}{text}", indent(level)))
}

fn log(log: &LogExpr, level: usize) -> String {
    if log.stages.is_empty() {
        return format!("{}{log}", indent(level));
    }
    if let Some(text) = short(log, level) {
        return text;
    }
    let selector = LogExpr {
        matchers: log.matchers.clone(),
        stages: Vec::new(),
    };
    let mut lines = vec![format!("{}{selector}", indent(level))];
    let mut stages = log.stages.as_slice();
    while let Some(first) = stages.first() {
        let filters: Vec<&LineFilter> = stages
            .iter()
            .map_while(|stage| match stage {
                Stage::Line(filter) => Some(filter),
                _ => None,
            })
            .collect();
        lines.push(match filters.as_slice() {
            [] if matches!(first, Stage::Decolorize) => first.to_string(),
            [] => format!("{}{first}", indent(level + 1)),
            filters => chain(filters, level + 1),
        });
        stages = &stages[filters.len().max(1)..];
    }
    lines.join("\n")
}

/// Line filters side by side are one part.
fn chain(filters: &[&LineFilter], level: usize) -> String {
    let texts: Vec<String> = filters.iter().map(ToString::to_string).collect();
    let one = texts.join(" ");
    let between = match one.len() <= MAX_WIDTH {
        true => " ".to_owned(),
        false => format!("\n{}", indent(level)),
    };
    format!("{}{}", indent(level), texts.join(&between))
}

fn sample(expr: &SampleExpr, level: usize) -> String {
    if let Some(text) = short(expr, level) {
        return text;
    }
    match expr {
        SampleExpr::Range(agg) => range(agg, level),
        SampleExpr::Vector(agg) => vector(agg, level),
        SampleExpr::Binary(binary) => format!(
            "{}\n{}{}\n{}",
            sample(&binary.left, level + 1),
            indent(level),
            binary.operator(", "),
            sample(&binary.right, level + 1)
        ),
        SampleExpr::LabelReplace {
            inner,
            target,
            replacement,
            source,
            pattern,
            ..
        } => {
            let mut parts = vec![sample(inner, level + 1)];
            parts.extend(
                [target, replacement, source, pattern]
                    .iter()
                    .map(|text| format!("{}{}", indent(level + 1), quote(text))),
            );
            let inner = parts.join(",\n");
            let indent = indent(level);
            format!("{indent}label_replace(\n{inner}\n{indent})")
        }
        SampleExpr::Literal(_) | SampleExpr::Scalar(_) => format!("{}{expr}", indent(level)),
    }
}

fn range(agg: &RangeAgg, level: usize) -> String {
    let mut out = format!("{}{}(\n", indent(level), agg.op.name());
    if let Some(param) = agg.param {
        let param = units::show_float(param);
        out.push_str(&format!("{}{param},\n", indent(level + 1)));
    }
    out.push_str(&log(&agg.log, level + 1));
    if let Some(unwrap) = &agg.unwrap {
        out.push_str(&format!("\n{}", self::unwrap(unwrap, level + 2)));
    }
    out.push_str(&format!(" [{}]", units::show_range(agg.range)));
    if agg.offset != 0 {
        out.push_str(&format!(" offset {}", units::show_range(agg.offset)));
    }
    out.push_str(&format!("\n{})", indent(level)));
    out.push_str(&grouping(agg.grouping.as_ref()));
    out
}

fn unwrap(unwrap: &Unwrap, level: usize) -> String {
    let indent = indent(level);
    let label = match unwrap.source.as_str() {
        "" => unwrap.label.clone(),
        convert => format!("{convert}({})", unwrap.label),
    };
    let mut out = format!("{indent}| unwrap {label}");
    for filter in &unwrap.filters {
        out.push_str(&format!("\n{indent}| {filter}"));
    }
    out
}

fn vector(agg: &VectorAgg, level: usize) -> String {
    let mut out = format!("{}{}", indent(level), agg.op.name());
    out.push_str(&grouping(agg.grouping.as_ref()));
    out.push_str("(\n");
    if let Some(param) = agg.param {
        out.push_str(&format!("{}{param},\n", indent(level + 1)));
    }
    out.push_str(&sample(&agg.inner, level + 1));
    out.push_str(&format!("\n{})", indent(level)));
    out
}

fn grouping(grouping: Option<&super::Grouping>) -> String {
    match grouping {
        Some(grouping) if grouping.without && grouping.names.is_empty() => " without".to_owned(),
        Some(grouping) if !grouping.names.is_empty() => {
            let word = if grouping.without { "without" } else { "by" };
            format!(" {word} ({})", grouping.names.join(", "))
        }
        _ => String::new(),
    }
}
