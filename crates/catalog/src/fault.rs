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
