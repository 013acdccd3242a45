//! Annotation and label templates: Go's template language with Prometheus' functions
//! (<https://prometheus.io/docs/prometheus/latest/configuration/template_reference/>,
//! <https://pkg.go.dev/text/template>).

mod exec;
mod format;
mod functions;
mod parse;
mod value;

use std::collections::BTreeMap;

use super::Context;
use crate::metrics::Labels;
use value::Value;

/// What a template can refer to.
pub(super) struct Template<'a> {
    pub(super) labels: &'a Labels,
    pub(super) value: f64,
    /// What `query` asks; without it there is nothing to ask.
    pub(super) context: Option<Context<'a>>,
    /// When it asks, milliseconds since the epoch.
    pub(super) t: i64,
}

/// Fills a template in; what cannot be filled in says so in its place, as Prometheus does.
pub(super) fn expand(text: &str, data: &Template<'_>) -> String {
    run(text, data).unwrap_or_else(|why| format!("<error expanding template: {why}>"))
}

/// Whether a template can be read: its syntax, its functions, its variables.
pub(super) fn check(text: &str) -> Result<(), String> {
    parse::parse(text).map(|_| ())
}

fn run(text: &str, data: &Template<'_>) -> Result<String, String> {
    if !text.contains("{{") {
        return Ok(text.to_owned());
    }
    let parsed = parse::parse(text)?;
    let labels: BTreeMap<String, Value> = data
        .labels
        .iter()
        .map(|(n, v)| (n.to_string(), Value::Text(v.to_string())))
        .collect();
    let url = data.context.map_or("", |c| c.external_url).to_owned();
    let root = [
        ("Labels", Value::Map(labels)),
        ("ExternalLabels", Value::Map(BTreeMap::new())),
        ("ExternalURL", Value::Text(url)),
        ("Value", Value::Number(data.value)),
    ];
    let root = root.map(|(n, v)| (n.to_owned(), v));
    exec::run(&parsed, Value::Map(BTreeMap::from(root)), data)
}

#[cfg(test)]
mod tests;
