//! All that is wrong with a set of authored files.

use std::collections::BTreeMap;

use model::{Suite, Vocabulary};

use crate::decode::{Decoder, Reading};
use crate::documents::{checks_reading, matrix_reading, suite_reading};
use crate::node::Node;
use crate::problem::{Problems, Source};
use crate::rule::Rule;
use crate::scenario::reading;

/// What an authored file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// A scenario.
    Scenario,
    /// A list of scenarios that are run together.
    Suite,
    /// The documented failures.
    Matrix,
    /// What a shop promises its customers.
    Slos,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Scenario, Self::Suite, Self::Matrix, Self::Slos];

    /// What the file at `path` holds, by its place.
    pub fn of(path: &str) -> Self {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        match file {
            "failure-matrix.yaml" => Self::Matrix,
            "slos.yaml" => Self::Slos,
            _ if folder == "suites" || folder.ends_with("/suites") => Self::Suite,
            _ => Self::Scenario,
        }
    }
}

/// All problems of `files`, in their order: errors, and warnings where a file
/// has no error. `exists` answers whether a suite's path, given from the
/// suite's own folder, leads to a scenario.
pub fn lint(
    files: &[Source],
    vocabulary: &Vocabulary,
    exists: &dyn Fn(&Source, &str) -> bool,
) -> Vec<Problems> {
    let mut names = Names::new();
    files
        .iter()
        .map(|file| match DocumentKind::of(file.name()) {
            DocumentKind::Scenario => scenario(file, vocabulary, &mut names),
            DocumentKind::Suite => suite(file, exists),
            DocumentKind::Matrix => matrix(file, vocabulary),
            DocumentKind::Slos => checks_reading(file, vocabulary.check_query).problems(),
        })
        .filter(|problems| !problems.is_empty())
        .collect()
}

/// The scenarios' names by folder, with the file of each.
type Names = BTreeMap<(String, String), String>;

fn scenario(file: &Source, vocabulary: &Vocabulary, names: &mut Names) -> Problems {
    let mut reading = reading(file, vocabulary);
    if let Some(node) = reading.node.as_ref().and_then(|node| node.get("name"))
        && let Some(name) = node.text()
    {
        let folder = file
            .name()
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        let key = (folder.to_owned(), name.to_owned());
        match names.get(&key) {
            Some(other) => {
                let message = format!("there is already a scenario called `{name}`: {other}");
                let help = "give it a name of its own, best that of its file".to_owned();
                let place = node.place.clone();
                let decoder = &mut reading.decoder;
                decoder.problem(Rule::RepeatedName, &place, message, Some(help));
            }
            None => drop(names.insert(key, file.name().to_owned())),
        }
    }
    reading.problems()
}

fn suite(file: &Source, exists: &dyn Fn(&Source, &str) -> bool) -> Problems {
    let Reading {
        node,
        value,
        mut decoder,
    } = suite_reading(file);
    if let (Some(node), Some(suite)) = (&node, &value) {
        paths(&mut decoder, node, suite, |path| exists(file, path));
    }
    let reading: Reading<Suite> = Reading {
        node,
        value,
        decoder,
    };
    reading.problems()
}

fn paths(decoder: &mut Decoder, node: &Node, suite: &Suite, exists: impl Fn(&str) -> bool) {
    if decoder.any_error() {
        return;
    }
    for (index, path) in suite.scenarios.iter().enumerate() {
        let place = node.place_of(&format!("scenarios/{index}"));
        if suite.scenarios[..index].contains(path) {
            let message = format!("`{path}` stands here twice");
            let help = "`--repeat` runs a suite several times".to_owned();
            decoder.problem(Rule::RepeatedName, &place, message, Some(help));
        } else if !exists(path) {
            let message = format!("`{path}` leads to no scenario");
            let help = "paths start at the suite's own folder".to_owned();
            decoder.problem(Rule::MissingFile, &place, message, Some(help));
        }
    }
}

fn matrix(file: &Source, vocabulary: &Vocabulary) -> Problems {
    let mut reading = matrix_reading(file);
    if let (Some(matrix), Some(node)) = (&reading.value, &reading.node)
        && !reading.decoder.any_error()
    {
        let decoder = &mut reading.decoder;
        let shops: Vec<&model::ShopName> = vocabulary.shops.keys().collect();
        for (index, row) in matrix.rows.iter().enumerate() {
            let place = |key: &str| node.place_of(&format!("rows/{index}/{key}"));
            let Some(shop) = vocabulary.shops.get(&row.shop) else {
                decoder.unknown(&place("shop"), row.shop.as_str(), "shop", &shops);
                continue;
            };
            if !shop.services.contains(&row.failed) {
                let what = format!("service of {}", row.shop);
                let failed = row.failed.as_str();
                decoder.unknown(&place("failed"), failed, &what, &shop.services);
            }
            for (at, journey) in row.journeys.iter().enumerate() {
                if !shop.journeys.contains(journey) {
                    let place = place(&format!("journeys/{at}"));
                    decoder.unknown(&place, journey.as_str(), "journey", &shop.journeys);
                }
            }
        }
    }
    reading.problems()
}
