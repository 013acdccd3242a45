//! Arguments of a fault: checked against its spec, completed with its defaults.

use model::{ArgKind, ArgSpec, FaultSpec, Period, Ratio, ServiceName};
use serde::Deserialize;
use serde_json::{Map, Number, Value};

use crate::ChaosError;

/// Arguments of a fault that needs no more than its service.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OneService {
    pub(crate) service: ServiceName,
}

/// The argument `service`, which is required: whom the fault hits, as `help` says.
pub(crate) const fn service(help: &'static str) -> ArgSpec {
    ArgSpec {
        name: "service",
        kind: ArgKind::Service,
        default: None,
        help,
    }
}

/// The arguments as the fault's own type reads them: periods and shares as
/// text, counts and amounts as numbers, defaults filled in.
///
/// # Errors
/// [`ChaosError::Argument`] names the first one that is missing, unknown or out of bounds.
pub(crate) fn check(
    spec: &FaultSpec,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>, ChaosError> {
    let wrong = |arg: &str, problem: String| ChaosError::Argument {
        kind: spec.kind,
        arg: arg.to_owned(),
        problem,
    };
    if let Some(unknown) = given
        .keys()
        .find(|name| spec.args.iter().all(|arg| arg.name != name.as_str()))
    {
        let known: Vec<&str> = spec.args.iter().map(|arg| arg.name).collect();
        let problem = format!("is not one of its arguments: {}", known.join(", "));
        return Err(wrong(unknown, problem));
    }
    let mut checked = Map::new();
    for arg in spec.args {
        let default = || arg.default.map(Value::from);
        let value = given.get(arg.name).cloned().or_else(default);
        if arg.may_be_absent() && value.as_ref().is_some_and(|value| value == "") {
            continue;
        }
        let value = value.ok_or_else(|| wrong(arg.name, format!("is missing: {}", arg.help)))?;
        let value = check_one(arg, &value).map_err(|problem| wrong(arg.name, problem))?;
        checked.insert(arg.name.to_owned(), value);
    }
    Ok(checked)
}

fn check_one(arg: &ArgSpec, value: &Value) -> Result<Value, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => return Err(format!("is {other}; expected {}", arg.help)),
    };
    match arg.kind {
        ArgKind::Service if text.is_empty() => Err("is empty; expected a service".to_owned()),
        ArgKind::Service | ArgKind::Text => Ok(text.into()),
        ArgKind::Ratio => match text.parse::<Ratio>() {
            Ok(_) => Ok(text.into()),
            Err(error) => Err(format!("is wrong: {error}")),
        },
        ArgKind::Period { min_ms, max_ms } => {
            let period: Period = text.parse().map_err(|error| format!("is wrong: {error}"))?;
            within(period.as_millis(), min_ms, max_ms)
                .then(|| text.clone().into())
                .ok_or_else(|| {
                    let (min, max) = (Period::from_millis(min_ms), Period::from_millis(max_ms));
                    format!("is {text}; expected {min} to {max}")
                })
        }
        ArgKind::Amount { .. } => {
            let amount = arg.kind.amount(&text);
            let number = amount.map(|amount| Value::Number(Number::from(amount)));
            number.ok_or_else(|| format!("is {text}; expected {}", arg.kind.expected()))
        }
        ArgKind::Choice(words) if words.contains(&text.as_str()) => Ok(text.into()),
        ArgKind::Choice(_) => Err(format!("is {text}; expected {}", arg.kind.expected())),
        ArgKind::Count { min, max } => {
            let problem = || format!("is {text}; expected a whole number from {min} to {max}");
            let count: u64 = text.parse().map_err(|_| problem())?;
            within(count, min, max)
                .then(|| Value::Number(Number::from(count)))
                .ok_or_else(problem)
        }
    }
}

fn within(value: u64, min: u64, max: u64) -> bool {
    (min..=max).contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SPEC: FaultSpec = FaultSpec {
        kind: "sample",
        summary: "",
        recovery: "",
        args: &[
            ArgSpec {
                name: "service",
                kind: ArgKind::Service,
                default: None,
                help: "the service",
            },
            ArgSpec {
                name: "times",
                kind: ArgKind::Count { min: 1, max: 5 },
                default: Some("3"),
                help: "how often",
            },
            ArgSpec {
                name: "delay",
                kind: ArgKind::Period {
                    min_ms: 1,
                    max_ms: 60_000,
                },
                default: Some("1s"),
                help: "how long",
            },
            ArgSpec {
                name: "memory",
                kind: ArgKind::Amount {
                    unit: "Mi",
                    min: 4,
                    max: 100,
                },
                default: Some(""),
                help: "how much",
            },
            ArgSpec {
                name: "probe",
                kind: ArgKind::Choice(&["liveness", "readiness"]),
                default: Some("liveness"),
                help: "which",
            },
        ],
    };

    #[test]
    fn defaults_are_filled_in_and_numbers_become_numbers() {
        let given = json!({"service": "payment", "delay": "250ms"});
        let checked = check(&SPEC, given.as_object().expect("map")).expect("good");
        assert_eq!(
            Value::Object(checked),
            json!({"service": "payment", "times": 3, "delay": "250ms", "probe": "liveness"})
        );
        let given = json!({"service": "payment", "memory": "64Mi"});
        let checked = check(&SPEC, given.as_object().expect("map")).expect("good");
        assert_eq!(checked["memory"], 64);
    }

    #[test]
    fn a_wrong_argument_is_named_with_what_is_accepted() {
        for (given, problem) in [
            (json!({}), "`service` is missing: the service"),
            (
                json!({"service": "a", "time": 3}),
                "`time` is not one of its arguments: service, times, delay, memory, probe",
            ),
            (
                json!({"service": "a", "times": 9}),
                "`times` is 9; expected a whole number from 1 to 5",
            ),
            (
                json!({"service": "a", "delay": "2h"}),
                "`delay` is 2h; expected 1ms to 1m",
            ),
            (
                json!({"service": "a", "memory": "64"}),
                "`memory` is 64; expected a whole number with its unit, from 4Mi to 100Mi",
            ),
            (
                json!({"service": "a", "probe": "startup"}),
                "`probe` is startup; expected one of liveness, readiness",
            ),
            (json!({"service": "a", "delay": true}), "`delay` is true"),
            (json!({"service": "a", "delay": "long"}), "`long` is not"),
        ] {
            let error = check(&SPEC, given.as_object().expect("map")).expect_err(problem);
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}
