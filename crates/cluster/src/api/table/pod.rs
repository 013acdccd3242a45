//! The columns of Pods.

use jiff::Timestamp;
use serde_json::Value;

use super::age::short;
use super::columns::{AGE, Column, NAME, or_none, text, wide};
use crate::objects::meta;

/// READY, STATUS, RESTARTS and the rest.
pub(super) fn columns() -> Vec<Column> {
    vec![
        NAME,
        text("Ready", |o, _| {
            let statuses = meta::items(o, "/status/containerStatuses");
            let ready = statuses
                .iter()
                .filter(|status| status["ready"] == true)
                .count();
            format!("{ready}/{}", meta::items(o, "/spec/containers").len()).into()
        }),
        text("Status", |o, _| pod_status(o).into()),
        text("Restarts", |o, now| restarts(o, now).into()),
        AGE,
        wide(text("IP", |o, _| or_none(meta::text(o, "/status/podIP")))),
        wide(text("Node", |o, _| {
            or_none(meta::text(o, "/spec/nodeName"))
        })),
        wide(text("Nominated Node", |o, _| {
            or_none(meta::text(o, "/status/nominatedNodeName"))
        })),
        wide(text("Readiness Gates", |_, _| or_none(""))),
    ]
}

/// What `kubectl get pods` says of a Pod: the most telling reason, not the phase.
fn pod_status(pod: &Value) -> String {
    let mut said = meta::text(pod, "/status/reason").to_owned();
    if said.is_empty() {
        said = meta::text(pod, "/status/phase").to_owned();
    }
    let reason = |state: &Value| -> Option<String> {
        let waiting = meta::text(state, "/waiting/reason");
        if !waiting.is_empty() {
            return Some(waiting.to_owned());
        }
        let ended = state.get("terminated")?;
        let reason = meta::text(ended, "/reason");
        if !reason.is_empty() {
            return Some(reason.to_owned());
        }
        match ended["signal"].as_i64() {
            Some(signal) if signal != 0 => Some(format!("Signal:{signal}")),
            _ => Some(format!("ExitCode:{}", ended["exitCode"])),
        }
    };
    let inits = meta::items(pod, "/status/initContainerStatuses");
    let unfinished = inits
        .iter()
        .position(|status| status["state"]["terminated"]["exitCode"] != 0);
    if let Some(at) = unfinished {
        let state = &inits[at]["state"];
        said = match reason(state).filter(|reason| reason != "PodInitializing") {
            Some(reason) => format!("Init:{reason}"),
            None => format!("Init:{at}/{}", inits.len()),
        };
    } else {
        let statuses = meta::items(pod, "/status/containerStatuses");
        let mut running = false;
        for status in statuses.iter().rev() {
            let state = &status["state"];
            if let Some(reason) = reason(state) {
                said = reason;
            } else if status["ready"] == true && state.get("running").is_some() {
                running = true;
            }
        }
        if said == "Completed" && running {
            said = if meta::condition_is_true(pod, "Ready") {
                "Running"
            } else {
                "NotReady"
            }
            .to_owned();
        }
    }
    if meta::is_terminating(pod) {
        said = "Terminating".to_owned();
    }
    said
}

fn restarts(pod: &Value, now: Timestamp) -> String {
    let statuses = meta::items(pod, "/status/containerStatuses");
    let count: i64 = statuses
        .iter()
        .map(|status| status["restartCount"].as_i64().unwrap_or(0))
        .sum();
    let last = statuses
        .iter()
        .filter_map(|status| {
            meta::text(status, "/lastState/terminated/finishedAt")
                .parse::<Timestamp>()
                .ok()
        })
        .max();
    match last {
        Some(last) if count > 0 => format!(
            "{count} ({} ago)",
            short(now.as_second() - last.as_second())
        ),
        _ => count.to_string(),
    }
}
