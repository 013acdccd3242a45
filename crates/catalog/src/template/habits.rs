//! What a fault usually means: proposals for a new scenario, to be changed.

use model::{ArgKind, ArgSpec, FailureMode, FaultSpec, ServiceName};

/// What is probably right where a fault of a kind is injected.
pub(super) struct Habit {
    /// The service at fault; where nothing is wrong, the one that looks so.
    pub(super) cause: ServiceName,
    pub(super) mode: FailureMode,
    /// Changes as they are authored.
    pub(super) fixes: Vec<String>,
}

/// What usually goes with `spec` in a shop of `services`. Kinds that are not
/// named here are taken for errors that a restart ends.
pub(super) fn of(spec: &FaultSpec, services: &[ServiceName]) -> Habit {
    use FailureMode as M;
    let cause = victim(spec, services);
    let (mode, fixes): (M, &[&str]) = match spec.kind {
        "hang" => (M::Hang, &["rollout-restart", "delete-pod"]),
        "freeze" => (M::Freeze, &["delete-pod", "rollout-restart"]),
        "crash" => (M::Crash, &["delete-pod", "rollout-restart"]),
        "kill-pod" => (M::Crash, &[]),
        "crash-loop" | "misconfigure" | "failing-probe" | "impatient-probe" => {
            (M::Misconfigured, &["rollout-undo", "apply"])
        }
        "wrong-port" | "queue-limit" => (M::Misconfigured, &["apply"]),
        "autoscaler" => (M::Misconfigured, &["autoscale"]),
        "latency" | "blackhole" | "refuse" | "reset" => {
            (M::Network, &["delete-pod", "rollout-restart"])
        }
        "scale-to-zero" => (M::ScaledDown, &["scale"]),
        "memory-leak" => (M::OutOfMemory, &["rollout-restart", "delete-pod"]),
        "cpu-hog" | "exhaust-pool" => (M::Saturated, &["rollout-restart", "delete-pod"]),
        "starve" => (M::Saturated, &["rollout-undo", "apply"]),
        "flood" => (M::Saturated, &["autoscale", "scale"]),
        "slow-answers" | "slow-queries" => (M::Latency, &["rollout-restart", "delete-pod"]),
        "missing-image" | "bad-release" => (M::BadRelease, &["rollout-undo"]),
        "lose-scrape-target" => (M::Monitoring, &["apply", "rollout-undo"]),
        "clock-skew" => (M::Misconfigured, &["rollout-restart", "delete-pod"]),
        "noise" => (M::None, &[]),
        _ => (M::Errors, &["rollout-restart", "delete-pod"]),
    };
    Habit {
        fixes: fixes.iter().map(|fix| change(fix, &cause)).collect(),
        cause,
        mode,
    }
}

fn change(key: &str, service: &ServiceName) -> String {
    match key {
        "scale" => format!("{{ scale: {{ service: {service}, replicas: 1 }} }}"),
        "autoscale" => {
            format!("{{ autoscale: {{ service: {service}, min: 1, max: 3, cpu: 70 }} }}")
        }
        _ => format!("{{ {key}: {service} }}"),
    }
}

/// The part that is at fault: the fault's first argument that names one.
fn victim(spec: &FaultSpec, services: &[ServiceName]) -> ServiceName {
    let named = spec.args.iter().find(|arg| arg.kind == ArgKind::Service);
    named.map_or_else(
        || among(&["front-end"], services),
        |arg| service(spec, arg, services),
    )
}

/// The part that `arg` names in a new scenario.
fn service(spec: &FaultSpec, arg: &ArgSpec, services: &[ServiceName]) -> ServiceName {
    let wanted: &[&str] = match (spec.kind, arg.name) {
        (_, "from") => &["orders"],
        ("queue-limit", _) => &["rabbitmq"],
        ("slow-queries", _) => &["catalogue-db"],
        ("exhaust-pool" | "starve", _) => &["catalogue"],
        _ => &["payment"],
    };
    among(wanted, services)
}

/// The first of `wanted` that exists, or the first of all.
fn among(wanted: &[&str], services: &[ServiceName]) -> ServiceName {
    let found = wanted
        .iter()
        .find_map(|name| services.iter().find(|known| *known == name));
    found.or(services.first()).cloned().unwrap_or_default()
}

/// The arguments of `spec` as they are authored, without those that may be left out.
pub(super) fn arguments(spec: &FaultSpec, services: &[ServiceName]) -> String {
    let needed = spec
        .args
        .iter()
        .filter(|arg| arg.default.is_none() || matches!(arg.kind, ArgKind::Amount { .. }));
    let written: Vec<String> = needed
        .map(|arg| format!("{}: {}", arg.name, value(spec, arg, services)))
        .collect();
    written.join(", ")
}

fn value(spec: &FaultSpec, arg: &ArgSpec, services: &[ServiceName]) -> String {
    match arg.kind {
        ArgKind::Service => service(spec, arg, services).to_string(),
        ArgKind::Period { min_ms, max_ms } => {
            model::Period::from_millis(2_000.clamp(min_ms, max_ms)).to_string()
        }
        ArgKind::Ratio => "50%".to_owned(),
        ArgKind::Count { min, max } => match arg.name {
            "max" => 3.clamp(min, max).to_string(),
            _ => min.to_string(),
        },
        ArgKind::Amount { unit, min, max } => format!("{}{unit}", 64.clamp(min, max)),
        ArgKind::Choice(words) => words.first().copied().unwrap_or_default().to_owned(),
        ArgKind::Text => match arg.name {
            "queue" => "shipping-task",
            "env" => "PORT",
            "release" => "v1.0.1",
            _ => "changed",
        }
        .to_owned(),
    }
}
