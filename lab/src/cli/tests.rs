use clap::{CommandFactory, Parser};

use super::*;

/// The book's chapter, and what is to stand for the CI systems' own variables.
const CI: &str = include_str!("../../../docs/ci.md");
const VARIABLES: [(&str, &str); 3] = [
    ("${{ matrix.shard }}", "1"),
    ("$CI_NODE_INDEX", "2"),
    ("$CI_NODE_TOTAL", "4"),
];

/// The lines of the chapter's code blocks.
fn code() -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in CI.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            let shown = VARIABLES
                .iter()
                .fold(line.to_owned(), |line, (name, value)| {
                    line.replace(name, value)
                });
            lines.push(shown);
        }
    }
    lines
}

/// The arguments of each `shoplab` that is called: up to a comment, a
/// redirection or the next command.
fn calls() -> Vec<Vec<String>> {
    let mut calls = Vec::new();
    for line in code() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let called = words
            .iter()
            .position(|word| *word == "shoplab" || word.ends_with("/release/shoplab"));
        let Some(called) = called else { continue };
        let ends = |word: &&&str| !["#", ">", ">>", "|", "||", "&&", ";"].contains(*word);
        let args = words[called..].iter().take_while(ends);
        calls.push(args.map(|word| (*word).to_owned()).collect());
    }
    calls
}

#[test]
fn the_command_line_is_put_together_rightly() {
    Cli::command().debug_assert();
}

#[test]
fn who_reads_lines_names_a_scenario() {
    for (args, fits) in [
        (vec!["train"], true),
        (vec!["train", "payment-hangs", "--mode", "plain"], true),
        (vec!["train", "payment-hangs", "--mode", "json"], true),
        (vec!["train", "--mode", "tui"], true),
        (vec!["train", "--mode", "plain"], false),
        (vec!["train", "--mode", "json"], false),
    ] {
        let call = [vec!["shoplab"], args].concat();
        assert_eq!(Cli::try_parse_from(&call).is_ok(), fits, "{call:?}");
    }
}

#[test]
fn every_command_of_the_chapter_on_ci_is_one() {
    let calls = calls();
    assert!(calls.len() >= 12, "{calls:?}");
    for call in &calls {
        if let Err(error) = Cli::try_parse_from(call) {
            panic!("`{}`: {error}", call.join(" "));
        }
    }
    for wanted in ["suite", "matrix", "scenario", "lint", "run"] {
        let found = calls
            .iter()
            .any(|call| call.get(1).is_some_and(|word| word == wanted));
        assert!(found, "{wanted}");
    }
}

#[test]
fn the_workflows_of_the_chapter_are_yaml_with_jobs_in_them() {
    let mut blocks = CI.split("```yaml\n").skip(1);
    let blocks: Vec<&str> = blocks
        .by_ref()
        .filter_map(|block| block.split("```").next())
        .collect();
    let read = |block: &str| -> serde_json::Value { serde_saphyr::from_str(block).expect("YAML") };
    let of = |name: &str| {
        let mut all = blocks.iter().map(|block| read(block));
        all.find(|block| block.get(name).is_some()).expect(name)
    };
    let github = of("jobs");
    let jobs = github["jobs"].as_object().expect("jobs");
    for (name, job) in jobs {
        assert!(job["runs-on"].is_string(), "{name}");
        let steps = job["steps"].as_array().expect("steps");
        assert!(
            steps
                .iter()
                .all(|step| step["run"].is_string() || step["uses"].is_string())
        );
    }
    let gitlab = of("stages");
    for name in ["smoke", "matrix", "full"] {
        assert_eq!(gitlab[name]["extends"], ".shoplab", "{name}");
        let script = gitlab[name]["script"].as_array().expect("a script");
        assert!(script.iter().all(serde_json::Value::is_string), "{name}");
    }
}

#[test]
fn numbers_that_make_no_sense_are_refused() {
    for args in [
        ["suite", "smoke", "-j", "0"],
        ["suite", "smoke", "--repeat", "0"],
        ["suite", "smoke", "--shard", "3/2"],
        ["suite", "smoke", "--with", "luck"],
        ["matrix", "verify", "--jobs", "9"],
    ] {
        let all = ["shoplab"].into_iter().chain(args);
        assert!(Cli::try_parse_from(all).is_err(), "{args:?}");
    }
}
