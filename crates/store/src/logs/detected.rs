//! Finds the fields that lines have, and what their values look like.

use std::collections::BTreeSet;

use super::eval::Row;
use super::jsonscan::{self, Value};
use super::labels::sanitize;
use super::logql::units;
use super::pipeline::Logfmt;

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

/// The fields of `rows`, by name. What a field looks like is what its last value does, the
/// rows taken stream by stream.
pub(crate) fn fields(rows: &[Row]) -> Vec<Field> {
    let mut order: Vec<&Row> = rows.iter().collect();
    order.sort_by(|a, b| a.parts[0].cmp(&b.parts[0]));
    let mut out: Vec<Field> = Vec::new();
    for row in order {
        for (name, value) in row.parts[1].iter() {
            add(&mut out, name, value, None, Vec::new());
        }
        let (parser, found) = match json_fields(row) {
            Some(found) => ("json", found),
            None => ("logfmt", logfmt(row)),
        };
        for (name, value) in row.parts[2].iter() {
            if !name.starts_with("__error") {
                add(&mut out, name, value, Some(parser), Vec::new());
            }
        }
        for (name, value, path) in found {
            add(&mut out, &name, &value, Some(parser), path);
        }
    }
    out
}

/// The members of a line that is JSON from end to end.
fn json_fields(row: &Row) -> Option<Vec<(String, String, Vec<String>)>> {
    let mut found = Vec::new();
    json(&row.line, &mut Vec::new(), &mut found).ok()?;
    let named = found.into_iter().map(|(path, value)| {
        let parts: Vec<_> = path.iter().map(|part| sanitize(part)).collect();
        (free(row, parts.join("_")), value, path)
    });
    Some(named.collect())
}

fn free(row: &Row, name: String) -> String {
    if row.parts[0].get(&name).is_some() || row.parts[1].get(&name).is_some() {
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
            field.kind = kind(value);
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

/// What Go's `strconv.ParseBool` takes, numbers aside.
const BOOLEANS: [&str; 10] = [
    "t", "T", "TRUE", "true", "True", "f", "F", "FALSE", "false", "False",
];

/// What a value looks like.
fn kind(value: &str) -> &'static str {
    if value.parse::<i64>().is_ok() {
        "int"
    } else if value.parse::<f64>().is_ok() {
        "float"
    } else if BOOLEANS.contains(&value) {
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
        path.push(jsonscan::unescape(key).into_owned());
        match value {
            Value::Object(inner) => json(inner, path, out)?,
            Value::Text(text) => out.push((path.clone(), jsonscan::unescape(text).into_owned())),
            Value::Plain(text) => out.push((path.clone(), text.to_owned())),
            Value::Null | Value::Array(_) => {}
        }
        path.pop();
        Ok(true)
    })
}

fn logfmt(row: &Row) -> Vec<(String, String, Vec<String>)> {
    let mut found = Vec::new();
    let mut pairs = Logfmt::new(&row.line);
    while let Some(pair) = pairs.pair() {
        if let Ok((key, value)) = pair
            && !value.is_empty()
        {
            let name = sanitize(key);
            if !name.is_empty() {
                found.push((free(row, name.into_owned()), value.into_owned(), Vec::new()));
            }
        }
    }
    found
}
