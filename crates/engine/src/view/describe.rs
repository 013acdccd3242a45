//! Objects in words, in the manner of `kubectl describe`: here a pod.

mod wider;

use k8s_openapi::api::core::v1::{Container, ContainerState, ContainerStatus, Pod, Probe};

use model::{Period, Timestamp};

use super::EventRow;
use super::rows::{self, statuses};
pub(super) use wider::{deployment, service};

/// Describes `pod`.
pub(super) fn pod(pod: &Pod, now: Timestamp) -> Vec<String> {
    let row = rows::pod(pod, now);
    let mut lines = vec![
        format!("Name:       {}", row.name),
        format!("Status:     {}", row.status),
        format!("IP:         {}", row.address),
        format!("Age:        {}", whole(row.age)),
        String::new(),
        "Containers:".to_owned(),
    ];
    for each in pod.spec.iter().flat_map(|spec| &spec.containers) {
        let status = statuses(pod).iter().find(|status| status.name == each.name);
        container(each, status, &mut lines);
    }
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    lines.extend([String::new(), "Conditions:".to_owned()]);
    for condition in conditions.into_iter().flatten() {
        let why = [condition.reason.as_deref(), condition.message.as_deref()];
        let why: Vec<&str> = why.into_iter().flatten().collect();
        let line = format!(
            "  {:<18} {:<6} {}",
            condition.type_,
            condition.status,
            why.join(": ")
        );
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The Events of an object, under what else is said of it.
pub(super) fn events(events: &[EventRow]) -> Vec<String> {
    let mut lines = vec![String::new(), "Events:".to_owned()];
    if events.is_empty() {
        lines.push("  none".to_owned());
    }
    for event in events {
        let age = format!("{} ago", whole(event.age));
        lines.push(format!(
            "  {:<8} {:<16} {age:<12} {}",
            event.kind, event.reason, event.message
        ));
    }
    lines
}

fn container(container: &Container, status: Option<&ContainerStatus>, lines: &mut Vec<String>) {
    lines.push(format!("  {}:", container.name));
    let mut line =
        |name: &str, text: String| lines.push(format!("    {:<12}{text}", format!("{name}:")));
    line("Image", container.image.clone().unwrap_or_default());
    if let Some(status) = status {
        line("State", state(status.state.as_ref()));
        if status
            .last_state
            .as_ref()
            .is_some_and(|last| *last != ContainerState::default())
        {
            line("Last state", state(status.last_state.as_ref()));
        }
        line("Ready", status.ready.to_string());
        line("Restarts", status.restart_count.to_string());
    }
    if let Some(resources) = &container.resources {
        for (name, quantities) in [
            ("Limits", &resources.limits),
            ("Requests", &resources.requests),
        ] {
            let all = quantities.iter().flatten();
            let all: Vec<String> = all.map(|(name, q)| format!("{name} {}", q.0)).collect();
            if !all.is_empty() {
                line(name, all.join(", "));
            }
        }
    }
    for (name, asked) in [
        ("Liveness", &container.liveness_probe),
        ("Readiness", &container.readiness_probe),
        ("Startup", &container.startup_probe),
    ] {
        if let Some(asked) = asked {
            line(name, probe(asked));
        }
    }
    let variables = container.env.iter().flatten();
    for (index, variable) in variables.enumerate() {
        let name = if index == 0 { "Environment" } else { "" };
        let value = match (&variable.value, &variable.value_from) {
            (Some(value), _) => value.clone(),
            (None, Some(_)) => "(from the pod)".to_owned(),
            (None, None) => String::new(),
        };
        let name = if name.is_empty() {
            String::new()
        } else {
            format!("{name}:")
        };
        lines.push(format!("    {name:<12} {}={value}", variable.name));
    }
}

fn state(state: Option<&ContainerState>) -> String {
    let Some(state) = state else {
        return "unknown".to_owned();
    };
    if let Some(running) = &state.running {
        let since = moment(rows::time(running.started_at.as_ref()));
        return format!("Running since {since}");
    }
    if let Some(waiting) = &state.waiting {
        let why = [waiting.reason.as_deref(), waiting.message.as_deref()];
        let why: Vec<&str> = why.into_iter().flatten().collect();
        return format!("Waiting: {}", why.join(": "));
    }
    match &state.terminated {
        Some(ended) => format!(
            "Terminated: {}, exit code {}, at {}",
            ended.reason.as_deref().unwrap_or("no reason"),
            ended.exit_code,
            moment(rows::time(ended.finished_at.as_ref()))
        ),
        None => "unknown".to_owned(),
    }
}

fn probe(probe: &Probe) -> String {
    let asks = if let Some(http) = &probe.http_get {
        format!("GET {}", http.path.as_deref().unwrap_or("/"))
    } else if probe.tcp_socket.is_some() {
        "TCP connect".to_owned()
    } else {
        "command".to_owned()
    };
    format!(
        "{asks}, every {}s, timeout {}s, {} failures",
        probe.period_seconds.unwrap_or(10),
        probe.timeout_seconds.unwrap_or(1),
        probe.failure_threshold.unwrap_or(3)
    )
}

/// An age in whole seconds.
fn whole(age: Period) -> Period {
    Period::from_secs(age.as_millis() / 1_000)
}

/// `2026-01-01T00:00:00Z`; a dash where it is not known.
fn moment(at: Timestamp) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or_default();
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(at) if millis > 0 => format!("{at:.0}"),
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_description_says_what_the_container_died_of() {
        let crashed: Pod = serde_json::from_value(json!({
            "metadata": { "name": "orders-1", "labels": { "name": "orders" }, "creationTimestamp": "2026-01-01T00:00:00Z" },
            "spec": { "containers": [{ "name": "orders", "image": "orders:v1",
                "resources": { "limits": { "memory": "500Mi" } },
                "livenessProbe": { "httpGet": { "path": "/health", "port": 80 }, "periodSeconds": 3 },
                "env": [{ "name": "PORT", "value": "80" }, { "name": "POD_IP", "valueFrom": {} }] }] },
            "status": { "podIP": "127.1.0.9",
                "conditions": [{ "type": "Ready", "status": "False", "reason": "ContainersNotReady" }],
                "containerStatuses": [{ "name": "orders", "restartCount": 3, "ready": false, "image": "", "imageID": "",
                    "state": { "waiting": { "reason": "CrashLoopBackOff" } },
                    "lastState": { "terminated": { "exitCode": 1, "reason": "Error", "finishedAt": "2026-01-01T00:01:00Z" } } }] }
        }))
        .expect("a pod");
        let backoff = EventRow {
            age: Period::from_millis(61_500),
            kind: "Warning".to_owned(),
            reason: "BackOff".to_owned(),
            object: "pod/orders-1".to_owned(),
            message: "Back-off restarting failed container".to_owned(),
        };
        let now = Timestamp::from_millis(1_767_225_720_000);
        let mut lines = pod(&crashed, now);
        lines.extend(events(&[backoff]));
        let text = lines.join("\n");
        assert_eq!(
            text,
            "Name:       orders-1
Status:     CrashLoopBackOff
IP:         127.1.0.9
Age:        2m

Containers:
  orders:
    Image:      orders:v1
    State:      Waiting: CrashLoopBackOff
    Last state: Terminated: Error, exit code 1, at 2026-01-01T00:01:00Z
    Ready:      false
    Restarts:   3
    Limits:     memory 500Mi
    Liveness:   GET /health, every 3s, timeout 1s, 3 failures
    Environment: PORT=80
                 POD_IP=(from the pod)

Conditions:
  Ready              False  ContainersNotReady

Events:
  Warning  BackOff          1m1s ago     Back-off restarting failed container"
        );
    }
}
