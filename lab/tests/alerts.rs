//! Every alert fires, stays silent and resolves as promtool sees it, and has a runbook.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;

#[derive(Deserialize)]
struct RuleFile {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    /// None for a recording rule.
    alert: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct TestFile {
    tests: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    alert_rule_test: Vec<Expected>,
}

#[derive(Deserialize)]
struct Expected {
    eval_time: String,
    alertname: String,
    exp_alerts: Vec<Fired>,
}

#[derive(Deserialize)]
struct Fired {
    exp_labels: BTreeMap<String, String>,
    exp_annotations: BTreeMap<String, String>,
}

#[test]
fn promtool_finds_every_rule_in_order_and_every_case_as_expected() {
    let Ok(found) = Command::new("promtool").arg("--version").output() else {
        eprintln!("SKIPPED: promtool is not installed (Debian: apt-get install prometheus)");
        return;
    };
    assert!(found.status.success());
    // All at once: each takes seconds of one core.
    let checks = yaml_files("alerts").into_iter().map(|file| ("check", file));
    let tests = yaml_files("alerts/tests").into_iter();
    let started: Vec<_> = checks
        .chain(tests.map(|file| ("test", file)))
        .map(|(command, file)| {
            Command::new("promtool")
                .args([command, "rules"])
                .arg(file)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("promtool runs")
        })
        .collect();
    for promtool in started {
        let output = promtool.wait_with_output().expect("promtool ends");
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{complained}");
    }
}

#[test]
fn every_alert_is_tested_to_fire_to_resolve_and_to_stay_silent() {
    let cases: Vec<Case> = yaml_files("alerts/tests")
        .iter()
        .flat_map(|path| read::<TestFile>(path).tests)
        .collect();
    let mut missing = Vec::new();
    for alert in alerts().keys() {
        let courses: Vec<Vec<bool>> = cases.iter().map(|case| course(case, alert)).collect();
        let comes_and_goes = courses.iter().any(|course| {
            course.first() == Some(&false)
                && course.contains(&true)
                && course.last() == Some(&false)
        });
        if !comes_and_goes {
            missing.push(format!("{alert}: no case in which it fires and resolves"));
        }
        // At the bound, and for a moment beyond it.
        let silent = courses
            .iter()
            .filter(|course| course.len() > 1 && !course.contains(&true));
        if silent.count() < 2 {
            missing.push(format!(
                "{alert}: fewer than two cases in which it is silent"
            ));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_case_looks_at_one_known_alert_and_at_all_that_it_says() {
    let alerts = alerts();
    for path in yaml_files("alerts/tests") {
        for case in read::<TestFile>(&path).tests {
            for expected in &case.alert_rule_test {
                let (name, alert) = (&case.name, &expected.alertname);
                assert!(alerts.contains_key(alert), "{name}: {alert} is no alert");
                assert!(name.starts_with(&format!("{alert}: ")), "{name}: {alert}");
                for fired in &expected.exp_alerts {
                    let at = &expected.eval_time;
                    assert!(fired.exp_labels.contains_key("severity"), "{name} at {at}");
                    assert_eq!(fired.exp_annotations.len(), 3, "{name} at {at}");
                }
            }
        }
    }
}

#[test]
fn every_alert_has_a_severity_a_service_a_text_and_a_runbook() {
    let runbook = std::fs::read_to_string(repository("docs/runbooks/sock-shop.md")).expect("read");
    let headings: BTreeSet<String> = runbook
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(str::to_lowercase)
        .collect();
    for (alert, rule) in alerts() {
        let severity = rule.labels.get("severity").map(String::as_str);
        assert!(
            matches!(severity, Some("critical" | "warning" | "info")),
            "{alert}: severity {severity:?}"
        );
        assert!(rule.labels.contains_key("service"), "{alert}: no service");
        for annotation in ["summary", "description"] {
            assert!(
                rule.annotations.contains_key(annotation),
                "{alert}: no {annotation}"
            );
        }
        let url = rule.annotations.get("runbook_url").expect("a runbook_url");
        let anchor = url.strip_prefix("docs/runbooks/sock-shop.md#").expect(url);
        assert_eq!(anchor, alert.to_lowercase());
        assert!(headings.contains(anchor), "{alert} has no runbook");
    }
    for link in runbook.split("](#").skip(1) {
        let anchor = link.split(')').next().unwrap_or_default();
        assert!(
            headings.contains(anchor),
            "the runbook has no section #{anchor}"
        );
    }
}

/// Whether `alert` fires, at each moment at which `case` looks at it.
fn course(case: &Case, alert: &str) -> Vec<bool> {
    case.alert_rule_test
        .iter()
        .filter(|expected| expected.alertname == alert)
        .map(|expected| !expected.exp_alerts.is_empty())
        .collect()
}

fn alerts() -> BTreeMap<String, Rule> {
    let mut found = BTreeMap::new();
    for path in yaml_files("alerts") {
        for rule in read::<RuleFile>(&path)
            .groups
            .into_iter()
            .flat_map(|group| group.rules)
        {
            if let Some(name) = rule.alert.clone() {
                assert!(found.insert(name.clone(), rule).is_none(), "{name} twice");
            }
        }
    }
    assert!(!found.is_empty());
    found
}

fn read<T: for<'de> Deserialize<'de>>(path: &PathBuf) -> T {
    let text = std::fs::read_to_string(path).expect("a file");
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The YAML files of a folder of the repository, by name.
fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository(folder)).expect(folder);
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    files
}

fn repository(path: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(path)
}
