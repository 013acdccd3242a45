use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;
use crate::cli::Places;

const BROKEN: &str = "\
name: broken-queries
title: Somebody complains
shop: sock-shop
level: 2
briefing: It is Friday.
load: { steady: { users: 20 } }
steady-state: [checkout-availability]
timeline: [{ at: 5s, inject: { hang: { service: paymnet } } }]
hypothesis: { symptoms: [{ slo: checkout-availability }], alerts: [PaymentDown] }
answer: { cause: payment, mode: hang }
responders:
  expert:
    - query: { metrics: 'sum(rate(up[)' }
    - query: { logs: '{app=payment}' }
    - query: { traces: '{ duration > }' }
";

fn args(paths: &[PathBuf], assets: Option<PathBuf>, format: LintFormat) -> Lint {
    Lint {
        paths: paths
            .iter()
            .map(|path| path.display().to_string())
            .collect(),
        format,
        deny_warnings: false,
        places: Places {
            assets,
            state: None,
        },
    }
}

#[test]
fn what_is_built_in_has_no_problem() {
    let (text, exit) = lint(&args(&[], None, LintFormat::Text)).expect("linted");
    assert!(text.ends_with("no problems\n"), "{text}");
    assert_eq!(exit, Exit::Passed);
}

#[test]
fn problems_are_told_in_three_formats() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("broken.yaml");
    std::fs::write(&file, BROKEN).expect("written");
    let folder = dir.path().display().to_string();
    for (name, format) in [
        ("text", LintFormat::Text),
        ("json", LintFormat::Json),
        ("sarif", LintFormat::Sarif),
    ] {
        let (told, exit) = lint(&args(std::slice::from_ref(&file), None, format)).expect("linted");
        assert_eq!(exit, Exit::Usage);
        let version = format!("\"version\": \"{}\"", env!("CARGO_PKG_VERSION"));
        let told = told
            .replace(&folder, "FOLDER")
            .replace(&version, "\"version\": \"VERSION\"");
        insta::assert_snapshot!(name, told);
    }
}

#[test]
fn warnings_fail_only_where_they_are_denied() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("warned.yaml");
    let text = include_str!("../../../../scenarios/sock-shop/payment-hangs.yaml");
    let text = text.replace("    - resolve: {}\n", "");
    std::fs::write(&file, text).expect("written");
    let mut args = args(&[file], None, LintFormat::Text);
    let (told, exit) = lint(&args).expect("linted");
    assert!(told.ends_with("1 warning in 1 file\n"), "{told}");
    assert_eq!(exit, Exit::Passed);
    args.deny_warnings = true;
    assert_eq!(lint(&args).expect("linted").1, Exit::Usage);
}

#[test]
fn a_broken_file_of_names_is_told_once_and_not_by_each_scenario() {
    let dir = tempfile::tempdir().expect("a folder");
    let shop = dir.path().join("scenarios/sock-shop");
    std::fs::create_dir_all(&shop).expect("made");
    std::fs::write(
        shop.join("slos.yaml"),
        "checks:\n  - name: checkout-availability\n",
    )
    .expect("written");
    let text = include_str!("../../../../scenarios/sock-shop/harmless-deploy.yaml");
    std::fs::write(shop.join("mine.yaml"), text).expect("written");
    let args = args(&[shop], Some(dir.path().to_owned()), LintFormat::Text);
    let (told, _) = lint(&args).expect("linted");
    assert!(
        told.contains("`title`, `query` and `bound` are missing"),
        "{told}"
    );
    assert!(told.ends_with("1 error in 2 files\n"), "{told}");
}

#[test]
fn a_file_that_is_no_text_is_a_problem_like_others_and_a_missing_one_is_usage() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("latin.yaml");
    std::fs::write(&file, b"name: f\xfcnf\n").expect("written");
    let (told, exit) = lint(&args(&[file], None, LintFormat::Text)).expect("linted");
    assert!(told.contains("this is not UTF-8"), "{told}");
    assert_eq!(exit, Exit::Usage);
    let missing = args(&[PathBuf::from("not/there.yaml")], None, LintFormat::Text);
    assert_eq!(lint(&missing).expect_err("refused").exit(), Exit::Usage);
}

#[test]
fn places_in_sarif_are_uris() {
    let here = std::env::current_dir().expect("a folder");
    let inside = here.join("a b/ü.yaml").display().to_string();
    let beside = here.with_file_name("x.yaml").display().to_string();
    for (file, expected) in [
        ("scenarios/x.yaml", "scenarios/x.yaml"),
        ("./x.yaml", "x.yaml"),
        ("a/../x.yaml", "x.yaml"),
        ("../x.yaml", &format!("file://{beside}")),
        (inside.as_str(), "a%20b/%C3%BC.yaml"),
        ("/nowhere/x.yaml", "file:///nowhere/x.yaml"),
    ] {
        assert_eq!(sarif::uri(file), expected);
    }
}

#[test]
fn what_sarif_wants_of_a_log_is_there() {
    let source = Source::new("scenarios/a b.yaml", BROKEN);
    let found = look(&[source], Gathered::default(), &[]);
    let log = sarif::log(&found);
    assert_eq!(log["version"], "2.1.0");
    let rules = log.pointer("/runs/0/tool/driver/rules").expect("rules");
    let results = log.pointer("/runs/0/results").expect("results");
    let results = results.as_array().expect("a list");
    assert!(!results.is_empty());
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(result["ruleId"], rules[index]["id"]);
        let text = result.pointer("/message/text").and_then(Value::as_str);
        let plain = text.expect("a text").replace("{{", "").replace("}}", "");
        assert!(!plain.contains(['{', '}']), "{plain}");
        let place = &result["locations"][0]["physicalLocation"];
        let file = json!({ "uri": "scenarios/a%20b.yaml", "uriBaseId": "%SRCROOT%" });
        assert_eq!(place["artifactLocation"], file);
        let at = |key: &str| place["region"][key].as_u64().expect(key);
        let (start, end) = (
            (at("startLine"), at("startColumn")),
            (at("endLine"), at("endColumn")),
        );
        assert!((1, 1) <= start && start.1 >= 1 && start <= end, "{place}");
    }
}
