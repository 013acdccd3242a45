//! JSON Schemas of the authored files, for editors: generated from the same
//! tables and vocabulary by which files are read.

mod documents;
mod forms;
mod scenario;

use model::Vocabulary;
use serde_json::{Value, json};

use crate::lint::DocumentKind;

/// The JSON Schema (draft 2020-12) of files of `kind` in which the names of
/// `vocabulary` may be used. Where there are several shops, each may use the
/// names of all: which shop has which is for [`crate::lint`] to say.
pub fn schema(kind: DocumentKind, vocabulary: &Vocabulary) -> Value {
    let names = Names::of(vocabulary);
    let (title, body) = match kind {
        DocumentKind::Scenario => ("A scenario of shoplab", scenario::scenario(&names)),
        DocumentKind::Suite => ("A suite of shoplab", documents::suite()),
        DocumentKind::Matrix => ("The failure matrix of shoplab", documents::matrix(&names)),
        DocumentKind::Slos => ("The SLOs of a shop of shoplab", documents::slos()),
    };
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
    });
    if let (Value::Object(all), Value::Object(body)) = (&mut schema, body) {
        all.extend(body);
        if kind == DocumentKind::Scenario {
            all.insert("$defs".to_owned(), scenario::definitions(&names));
        }
    }
    schema
}

/// The names of all shops, each list sorted and without doubles.
struct Names<'a> {
    all: &'a Vocabulary,
    shops: Vec<&'a str>,
    services: Vec<&'a str>,
    alerts: Vec<&'a str>,
    journeys: Vec<&'a str>,
    checks: Vec<&'a str>,
    rows: Vec<&'a str>,
}

impl<'a> Names<'a> {
    fn of(all: &'a Vocabulary) -> Self {
        let shops = || all.shops.values();
        Self {
            all,
            shops: sorted(all.shops.keys().map(|name| name.as_str())),
            services: sorted(shops().flat_map(|s| &s.services).map(|name| name.as_str())),
            alerts: sorted(shops().flat_map(|s| &s.alerts).map(|name| name.as_str())),
            journeys: sorted(shops().flat_map(|s| &s.journeys).map(|name| name.as_str())),
            checks: sorted(
                shops()
                    .flat_map(|s| &s.checks)
                    .map(|check| check.name.as_str()),
            ),
            rows: sorted(all.matrix.rows.iter().map(|row| row.id.as_str())),
        }
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}
