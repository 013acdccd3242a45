//! A corpus of broken files, each with what its author is told.

use std::path::{Path, PathBuf};

use catalog::{Problems, Source, lint};

use crate::vocabulary::vocabulary;

/// How many broken files there are at least.
const ENOUGH: usize = 60;

#[test]
fn every_broken_file_tells_all_that_is_wrong_with_it_at_its_place() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/broken"));
    let files = files(folder);
    assert!(files.len() >= ENOUGH, "{}", files.len());
    let mut whole = Vec::new();
    for path in &files {
        let inside = path.strip_prefix(folder).expect("below it");
        let name = inside.with_extension("").display().to_string();
        let bytes = std::fs::read(path).expect("readable");
        let told = told(&name, bytes);
        if told.is_empty() {
            whole.push(name);
            continue;
        }
        let fancy: String = told.iter().map(Problems::render).collect();
        let plain: Vec<String> = told.iter().map(ToString::to_string).collect();
        let both = format!("{fancy}---- in one line each ----\n{}", plain.join("\n"));
        insta::assert_snapshot!(name.replace('/', "-"), both);
    }
    assert_eq!(whole, Vec::<String>::new(), "not broken");
}

#[test]
fn two_scenarios_of_one_folder_have_two_names() {
    let whole = include_str!("../whole.yaml");
    let sources = ["a/x.yaml", "b/x.yaml", "a/y.yaml"].map(|name| Source::new(name, whole));
    let told = lint(&sources, &vocabulary(), &|_, _| true);
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!("the-same-name-twice", told.join("\n"));
}

#[test]
fn a_whole_scenario_has_no_problem() {
    let source = Source::new("whole.yaml", include_str!("../whole.yaml"));
    let told = lint(&[source], &vocabulary(), &|_, _| true);
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(told.join("\n"), "");
}

/// What the author of a file with `bytes` is told.
fn told(name: &str, bytes: Vec<u8>) -> Vec<Problems> {
    let shown = match name.split_once('/') {
        Some(("matrix", _)) => "failure-matrix.yaml".to_owned(),
        Some(("slos", _)) => "sock-shop/slos.yaml".to_owned(),
        _ => format!("{name}.yaml"),
    };
    match Source::of_bytes(&shown, bytes) {
        Ok(source) => lint(&[source], &vocabulary(), &|_, path| {
            path.ends_with("payment-hangs.yaml")
        }),
        Err(problems) => vec![problems],
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
