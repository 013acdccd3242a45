//! The schema of scenarios.

use model::{ArgKind, FailureMode, FaultSpec};
use serde_json::{Map, Value, json};

use super::Names;
use super::forms::{
    count, described, list, map, nothing, one_key, one_of, period, reference, share, text,
};
use crate::keys;

/// A scenario; it refers to [`definitions`].
pub(super) fn scenario(names: &Names<'_>) -> Value {
    const NEEDED: [&str; 9] = [
        "name",
        "title",
        "shop",
        "level",
        "briefing",
        "load",
        "steady-state",
        "hypothesis",
        "answer",
    ];
    let mut required = NEEDED.to_vec();
    required.push("responders");
    map(keys::SCENARIO, &required, |key| match key {
        "name" => json!({ "type": "string", "pattern": "^[a-z0-9-]+$" }),
        "shop" => one_of(&names.shops),
        "matrix" => reference("row"),
        "level" => count(1, 5),
        "load" => one_key(keys::LOADS, |_| {
            map(keys::LOAD, &["users"], |_| count(1, 5_000))
        }),
        "steady-state" => list(&reference("check"), 1),
        "timeline" => list(&reference("step"), 0),
        "hypothesis" => hypothesis(),
        "answer" => answer(),
        "hints" => list(&hint(), 0),
        "responders" => json!({
            "type": "object",
            "required": ["expert"],
            "additionalProperties": list(&reference("move"), 1),
        }),
        "pass-mark" => count(1, 100),
        "time-limit" | "recovery-window" => period(),
        _ => text(),
    })
}

/// What stands in `$defs`.
pub(super) fn definitions(names: &Names<'_>) -> Value {
    json!({
        "service": one_of(&names.services),
        "cause": { "anyOf": [{ "const": "none" }, reference("service")] },
        "alert": one_of(&names.alerts),
        "check": one_of(&names.checks),
        "row": one_of(&names.rows),
        "severity": { "enum": ["info", "ticket", "page"] },
        "mode": mode(),
        "fault": fault(&names.all.faults),
        "change": change(),
        "step": step(),
        "move": a_move(),
    })
}

fn mode() -> Value {
    let modes: Vec<Value> = FailureMode::ALL
        .iter()
        .map(|mode| json!({ "const": mode.to_string(), "description": mode.meaning() }))
        .collect();
    json!({ "oneOf": modes })
}

fn fault(specs: &[FaultSpec]) -> Value {
    let variants: Vec<Value> = specs
        .iter()
        .map(|spec| map(&[(spec.kind, spec.summary)], &[spec.kind], |_| args(spec)))
        .collect();
    json!({ "oneOf": variants })
}

fn args(spec: &FaultSpec) -> Value {
    let properties: Map<String, Value> = spec
        .args
        .iter()
        .map(|arg| {
            let mut form = described(argument(arg.kind), arg.help);
            if let (Value::Object(form), Some(default)) = (&mut form, arg.default)
                && !default.is_empty()
            {
                let number = matches!(arg.kind, ArgKind::Count { .. });
                let parsed = default.parse::<u64>().ok().filter(|_| number);
                let default = parsed.map_or_else(|| default.into(), Value::from);
                form.insert("default".to_owned(), default);
            }
            (arg.name.to_owned(), form)
        })
        .collect();
    let required: Vec<&str> = spec
        .args
        .iter()
        .filter(|arg| arg.default.is_none())
        .map(|arg| arg.name)
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// A schema cannot compare lengths of time: their bounds stand in a note.
fn argument(kind: ArgKind) -> Value {
    match kind {
        ArgKind::Service => reference("service"),
        ArgKind::Period { .. } => {
            let mut form = period();
            if let Value::Object(form) = &mut form {
                form.insert("$comment".to_owned(), kind.expected().into());
            }
            form
        }
        ArgKind::Ratio => share(),
        ArgKind::Count { min, max } => count(min, max),
        ArgKind::Amount { unit, .. } => json!({
            "type": "string",
            "pattern": format!("^[0-9]+{unit}$"),
            "$comment": kind.expected(),
        }),
        ArgKind::Choice(words) => one_of(words),
        ArgKind::Text => text(),
    }
}

fn change_variant(key: &str) -> Value {
    let service = || reference("service");
    match key {
        "scale" => map(keys::SCALE, &["service", "replicas"], |key| match key {
            "service" => service(),
            _ => count(0, 100),
        }),
        "set-image" => map(keys::SET_IMAGE, &["service", "release"], |key| match key {
            "service" => service(),
            _ => text(),
        }),
        "set-resources" => set_resources(),
        "autoscale" => {
            let needed = keys::names(keys::AUTOSCALE);
            map(keys::AUTOSCALE, &needed, |key| match key {
                "service" => service(),
                _ => count(1, 100),
            })
        }
        _ => service(),
    }
}

fn set_resources() -> Value {
    let mut form = map(keys::SET_RESOURCES, &["service"], |key| match key {
        "service" => reference("service"),
        "cpu" => json!({ "type": ["string", "number"], "pattern": "^[0-9]+(\\.[0-9]+)?m?$" }),
        _ => json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?(Ki|Mi|Gi)$" }),
    });
    if let Value::Object(form) = &mut form {
        form.insert(
            "anyOf".to_owned(),
            json!([{ "required": ["cpu"] }, { "required": ["memory"] }]),
        );
    }
    form
}

fn change() -> Value {
    one_key(keys::ACTIONS, change_variant)
}

fn step() -> Value {
    let mut form = map(keys::STEP, &["at"], |key| match key {
        "inject" => reference("fault"),
        "change" => reference("change"),
        _ => period(),
    });
    if let Value::Object(form) = &mut form {
        let either = json!([{ "required": ["inject"] }, { "required": ["change"] }]);
        form.insert("oneOf".to_owned(), either);
        form.insert("dependentRequired".to_owned(), json!({ "for": ["inject"] }));
    }
    form
}

fn hypothesis() -> Value {
    let alerts = || list(&reference("alert"), 0);
    map(keys::HYPOTHESIS, &[], |key| match key {
        "symptoms" => list(&symptom(), 0),
        "within" => period(),
        "spreads-to" => list(&reference("service"), 0),
        _ => alerts(),
    })
}

fn symptom() -> Value {
    let mut form = map(keys::SYMPTOM, &[], |key| match key {
        "slo" => reference("check"),
        "below" => share(),
        _ => reference("alert"),
    });
    if let Value::Object(form) = &mut form {
        let either = json!([{ "required": ["slo"] }, { "required": ["alert"] }]);
        form.insert("oneOf".to_owned(), either);
        form.insert("dependentRequired".to_owned(), json!({ "below": ["slo"] }));
    }
    form
}

fn answer() -> Value {
    map(keys::ANSWER, &["cause", "mode"], |key| match key {
        "cause" | "mode" | "severity" => reference(key),
        _ => list(&reference("change"), 0),
    })
}

fn hint() -> Value {
    map(keys::HINT, &keys::names(keys::HINT), |key| match key {
        "after" => period(),
        "cost" => count(0, 100),
        _ => text(),
    })
}

fn a_move() -> Value {
    let mut variants = keys::MOVES.to_vec();
    variants.extend(keys::ACTIONS);
    one_key(&variants, |key| match key {
        "when" => one_key(keys::TRIGGERS, |key| match key {
            "alert" => reference("alert"),
            "elapsed" => period(),
            _ => nothing(),
        }),
        "acknowledge" | "resolve" => nothing(),
        "declare" => reference("severity"),
        "query" => one_key(keys::BACKENDS, |_| text()),
        "diagnose" => map(keys::DIAGNOSIS, &["cause", "mode"], |key| match key {
            "impact" => reference("row"),
            _ => reference(key),
        }),
        "update" => text(),
        change => change_variant(change),
    })
}
