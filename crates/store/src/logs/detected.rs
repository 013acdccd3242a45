//! Finds the fields that lines have, and what their values look like.

use std::collections::BTreeSet;

use super::eval::Row;
use super::jsonscan::{self, Value};
use super::labels::{Labels, sanitize};
use super::logql::{Expr, parse, units};
use super::pipeline::{self, Hints, Work};

/// A field of lines.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// As a label would be called.
    pub name: String,
    /// `string`, `int`, `float`, `boolean`, `duration` or `bytes`.
    pub kind: &'static str,
    /// Its distinct values.
    pub values: BTreeSet<String>,
    /// `json` or `logfmt`; nothing for structured metadata.
    pub parser: Option<&'static str>,
    /// Where JSON has it.
    pub path: Vec<String>,
}

/// The fields of `rows`, by name.
pub(crate) fn fields(rows: &[Row]) -> Vec<Field> {
    let mut out: Vec<Field> = Vec::new();
    for row in rows {
        for (name, value) in row.parts[1].iter() {
            add(&mut out, name, value, None, Vec::new());
        }
        for (name, value) in row.parts[2].iter() {
            add(&mut out, name, value, None, Vec::new());
        }
        let mut found = Vec::new();
        if row.line.trim_start().starts_with('{') {
            if json(&row.line, &mut Vec::new(), &mut found).is_err() {
                found.clear();
            }
            for (path, value) in found {
                let name = path
                    .iter()
                    .map(|part| sanitize(part))
                    .collect::<Vec<_>>()
                    .join("_");
                let name = free(&row.labels, &row.parts, name);
                add(&mut out, &name, &value, Some("json"), path);
            }
        } else if row.line.contains('=') {
            for (name, value) in logfmt(&row.line) {
                let name = free(&row.labels, &row.parts, name);
                add(&mut out, &name, &value, Some("logfmt"), Vec::new());
            }
        }
    }
    out
}

fn free(_labels: &Labels, parts: &[Labels; 3], name: String) -> String {
    if parts[0].get(&name).is_some() || parts[1].get(&name).is_some() {
        format!("{name}_extracted")
    } else {
        name
    }
}

fn add(
    out: &mut Vec<Field>,
    name: &str,
    value: &str,
    parser: Option<&'static str>,
    path: Vec<String>,
) {
    match out.iter_mut().find(|field| field.name == name) {
        Some(field) => {
            field.values.insert(value.to_owned());
        }
        None => out.push(Field {
            name: name.to_owned(),
            kind: kind(value),
            values: BTreeSet::from([value.to_owned()]),
            parser,
            path,
        }),
    }
}

/// What a value looks like.
fn kind(value: &str) -> &'static str {
    if value.parse::<i64>().is_ok() {
        "int"
    } else if value.parse::<f64>().is_ok() {
        "float"
    } else if value == "true" || value == "false" {
        "boolean"
    } else if units::go_duration(value).is_some() {
        "duration"
    } else if units::bytes(value).is_some() {
        "bytes"
    } else {
        "string"
    }
}

fn json(
    text: &str,
    path: &mut Vec<String>,
    out: &mut Vec<(Vec<String>, String)>,
) -> Result<(), &'static str> {
    jsonscan::object(text, &mut |key, value| {
        path.push(jsonscan::unescape(key));
        match value {
            Value::Object(inner) => json(inner, path, out)?,
            Value::Text(text) => out.push((path.clone(), jsonscan::unescape(text))),
            Value::Plain(text) => out.push((path.clone(), text.to_owned())),
            Value::Null | Value::Array(_) => {}
        }
        path.pop();
        Ok(true)
    })
}

fn logfmt(line: &str) -> Vec<(String, String)> {
    let Ok(Expr::Log(log)) = parse("{a=\"a\"} | logfmt --strict") else {
        return Vec::new();
    };
    let none = Labels::default();
    let mut work = Work::new(&none, &[], 0, line);
    pipeline::run(&log.stages, &mut work, &Hints::default());
    if work.error.is_some() {
        return Vec::new();
    }
    work.result()
        .iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}
