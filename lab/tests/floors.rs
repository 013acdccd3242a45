//! A crate uses only lower floors (ARCHITECTURE.md). Any other edge fails here.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate of the workspace may use of the others.
const ALLOWED: [(&str, &[&str]); 19] = [
    // Floor 5: the program. The shops and the load generator by one entry function each.
    (
        "shoplab",
        &[
            "catalog",
            "chaos",
            "cluster",
            "edge",
            "engine",
            "grader",
            "loadgen",
            "model",
            "shop",
            "store",
            "telemetry",
            "tui",
        ],
    ),
    // What reads bytes that it has not written.
    (
        "fuzz",
        &[
            "catalog",
            "cluster",
            "grader",
            "model",
            "shop-stores",
            "store",
        ],
    ),
    // Floor 4.
    ("tui", &["engine", "grader", "model", "telemetry"]),
    ("shop", &["edge", "shop-kit", "shop-stores", "sock-shop"]),
    // Floor 3.
    ("engine", &["chaos", "grader", "model", "telemetry"]),
    ("sock-shop", &["shop-kit"]),
    // Floor 2.
    ("chaos", &["edge", "model"]),
    ("cluster", &["edge", "model"]),
    ("shop-kit", &["instrument", "model", "shop-hooks"]),
    ("loadgen", &["instrument", "model"]),
    // Floor 1.
    ("catalog", &["model"]),
    ("grader", &["model"]),
    ("telemetry", &["model"]),
    ("edge", &["model"]),
    ("store", &["model"]),
    ("shop-stores", &["shop-hooks"]),
    // Floor 0.
    ("model", &[]),
    ("instrument", &[]),
    ("shop-hooks", &[]),
];

/// Big dependencies that only one crate (or a few) may know.
const KNOWN_BY: [(&str, &[&str]); 9] = [
    ("goose", &["loadgen"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("promql-parser", &["store"]),
    ("kube", &["chaos", "engine"]),
    ("miette", &["catalog", "shoplab"]),
    ("serde-saphyr", &["catalog", "cluster", "engine", "store"]),
    ("rusqlite", &["shop-stores"]),
    ("pgwire", &["shop-stores"]),
];

/// For each crate of the workspace, what it uses outside of its tests.
fn edges() -> BTreeMap<String, Vec<String>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let metadata = MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .expect("cargo metadata");
    metadata
        .packages
        .iter()
        .map(|package| {
            let used = package.dependencies.iter();
            let used = used.filter(|dependency| dependency.kind == DependencyKind::Normal);
            let used = used.map(|dependency| dependency.name.clone()).collect();
            (package.name.to_string(), used)
        })
        .collect()
}

#[test]
fn a_crate_uses_only_lower_floors() {
    let edges = edges();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.into_iter().collect();
    for (from, used) in &edges {
        let may = allowed.get(from.as_str()).unwrap_or_else(|| {
            panic!("{from} stands on no floor: add it to ARCHITECTURE.md and here")
        });
        for to in used.iter().filter(|to| edges.contains_key(*to)) {
            assert!(may.contains(&to.as_str()), "{from} -> {to} is not allowed");
        }
    }
}

#[test]
fn one_crate_knows_each_big_dependency() {
    let edges = edges();
    for (dependency, knowers) in KNOWN_BY {
        for (from, used) in &edges {
            let uses = used.iter().any(|name| name == dependency);
            assert!(
                !uses || knowers.contains(&from.as_str()),
                "{from} must not know {dependency}"
            );
        }
    }
}
