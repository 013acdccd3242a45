//! Alertmanager: its configuration, and what clients ask of it.

use std::sync::Arc;

use store::alertmanager::{Alertmanager, AlertmanagerConfig, api};
use store::clock::Clock;

use crate::http::{Call, Verb, ask};
use crate::metrics::{BEGIN, END};
use crate::{Target, input, seeds};

/// A configuration: what it is refused for, or when it mutes.
pub(crate) const CONFIGURATION: Target = Target {
    name: "alertmanager-config",
    run: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        if let Ok(config) = AlertmanagerConfig::parse(text) {
            let names: Vec<String> = config.intervals.keys().cloned().collect();
            for now in [BEGIN, END, 0] {
                let _ = config.within(&names, now);
            }
        }
    },
    seeds: || {
        let mut texts = seeds::files("alerts/alertmanager", ".yaml");
        for file in ["config.rs", "tests.rs", "intervals.rs"] {
            let path = format!("crates/store/src/alertmanager/{file}");
            texts.extend(seeds::literals(&path, |text| {
                text.contains(":\n") || text.contains("route:")
            }));
        }
        texts.push(
            "global: {resolve_timeout: 1m}\nroute:\n  receiver: a\n  group_by: ['...']\n  routes:\n  - matchers: [b=~\"c|d\", 'e!=f']\n    mute_time_intervals: [n]\n    continue: true\nreceivers:\n- name: a\n  webhook_configs:\n  - url: http://127.0.0.1:1/x\n    max_alerts: 2\ntime_intervals:\n- name: n\n  time_intervals:\n  - times: [{start_time: '22:00', end_time: '24:00'}]\n    weekdays: ['monday:friday', sunday]\n    days_of_month: ['1:5', '-3:-1']\n    months: ['1:3', december]\n    years: ['2025:2027']\n    location: Europe/Paris\n"
                .to_owned(),
        );
        seeds::bytes(texts)
    },
    words: &[
        "global:",
        "route:",
        "receiver:",
        "routes:",
        "receivers:",
        "- name:",
        "webhook_configs:",
        "url:",
        "matchers:",
        "match:",
        "match_re:",
        "group_by:",
        "group_wait:",
        "inhibit_rules:",
        "equal:",
        "source_matchers:",
        "time_intervals:",
        "mute_time_intervals:",
        "active_time_intervals:",
        "times:",
        "weekdays:",
        "days_of_month:",
        "months:",
        "years:",
        "location:",
        "'-31:31'",
        "'00:00'",
        "'24:00'",
        "templates:",
        "slack_configs:",
        "http_config:",
        "url_file:",
        "timeout:",
    ],
};

/// The first line is a path, what follows is what is posted there.
pub(crate) const API: Target = Target {
    name: "alertmanager-api",
    run: |bytes| {
        let Some((path, body)) = input::line(bytes) else {
            return;
        };
        let manager = match Alertmanager::new(None, Clock::at(END)) {
            Ok(manager) => Arc::new(manager),
            Err(error) => panic!("no configuration is wrong: {error}"),
        };
        let kind = ("application/json", "");
        if !body.is_empty() {
            let call = Call {
                verb: Verb::Post,
                path,
                kind,
                body: body.as_bytes(),
            };
            let _ = ask(api::router(Arc::clone(&manager)), &call);
        }
        for path in [
            path,
            "/alertmanager/api/v2/alerts/groups",
            "/alertmanager/api/v2/silences",
        ] {
            let call = Call {
                verb: Verb::Get,
                path,
                kind,
                body: &[],
            };
            let _ = ask(api::router(Arc::clone(&manager)), &call);
        }
    },
    seeds: || {
        let v2 = "/alertmanager/api/v2";
        [
            format!("{v2}/alerts\n[{{\"labels\":{{\"alertname\":\"A\",\"severity\":\"critical\"}},\"annotations\":{{\"s\":\"x\"}},\"startsAt\":\"2025-10-14T10:00:00Z\",\"endsAt\":\"2025-10-14T11:00:00+02:00\",\"generatorURL\":\"http://a/\"}}]"),
            format!("{v2}/silences\n{{\"matchers\":[{{\"name\":\"a\",\"value\":\"b.*\",\"isRegex\":true,\"isEqual\":false}}],\"startsAt\":\"2025-10-14T10:00:00Z\",\"endsAt\":\"2025-10-15T10:00:00Z\",\"createdBy\":\"me\",\"comment\":\"c\"}}"),
            format!("{v2}/alerts?filter=a%3D%22b%22&filter=%7Bc!~%22d%22%7D&active=false&receiver=x.*"),
            format!("{v2}/alerts/groups?muted=true&silenced=false&inhibited=0"),
            format!("{v2}/silences?filter=a%3Db"),
            format!("{v2}/silence/00000000-0000-0000-0000-000000000000"),
            "/api/v1/alerts\nalertmanager_config: |\n  route: {receiver: a}\n  receivers: [{name: a}]\n".to_owned(),
            format!("{v2}/status"),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
    words: &[
        "?filter=",
        "\"labels\":{",
        "\"startsAt\":\"",
        "\"endsAt\":\"",
        "\"matchers\":[",
        "\"isRegex\":true",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
        "-009999-01-01T00:00:00Z",
        "\"comment\":",
        "template_files:",
    ],
};
