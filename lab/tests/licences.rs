//! Every dependency has a licence that `deny.toml` allows, and none is allowed in vain.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::process::Command;

/// The licences that `deny.toml` allows.
fn allowed() -> Vec<String> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../deny.toml");
    let text = std::fs::read_to_string(file).expect("deny.toml");
    let (_, rest) = text.split_once("allow = [").expect("a list");
    let (list, _) = rest.split_once(']').expect("its end");
    let quoted = list.split('"').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}

/// Name and licence of every package that is built here, for tests and for fuzzing included. `cargo tree` leaves
/// out what the lock file has for features that nobody asks for; `cargo metadata` does not.
fn packages() -> BTreeSet<(String, String)> {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--features=fuzz/libfuzzer",
            "--locked",
            "--edges",
            "normal,build,dev",
        ])
        .args(["--prefix", "none", "--format", "{p}\t{l}"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo tree");
    let text = String::from_utf8_lossy(&tree.stdout);
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    text.lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(name, licence)| (name.to_owned(), licence.trim_end_matches(" (*)").to_owned()))
        .collect()
}

/// The ways to satisfy an SPDX expression, each a set of licences.
///
/// It reads what crates write: `OR` (or the old `/`) binds less than `AND`, with one level of parentheses.
fn ways(expression: &str) -> Vec<BTreeSet<String>> {
    let mut depth = 0;
    let mut outer = String::new();
    for letter in expression.replace('/', " OR ").chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            // What stands in parentheses is one word until it is looked at by itself.
            ' ' if depth > 0 => outer.push('_'),
            other => outer.push(other),
        }
    }
    let any = outer.split(" OR ").map(|all| {
        let mut combined = vec![BTreeSet::new()];
        for part in all.split(" AND ").map(str::trim) {
            let inner = part.replace('_', " ");
            let choices = match inner.contains(" OR ") || inner.contains(" AND ") {
                true => ways(&inner),
                false => vec![BTreeSet::from([inner])],
            };
            combined = combined
                .iter()
                .flat_map(|way| choices.iter().map(move |choice| way | choice))
                .collect();
        }
        combined
    });
    any.flatten().collect()
}

#[test]
fn every_dependency_may_be_used_and_no_licence_is_allowed_in_vain() {
    let allowed = allowed();
    let mut needed = BTreeSet::new();
    let mut refused = Vec::new();
    for (name, licence) in packages() {
        let mut ways = ways(&licence);
        ways.retain(|way| way.iter().all(|one| allowed.contains(one)));
        // Needed is what every way has.
        let in_all = |ways: Vec<BTreeSet<String>>| ways.into_iter().reduce(|a, b| &a & &b);
        match in_all(ways) {
            None => refused.push(format!("{name}: {licence:?}")),
            Some(common) => needed.extend(common),
        }
    }
    assert!(refused.is_empty(), "deny.toml does not allow: {refused:#?}");
    let idle: Vec<_> = allowed
        .iter()
        .filter(|one| !needed.contains(*one))
        .collect();
    assert!(idle.is_empty(), "deny.toml allows in vain: {idle:?}");
}

#[test]
fn expressions_are_read_as_crates_write_them() {
    let told = |expression: &str| {
        let ways = ways(expression);
        let words = ways.iter().map(|way| Vec::from_iter(way.clone()).join("+"));
        words.collect::<Vec<_>>().join(" ")
    };
    for (expression, expected) in [
        ("MIT", "MIT"),
        ("MIT/Apache-2.0", "MIT Apache-2.0"),
        ("(MIT OR Apache-2.0) AND ISC", "ISC+MIT Apache-2.0+ISC"),
        ("MIT AND BSD-3-Clause OR ISC", "BSD-3-Clause+MIT ISC"),
    ] {
        assert_eq!(told(expression), expected, "{expression}");
    }
}
