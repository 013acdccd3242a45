//! Reads what an author predicts and holds to be right.

use model::{Answer, FailureMode, Hypothesis, Period, ServiceName, Severity, Symptom};

use super::{Names, optional};
use crate::decode::Decoder;
use crate::node::Node;

/// How soon the first symptom must show where nothing is authored.
const WITHIN: Period = Period::from_secs(30);

/// Reads `hypothesis`.
pub(super) fn hypothesis(
    decoder: &mut Decoder,
    node: &Node,
    names: &Names<'_>,
) -> Option<Hypothesis> {
    let mut fields = decoder.fields(node, "the hypothesis: a map")?;
    let symptoms = optional(decoder, &mut fields, "symptoms", |decoder, node| {
        decoder.list(node, "a list of symptoms", |decoder, node| {
            symptom(decoder, node, names)
        })
    });
    let within = optional(decoder, &mut fields, "within", Decoder::scalar);
    let alerts = optional(decoder, &mut fields, "alerts", |decoder, node| {
        names.alerts(decoder, node)
    });
    let silent = optional(decoder, &mut fields, "silent", |decoder, node| {
        names.alerts(decoder, node)
    });
    let spreads_to = optional(decoder, &mut fields, "spreads-to", |decoder, node| {
        decoder.list(node, "a list of services", |decoder, node| {
            names.service(decoder, node)
        })
    });
    fields.finish(decoder);
    Some(Hypothesis {
        symptoms: symptoms?.unwrap_or_default(),
        within: within?.unwrap_or(WITHIN),
        alerts: alerts?.unwrap_or_default(),
        silent: silent?.unwrap_or_default(),
        spreads_to: spreads_to?.unwrap_or_default(),
    })
}

fn symptom(decoder: &mut Decoder, node: &Node, names: &Names<'_>) -> Option<Symptom> {
    let mut fields = decoder.fields(node, "a symptom: a map with `slo` or `alert`")?;
    if let Some(node) = fields.take("alert") {
        fields.finish(decoder);
        return names.alert(decoder, node).map(Symptom::Alert);
    }
    let check = fields
        .need(decoder, "slo")
        .and_then(|node| names.check(decoder, node));
    let below = optional(decoder, &mut fields, "below", Decoder::scalar);
    fields.finish(decoder);
    Some(Symptom::Slo {
        check: check?,
        below: below?,
    })
}

/// Reads `answer`.
pub(super) fn answer(decoder: &mut Decoder, node: &Node, names: &Names<'_>) -> Option<Answer> {
    let mut fields = decoder.fields(node, "the answer: a map")?;
    let cause = fields
        .need(decoder, "cause")
        .and_then(|node| cause(decoder, node, names));
    let mode = fields
        .need(decoder, "mode")
        .and_then(|node| mode(decoder, node));
    let severity = optional(decoder, &mut fields, "severity", severity);
    let actions = |decoder: &mut Decoder, node: &Node| {
        decoder.list(node, "a list of changes", |decoder, node| {
            names.action(decoder, node)
        })
    };
    let fixes = optional(decoder, &mut fields, "fixes", actions);
    let wrong = optional(decoder, &mut fields, "wrong", actions);
    fields.finish(decoder);
    let (cause, mode) = (cause?, mode?);
    if cause.is_none() != (mode == FailureMode::None) {
        let message = "`cause: none` and `mode: none` go together".to_owned();
        decoder.problem(&node.place, message, None);
        return None;
    }
    let usual = match cause {
        Some(_) => Severity::Page,
        None => Severity::Info,
    };
    Some(Answer {
        cause,
        mode,
        severity: severity?.unwrap_or(usual),
        fixes: fixes?.unwrap_or_default(),
        wrong: wrong?.unwrap_or_default(),
    })
}

/// A service, or `none` where nothing is wrong.
pub(super) fn cause(
    decoder: &mut Decoder,
    node: &Node,
    names: &Names<'_>,
) -> Option<Option<ServiceName>> {
    if decoder.text(node, "a service, or `none`")? == "none" {
        return Some(None);
    }
    names.service(decoder, node).map(Some)
}

/// A word of the vocabulary of failure modes.
pub(super) fn mode(decoder: &mut Decoder, node: &Node) -> Option<FailureMode> {
    let modes: Vec<String> = FailureMode::ALL.iter().map(ToString::to_string).collect();
    let found = decoder.one_of(node, "failure mode", &modes)?;
    FailureMode::ALL
        .into_iter()
        .find(|mode| mode.to_string() == *found)
}

/// `info`, `ticket` or `page`.
pub(super) fn severity(decoder: &mut Decoder, node: &Node) -> Option<Severity> {
    match *decoder.one_of(node, "severity", &["info", "ticket", "page"])? {
        "info" => Some(Severity::Info),
        "ticket" => Some(Severity::Ticket),
        _ => Some(Severity::Page),
    }
}
