//! What tables show.

use serde_json::json;

use super::*;

fn cells(kind: Kind, object: Value) -> Vec<(String, Value)> {
    let table = table(kind, &[Arc::new(object)], Include::Nothing, 7);
    let names = table["columnDefinitions"].as_array().unwrap().iter();
    let names = names.map(|column| column["name"].as_str().unwrap().to_owned());
    names
        .zip(table["rows"][0]["cells"].as_array().unwrap().clone())
        .collect()
}

fn cell(kind: Kind, object: Value, name: &str) -> Value {
    let found = cells(kind, object)
        .into_iter()
        .find(|(column, _)| column == name);
    found.unwrap().1
}

#[test]
fn a_pods_status_is_its_most_telling_reason() {
    let pod = |status: Value| json!({ "metadata": { "name": "a" }, "spec": { "containers": [{}] }, "status": status });
    for (status, expected) in [
        (json!({ "phase": "Pending" }), "Pending"),
        (
            json!({ "phase": "Running", "containerStatuses": [{ "ready": true, "state": { "running": {} } }] }),
            "Running",
        ),
        (
            json!({ "phase": "Running", "containerStatuses": [{ "state": { "waiting": { "reason": "CrashLoopBackOff" } } }] }),
            "CrashLoopBackOff",
        ),
        (
            json!({ "phase": "Running", "containerStatuses": [{ "state": { "terminated": { "reason": "OOMKilled", "exitCode": 137 } } }] }),
            "OOMKilled",
        ),
        (
            json!({ "phase": "Pending", "initContainerStatuses": [{ "state": { "running": {} } }] }),
            "Init:0/1",
        ),
    ] {
        assert_eq!(
            cell(Kind::Pod, pod(status.clone()), "Status"),
            expected,
            "{status}"
        );
    }
    let mut going = pod(json!({ "phase": "Running" }));
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    assert_eq!(cell(Kind::Pod, going, "Status"), "Terminating");
}

#[test]
fn a_restarted_pod_says_when() {
    let ended = (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(65)).to_string();
    let pod = json!({ "spec": { "containers": [{}] }, "status": { "containerStatuses": [
        { "restartCount": 3, "lastState": { "terminated": { "finishedAt": ended } } }] } });
    let said = cell(Kind::Pod, pod, "Restarts");
    assert!(said.as_str().unwrap().starts_with("3 (6"), "{said}");
}

#[test]
fn wide_columns_have_a_priority() {
    let table = table(Kind::Pod, &[], Include::Metadata, 7);
    let wide: Vec<_> = table["columnDefinitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["priority"] != 0)
        .collect();
    assert_eq!(
        wide,
        [false, false, false, false, false, true, true, true, true]
    );
    assert_eq!(table["metadata"]["resourceVersion"], "7");
}

#[test]
fn services_and_endpoints_show_their_ports() {
    let service = json!({ "spec": { "ports": [{ "port": 80, "protocol": "TCP" }, { "port": 81, "nodePort": 30081 }] } });
    assert_eq!(
        cell(Kind::Service, service, "Port(s)"),
        "80/TCP,81:30081/TCP"
    );
    let ready =
        json!({ "subsets": [{ "addresses": [{ "ip": "127.0.0.2" }], "ports": [{ "port": 80 }] }] });
    assert_eq!(cell(Kind::Endpoints, ready, "Endpoints"), "127.0.0.2:80");
    assert_eq!(cell(Kind::Endpoints, json!({}), "Endpoints"), "<none>");
}

#[test]
fn ages_are_short() {
    for (seconds, expected) in [
        (-5, "0s"),
        (119, "119s"),
        (120, "2m"),
        (200, "3m20s"),
        (3_600, "60m"),
        (10_800, "3h"),
        (11_100, "3h5m"),
        (90_000, "25h"),
        (180_000, "2d2h"),
        (864_000, "10d"),
    ] {
        assert_eq!(age::short(seconds), expected);
    }
}

#[test]
fn every_kind_has_a_name_column() {
    for kind in Kind::ALL {
        let columns = cells(kind, json!({ "metadata": { "name": "x" } }));
        assert!(
            columns
                .iter()
                .any(|(name, value)| name == "Name" && value == "x"),
            "{kind}"
        );
    }
}
