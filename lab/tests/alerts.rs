//! The alerts fire, stay silent and resolve, as promtool sees it.

use std::process::Command;

#[test]
fn every_alert_fires_stays_silent_and_resolves() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../alerts");
    let Ok(found) = Command::new("promtool").arg("--version").output() else {
        eprintln!("SKIPPED: promtool is not installed (Debian: apt-get install prometheus)");
        return;
    };
    assert!(found.status.success());
    for args in [
        ["check", "rules", "sock-shop.yaml"],
        ["test", "rules", "tests/sock-shop.yaml"],
    ] {
        let output = Command::new("promtool")
            .args(args)
            .current_dir(folder)
            .output()
            .expect("promtool runs");
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}\n{complained}");
    }
}

#[test]
fn every_alert_has_a_test_and_a_runbook() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let read = |path: &str| std::fs::read_to_string(format!("{folder}/{path}")).expect(path);
    let rules = read("alerts/sock-shop.yaml");
    let tests = read("alerts/tests/sock-shop.yaml");
    let runbook = read("docs/runbooks/sock-shop.md").to_lowercase();
    let alerts = rules
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- alert: "));
    for alert in alerts {
        assert!(
            tests.contains(&format!("alertname: {alert}\n")),
            "{alert} has no test"
        );
        let heading = format!("# {}", alert.to_lowercase());
        assert!(
            runbook.lines().any(|line| line.ends_with(&heading)),
            "{alert} has no runbook"
        );
    }
}
