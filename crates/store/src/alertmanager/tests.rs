//! Groups over time, without a network: what becomes due, and what is told about it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::dispatch::Flush;
use super::matcher::parse;
use super::route::taken;
use super::*;
use crate::metrics::Labels;

const CONFIG: &str = "
route:
  receiver: all
  group_by: [alertname]
  group_wait: 10s
  group_interval: 1m
  repeat_interval: 1h
  routes:
  - matchers: [severity='page'] # no quotes of the matcher's own
    receiver: none
  - matchers: ['severity=\"page\"']
    receiver: pager
    continue: true
  - match: {team: db}
    receiver: db
    group_by: ['...']
    mute_time_intervals: [early]
    routes:
    - match_re: {kind: 'disk|cpu'}
      active_time_intervals: [early]
receivers:
- name: all
  webhook_configs: [{url: 'http://h/all'}]
- name: pager
  webhook_configs: [{url: 'http://h/pager', send_resolved: false, max_alerts: 1}]
- name: db
  webhook_configs: [{url: 'http://h/db'}]
- name: none
inhibit_rules:
- source_matchers: [severity=critical]
  target_matchers: [severity=~\"warning|critical\"]
  equal: [job]
time_intervals:
- name: early
  time_intervals: [{times: [{start_time: '00:00', end_time: '01:00'}]}]
";

const SECOND: i64 = 1000;
const FAR: i64 = i64::MAX / 2;

fn state() -> State {
    State::new(Arc::new(AlertmanagerConfig::parse(CONFIG).unwrap()))
}

fn alert(labels: &[(&'static str, &'static str)], starts_at: i64, ends_at: i64, now: i64) -> Alert {
    Alert {
        labels: Labels::new(labels.to_vec()),
        annotations: BTreeMap::from([("summary".to_owned(), "it broke".to_owned())]),
        generator_url: "http://h/graph".to_owned(),
        starts_at,
        ends_at,
        updated_at: now,
        timeout: false,
    }
}

/// What is due at `now`; all of it arrives.
fn told(state: &mut State, now: i64) -> Vec<Value> {
    let flushes = state.due(now, "http://am");
    let bodies = flushes.iter().flat_map(bodies).collect();
    for flush in &flushes {
        state.done(flush, true, &flush.deliveries);
    }
    bodies
}

fn bodies(flush: &Flush) -> Vec<Value> {
    let posts = flush.deliveries.iter().filter_map(|d| d.post.as_ref());
    posts
        .map(|(_, body)| serde_json::from_str(body).unwrap())
        .collect()
}

/// Receiver, status, and the `n` labels of its alerts.
fn short(body: &Value) -> String {
    let alerts = body["alerts"].as_array().unwrap().iter();
    let names: Vec<String> = alerts
        .map(|a| {
            let n = a["labels"]["n"].as_str().unwrap_or("");
            format!("{n}:{}", a["status"].as_str().unwrap())
        })
        .collect();
    format!("{} {}", body["receiver"].as_str().unwrap(), names.join(" "))
}

#[test]
fn a_group_waits_then_tells_what_is_new_then_repeats() {
    let mut state = state();
    let labels = [("alertname", "A"), ("n", "1")];
    state.put(alert(&labels, 0, FAR, 0), 0);
    assert!(
        told(&mut state, 10 * SECOND - 1).is_empty(),
        "it waits for others"
    );
    let first = told(&mut state, 10 * SECOND);
    assert_eq!(
        first.iter().map(short).collect::<Vec<_>>(),
        ["all 1:firing"]
    );
    let more = [("alertname", "A"), ("n", "2")];
    state.put(alert(&more, 20 * SECOND, FAR, 20 * SECOND), 20 * SECOND);
    assert!(told(&mut state, 69 * SECOND).is_empty());
    let second = told(&mut state, 70 * SECOND);
    assert_eq!(
        second.iter().map(short).collect::<Vec<_>>(),
        ["all 1:firing 2:firing"]
    );
    assert!(told(&mut state, 130 * SECOND).is_empty(), "nothing is new");
    state.put(alert(&labels, 0, 150 * SECOND, 150 * SECOND), 150 * SECOND);
    let third = told(&mut state, 190 * SECOND);
    assert_eq!(
        third.iter().map(short).collect::<Vec<_>>(),
        ["all 1:resolved 2:firing"]
    );
    assert!(
        told(&mut state, 250 * SECOND).is_empty(),
        "the resolved one is told once"
    );
    let mut now = 250 * SECOND;
    let repeated = loop {
        now += 60 * SECOND;
        let all = told(&mut state, now);
        if !all.is_empty() {
            break all;
        }
    };
    assert_eq!(
        now,
        (190 + 3600 + 60) * SECOND,
        "the first look after an hour"
    );
    assert_eq!(
        repeated.iter().map(short).collect::<Vec<_>>(),
        ["all 2:firing"]
    );
}

#[test]
fn what_did_not_arrive_is_told_again() {
    let mut state = state();
    state.put(alert(&[("alertname", "A"), ("n", "1")], 0, FAR, 0), 0);
    let lost = state.due(10 * SECOND, "");
    assert_eq!(lost.len(), 1);
    assert!(
        state.due(100 * SECOND, "").is_empty(),
        "it is still on its way"
    );
    state.done(&lost[0], false, &[]);
    let again = told(&mut state, 100 * SECOND);
    assert_eq!(
        again.iter().map(short).collect::<Vec<_>>(),
        ["all 1:firing"]
    );
}

#[test]
fn the_body_is_that_of_version_4() {
    let mut state = state();
    let labels = [("alertname", "A"), ("job", "j"), ("severity", "page")];
    state.put(alert(&labels, 0, FAR, 0), 0);
    let labels = [("alertname", "A"), ("job", "k"), ("severity", "page")];
    state.put(alert(&labels, 0, FAR, 0), 0);
    let all = told(&mut state, 10 * SECOND);
    insta::assert_snapshot!(serde_json::to_string_pretty(&all).unwrap());
}

#[test]
fn one_that_wants_no_resolved_alerts_hears_of_firing_ones_only() {
    let mut state = state();
    let labels = [("alertname", "A"), ("n", "1"), ("severity", "page")];
    state.put(alert(&labels, 0, FAR, 0), 0);
    assert_eq!(told(&mut state, 10 * SECOND).len(), 1);
    state.put(alert(&labels, 0, 20 * SECOND, 20 * SECOND), 20 * SECOND);
    assert!(told(&mut state, 70 * SECOND).is_empty());
    // It was cleared from what was told, so that it is news when it fires again.
    state.put(alert(&labels, 80 * SECOND, FAR, 80 * SECOND), 80 * SECOND);
    assert_eq!(told(&mut state, 130 * SECOND).len(), 1);
}

#[test]
fn silenced_and_inhibited_alerts_are_not_told() {
    let mut state = state();
    let critical = [
        ("alertname", "A"),
        ("job", "j"),
        ("severity", "critical"),
        ("n", "c"),
    ];
    state.put(alert(&critical, 0, FAR, 0), 0);
    for (job, n) in [("j", "1"), ("k", "2"), ("l", "3")] {
        let labels = [
            ("alertname", "A"),
            ("job", job),
            ("severity", "warning"),
            ("n", n),
        ];
        state.put(alert(&labels, 0, FAR, 0), 0);
    }
    let silence = Silence {
        id: String::new(),
        matchers: vec![parse("job=k").unwrap()],
        starts_at: 0,
        ends_at: 3600 * SECOND,
        updated_at: 0,
        created_by: String::new(),
        comment: String::new(),
    };
    state.silences.set(silence, 0).unwrap();
    let all = told(&mut state, 10 * SECOND);
    assert_eq!(
        all.iter().map(short).collect::<Vec<_>>(),
        ["all c:firing 3:firing"]
    );
}

#[test]
fn routes_are_muted_and_active_by_the_time_of_day() {
    let day = 24 * 3600 * SECOND;
    let noon = day + day / 2;
    for (now, kind, want) in [
        (day, "memory", 0),
        (noon, "memory", 1),
        (day, "disk", 1),
        (noon, "disk", 0),
    ] {
        let mut state = state();
        let labels = [("alertname", "A"), ("team", "db"), ("kind", kind)];
        state.put(alert(&labels, now, FAR, now), now);
        assert_eq!(
            told(&mut state, now + 10 * SECOND).len(),
            want,
            "{kind} at {now}"
        );
    }
}

#[test]
fn alerts_take_the_routes_that_match() {
    let config = AlertmanagerConfig::parse(CONFIG).unwrap();
    for (labels, want) in [
        (vec![("a", "b")], vec!["{}"]),
        (vec![("severity", "page")], vec!["{}/{severity=\"page\"}"]),
        (
            vec![("severity", "page"), ("team", "db")],
            vec!["{}/{severity=\"page\"}", "{}/{team=\"db\"}"],
        ),
        (
            vec![("team", "db"), ("kind", "disk")],
            vec!["{}/{team=\"db\"}/{kind=~\"^(?:disk|cpu)$\"}"],
        ),
    ] {
        let routes = taken(&config.routes, &Labels::new(labels.clone()));
        let keys: Vec<&str> = routes
            .iter()
            .map(|at| config.routes[*at].key.as_str())
            .collect();
        assert_eq!(keys, want, "{labels:?}");
    }
}

#[test]
fn another_configuration_groups_anew_and_remembers_what_was_told() {
    let mut state = state();
    state.put(alert(&[("alertname", "A"), ("n", "1")], 0, FAR, 0), 0);
    assert_eq!(told(&mut state, 10 * SECOND).len(), 1);
    let config = AlertmanagerConfig::parse(CONFIG).unwrap();
    state.configure(Arc::new(config), 20 * SECOND);
    assert_eq!(state.groups.len(), 1);
    assert!(told(&mut state, 40 * SECOND).is_empty());
}
