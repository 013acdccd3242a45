//! Reads a fault against the description of its kind.

use model::{ArgKind, ArgSpec, Fault, FaultSpec, Period, Ratio, ServiceName};
use serde_json::{Map, Value};

use crate::decode::Decoder;
use crate::node::Node;

/// Reads `hang: { service: payment }`.
pub(crate) fn fault(
    decoder: &mut Decoder,
    node: &Node,
    specs: &[FaultSpec],
    services: &[ServiceName],
) -> Option<Fault> {
    let (kind, place, value) = decoder.one_key(node, "a fault")?;
    let Some(spec) = specs.iter().find(|spec| spec.kind == kind) else {
        let kinds: Vec<&str> = specs.iter().map(|spec| spec.kind).collect();
        decoder.unknown(place, kind, "fault", &kinds);
        return None;
    };
    let known: Vec<(&str, &str)> = spec.args.iter().map(|arg| (arg.name, arg.help)).collect();
    let mut fields = decoder.fields(value, "the fault's arguments: a map", &known)?;
    let mut args = Map::new();
    let mut whole = true;
    for arg in spec.args {
        let given = match arg.default {
            None => fields.need(arg.name),
            Some(_) => fields.take(arg.name),
        };
        let value = match (given, arg.default) {
            (Some(node), _) => argument(decoder, node, arg, services),
            (None, _) if arg.may_be_absent() => continue,
            (None, Some(default)) => Some(of_default(arg.kind, default)),
            (None, None) => None,
        };
        match value {
            Some(value) => {
                args.insert(arg.name.to_owned(), value);
            }
            None => whole = false,
        }
    }
    fields.finish(decoder);
    whole.then(|| Fault {
        kind: kind.to_owned(),
        args,
    })
}

fn argument(
    decoder: &mut Decoder,
    node: &Node,
    arg: &ArgSpec,
    services: &[ServiceName],
) -> Option<Value> {
    match arg.kind {
        ArgKind::Service => {
            let service = decoder.one_of(node, "service", services)?;
            Some(service.as_str().into())
        }
        ArgKind::Period { min_ms, max_ms } => {
            let period: Period = decoder.scalar(node)?;
            let (min, max) = (Period::from_millis(min_ms), Period::from_millis(max_ms));
            if period < min || period > max {
                return decoder.wrong(node, &arg.kind.expected());
            }
            Some(period.to_string().into())
        }
        ArgKind::Ratio => Some(decoder.scalar::<Ratio>(node)?.to_string().into()),
        ArgKind::Count { min, max } => Some(decoder.count(node, min, max)?.into()),
        ArgKind::Amount { .. } => {
            let text = decoder.text(node, &arg.kind.expected())?;
            match arg.kind.amount(&text) {
                Some(_) => Some(text.into()),
                None => decoder.wrong(node, &arg.kind.expected()),
            }
        }
        ArgKind::Choice(words) => Some((*decoder.one_of(node, arg.name, words)?).into()),
        ArgKind::Text => Some(decoder.text(node, arg.help)?.into()),
    }
}

/// A default as the argument's kind wants it.
fn of_default(kind: ArgKind, default: &str) -> Value {
    match kind {
        ArgKind::Count { .. } => default
            .parse::<u64>()
            .map_or_else(|_| default.into(), Value::from),
        _ => default.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::decode::document;
    use crate::problem::Source;

    const MEMORY: ArgKind = ArgKind::Amount {
        unit: "Mi",
        min: 1,
        max: 512,
    };

    const fn arg(name: &'static str, kind: ArgKind, default: Option<&'static str>) -> ArgSpec {
        ArgSpec {
            name,
            kind,
            default,
            help: "",
        }
    }

    const ARGS: &[ArgSpec] = &[
        arg("probe", ArgKind::Choice(&["liveness", "readiness"]), None),
        arg("memory", MEMORY, Some("")),
    ];

    fn read(text: &str) -> Result<Fault, String> {
        let spec = FaultSpec {
            kind: "sample",
            summary: "",
            recovery: "",
            args: ARGS,
        };
        let source = Source::new("a.yaml".to_owned(), text);
        let read = document(&source, |decoder, node| fault(decoder, node, &[spec], &[]));
        read.result().map_err(|problems| problems.to_string())
    }

    #[test]
    fn amounts_and_choices_are_read_and_what_may_be_absent_is_left_out() {
        for (text, args) in [
            ("sample: { probe: liveness }", json!({"probe": "liveness"})),
            (
                "sample: { probe: readiness, memory: 64Mi }",
                json!({"probe": "readiness", "memory": "64Mi"}),
            ),
        ] {
            let read = read(text).map(|fault| Value::Object(fault.args));
            assert_eq!(read, Ok(args), "{text}");
        }
    }

    #[test]
    fn a_wrong_amount_or_choice_is_told_with_what_is_accepted() {
        for (text, problem) in [
            (
                "sample: { probe: liveness, memory: 64 }",
                "expected a whole number with its unit, from 1Mi to 512Mi",
            ),
            (
                "sample: { probe: liveness, memory: 513Mi }",
                "from 1Mi to 512Mi",
            ),
            ("sample: { probe: liveliness }", "liveness"),
        ] {
            let problems = read(text).err().unwrap_or_default();
            assert!(problems.contains(problem), "{text}: {problems}");
        }
    }
}
