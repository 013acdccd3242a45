//! Reads scripted responders.

use std::collections::BTreeMap;

use model::{Backend, Diagnosis, Move, Query, Trigger};

use super::actions::is_action;
use super::expectations::{cause, mode, severity};
use super::{Names, optional};
use crate::decode::Decoder;
use crate::keys;
use crate::node::{Node, NodeKind};
use crate::rule::Rule;

/// Reads `responders`: lists of moves by name; `expert` has to be there.
pub(super) fn responders(
    decoder: &mut Decoder,
    node: &Node,
    names: &Names<'_>,
) -> Option<BTreeMap<String, Vec<Move>>> {
    let NodeKind::Map(entries) = &node.kind else {
        return decoder.expected(node, "responders: a map of lists of moves");
    };
    let mut responders = BTreeMap::new();
    let mut whole = true;
    for (name, _, moves) in entries {
        let moves = decoder.some(moves, "a list of moves", |decoder, node| {
            single(decoder, node, names)
        });
        match moves {
            Some(moves) => drop(responders.insert(name.clone(), moves)),
            None => whole = false,
        }
    }
    if !entries.iter().any(|(name, ..)| name == "expert") {
        let message = "`expert` is missing".to_owned();
        let help = "every scenario proves that it can be solved".to_owned();
        let start = node.place.start..node.place.start;
        decoder.problem(Rule::MissingKey, &start, message, Some(help));
        return None;
    }
    whole.then_some(responders)
}

fn single(decoder: &mut Decoder, node: &Node, names: &Names<'_>) -> Option<Move> {
    let (key, place, value) = decoder.one_key(node, "a move")?;
    match key {
        "when" => Some(Move::When(trigger(decoder, value, names)?)),
        "acknowledge" => decoder.nothing(value).map(|()| Move::Acknowledge),
        "declare" => Some(Move::Declare(severity(decoder, value)?)),
        "query" => Some(Move::Query(query(decoder, value, names)?)),
        "diagnose" => Some(Move::Diagnose(diagnosis(decoder, value, names)?)),
        "update" => Some(Move::Update(decoder.text(value, "text")?)),
        "resolve" => decoder.nothing(value).map(|()| Move::Resolve),
        _ if is_action(key) => Some(Move::Act(names.action_of(decoder, key, value)?)),
        _ => {
            let mut known = keys::names(keys::MOVES);
            known.extend(keys::names(keys::ACTIONS));
            decoder.unknown(place, key, "move", &known);
            None
        }
    }
}

fn trigger(decoder: &mut Decoder, node: &Node, names: &Names<'_>) -> Option<Trigger> {
    let (key, place, value) = decoder.one_key(node, "what to wait for")?;
    match key {
        "page" => decoder.nothing(value).map(|()| Trigger::Page),
        "recovered" => decoder.nothing(value).map(|()| Trigger::Recovered),
        "elapsed" => Some(Trigger::Elapsed(decoder.scalar(value)?)),
        "alert" => {
            let alert = decoder.one_of(value, "alert", &names.shop.alerts)?;
            Some(Trigger::Alert(alert.clone()))
        }
        _ => {
            decoder.unknown_key(place, key, "trigger", keys::TRIGGERS);
            None
        }
    }
}

fn query(decoder: &mut Decoder, node: &Node, names: &Names<'_>) -> Option<Query> {
    let (key, place, value) = decoder.one_key(node, "a query by its backend")?;
    let backend = match key {
        "metrics" => Backend::Metrics,
        "logs" => Backend::Logs,
        "traces" => Backend::Traces,
        _ => {
            decoder.unknown_key(place, key, "backend", keys::BACKENDS);
            return None;
        }
    };
    let text = decoder.query(value, backend, names.all.check_query)?;
    Some(Query { backend, text })
}

fn diagnosis(decoder: &mut Decoder, node: &Node, names: &Names<'_>) -> Option<Diagnosis> {
    let mut fields = decoder.fields(
        node,
        "a diagnosis: a map with `cause` and `mode`",
        keys::DIAGNOSIS,
    )?;
    let cause = fields
        .need("cause")
        .and_then(|node| cause(decoder, node, names));
    let mode = fields.need("mode").and_then(|node| mode(decoder, node));
    let impact = optional(decoder, &mut fields, "impact", |decoder, node| {
        names.row(decoder, node)
    });
    fields.finish(decoder);
    Some(Diagnosis {
        cause: cause?,
        mode: mode?,
        impact: impact?,
    })
}
