//! Whole drills with the real program, from an empty machine to an empty machine.

use std::time::Duration;

use crate::lab::{self, Place, signal, text, wait_until};

/// The path of a scenario as `change` makes it, so that its drills end sooner.
fn shortened(place: &Place, change: impl FnOnce(String) -> String) -> String {
    let known = lab::repository("scenarios/sock-shop/payment-scaled-to-zero.yaml");
    let text = std::fs::read_to_string(known).expect("a scenario");
    let path = place.path("short.yaml");
    std::fs::write(&path, change(text)).expect("written");
    path.to_str().expect("a path").to_owned()
}

#[test]
fn whoever_does_nothing_does_not_pass_which_is_reported_and_graded_again_to_the_same_bytes() {
    let place = Place::take();
    let out = place.path("out");
    let out = out.to_str().expect("a path");
    let scenario = shortened(&place, |text| text + "time-limit: 20s\n");
    let output = place.run(&["run", &scenario, "--responder", "nothing", "--out", out]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));

    let junit = std::fs::read_to_string(format!("{out}/junit.xml")).expect("JUnit");
    assert!(
        junit.contains("tests=\"1\"") && junit.contains("failures=\"1\""),
        "{junit}"
    );
    let results = std::fs::read_to_string(format!("{out}/results.json")).expect("JSON");
    let results: serde_json::Value = serde_json::from_str(&results).expect("JSON");
    let outcome = &results["outcomes"][0];
    assert!(!outcome["result"]["failed"].is_null(), "{results:#}");

    let journal = outcome["journal"].as_str().expect("a path");
    let first = place.run(&["grade", journal, "--format", "json"]);
    let second = place.run(&["grade", journal, "--format", "json"]);
    assert_eq!(first.status.code(), Some(1), "{}", text(&first));
    assert_eq!(first.stdout, second.stdout);
    place.wait_until_empty(Duration::from_secs(10));
    let labs = place.path("state/shoplab/labs");
    let left = std::fs::read_dir(labs).map_or(0, Iterator::count);
    assert_eq!(left, 0, "a lab's folder is left behind");
}

#[test]
fn a_scenario_is_put_to_the_test_with_labs_side_by_side() {
    let place = Place::for_labs(2);
    let out = place.path("out");
    let out = out.to_str().expect("a path");
    // With one wrong fix, and ends that come sooner: each of its drills takes half a minute of two labs.
    let scenario = shortened(&place, |text| {
        let second = ", { rollout-restart: orders }";
        assert!(text.contains(second), "{text}");
        text.replace(second, "") + "recovery-window: 5s\ntime-limit: 45s\n"
    });
    let output = place.run(&[
        "scenario", "test", &scenario, "-j", "2",
        // Whatever else this machine does may take the steady state from a lab; that proves nothing of the scenario.
        "--again", "--out", out,
    ]);
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    for proof in [
        "expert",
        "fault bites",
        "leaks",
        "baseline: nothing",
        "baseline: blame-the-lab (in `nothing`)",
        "baseline: scale-everything-to-zero",
        "wrong fix: ",
    ] {
        assert!(shown.contains(proof), "{proof}: {shown}");
    }
    let junit = std::fs::read_to_string(format!("{out}/junit.xml")).expect("JUnit");
    for suite in ["scenarios", "must not win", "leaks"] {
        assert!(
            junit.contains(&format!("<testsuite name=\"{suite}\"")),
            "{junit}"
        );
    }
    place.wait_until_empty(Duration::from_secs(10));
}

#[test]
fn a_row_of_the_failure_matrix_is_measured_beside_what_is_documented() {
    let place = Place::take();
    let out = place.path("out");
    let out = out.to_str().expect("a path");
    let verify = [
        "matrix", "verify", "--rows", "M06", "--out", out, "--format", "json",
    ];
    let output = place.run(&verify);
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    let results = std::fs::read_to_string(format!("{out}/results.json")).expect("JSON");
    let results: serde_json::Value = serde_json::from_str(&results).expect("JSON");
    let row = &results["rows"][0];
    assert_eq!(row["row"], "M06", "{results:#}");
    assert_eq!(row["broken"], serde_json::json!([]), "{results:#}");
    assert!(
        row["margin-ms"].as_i64().is_some_and(|spare| spare >= 0),
        "{results:#}"
    );
    let hit = row["impacts"].as_array().expect("impacts");
    assert!(
        hit.iter().any(|journey| journey["journey"] == "checkout"),
        "{results:#}"
    );

    // Its journal tells the same later, and one that was broken off tells nothing.
    let again = place.run(&["matrix", "report", out, "--format", "json"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again));
    let told: serde_json::Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(told["rows"], results["rows"]);
    let story = std::fs::read_to_string(row["journal"].as_str().expect("a path")).expect("Events");
    let begun: Vec<&str> = story.lines().take(9).collect();
    let broken_off = place.path("broken-off");
    std::fs::create_dir(&broken_off).expect("a folder");
    std::fs::write(broken_off.join("a.jsonl"), begun.join("\n") + "\n").expect("written");
    let broken_off = broken_off.to_str().expect("a path");
    let nothing = place.run(&["matrix", "report", broken_off]);
    assert_eq!(nothing.status.code(), Some(2), "{}", text(&nothing));
    let both = place.run(&["matrix", "report", out, broken_off]);
    assert!(text(&both).contains("left out, for it ends before its drill does"));
}

#[test]
fn an_interrupted_run_undoes_everything_and_says_so() {
    let place = Place::take();
    let out = place.path("out");
    let out = out.to_str().expect("a path").to_owned();
    let mut child = place.start(&["run", "payment-scaled-to-zero", "--out", &out]);
    let journal = format!("{out}/journals/payment-scaled-to-zero.jsonl");
    wait_until(Duration::from_secs(120), || {
        let story = std::fs::read_to_string(&journal).unwrap_or_default();
        if story.contains("fault-injected") {
            Ok(())
        } else {
            Err(story)
        }
    });
    signal(&child, "INT");
    let status = wait_until(Duration::from_secs(20), || {
        let ended = child.try_wait().expect("a child");
        ended.ok_or_else(|| "it still runs".to_owned())
    });
    assert_eq!(status.code(), Some(130));
    let story = std::fs::read_to_string(&journal).expect("a journal");
    assert!(story.contains("fault-undone"), "{story}");
    place.wait_until_empty(Duration::from_secs(5));
}

#[test]
fn no_process_survives_a_killed_lab() {
    let place = Place::take();
    let mut child = place.start(&["up"]);
    wait_until(Duration::from_secs(120), || {
        let count = place
            .processes()
            .iter()
            .filter(|line| line.contains("shop "))
            .count();
        if count >= 14 {
            Ok(())
        } else {
            Err(format!("{count} services"))
        }
    });
    signal(&child, "KILL");
    child.wait().expect("a child");
    place.wait_until_empty(Duration::from_secs(10));
}

#[test]
fn bad_input_gets_one_clear_error_and_nothing_starts() {
    let place = Place::take();
    let broken = place.path("broken.yaml");
    std::fs::write(&broken, "name: x\nshop: sok-shop\n").expect("written");
    let broken = broken.to_str().expect("a path");
    let file = place.path("file");
    std::fs::write(&file, "").expect("written");
    let below_file = format!("{}/out", file.display());
    for (args, code, said) in [
        (vec!["run", broken], 2, "did you mean `sock-shop`?"),
        (vec!["lint", broken], 2, "did you mean `sock-shop`?"),
        (vec!["run", "no-such-scenario"], 2, "`shoplab list`"),
        (
            vec!["run", "payment-hangs", "--responder", "nobody"],
            2,
            "there are: expert",
        ),
        (
            vec!["run", "payment-hangs", "--out", &below_file],
            4,
            "--out",
        ),
        (vec!["grade", broken], 2, "broken.yaml:1:"),
        (
            vec!["suite", "no-such-suite"],
            2,
            "scenarios/suites/smoke.yaml",
        ),
        (vec!["matrix", "verify", "--rows", "M99"], 2, "no row M99"),
        (vec!["up", "shoe-shop"], 2, "k8s/shoe-shop"),
        (vec!["train", "--quiet", "soon"], 2, "`20s`"),
    ] {
        let output = place.run(&args);
        let shown = text(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {shown}");
        assert!(shown.contains(said), "{args:?}: {shown}");
        assert!(place.processes().is_empty());
    }
    let good = place.run(&["lint"]);
    assert_eq!(good.status.code(), Some(0), "{}", text(&good));
}
