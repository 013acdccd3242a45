//! Reads what an author predicts and holds to be right.

use model::{Answer, FailureMode, Hypothesis, Period, ServiceName, Severity, Symptom};

use super::{Names, optional};
use crate::decode::Decoder;
use crate::keys;
use crate::node::Node;

/// How soon the first symptom must show where nothing is authored.
const WITHIN: Period = Period::from_secs(30);

/// Reads `hypothesis`.
pub(super) fn hypothesis(
    decoder: &mut Decoder,
    node: &Node,
    names: &Names<'_>,
) -> Option<Hypothesis> {
    let mut fields = decoder.fields(node, "the hypothesis: a map", keys::HYPOTHESIS)?;
    let symptoms = optional(decoder, &mut fields, "symptoms", |decoder, node| {
        decoder.list(node, "a list of symptoms", |decoder, node| {
            symptom(decoder, node, names)
        })
    });
    let within = optional(decoder, &mut fields, "within", Decoder::positive);
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
    let mut fields = decoder.fields(
        node,
        "a symptom: a map with `slo` or `alert`",
        keys::SYMPTOM,
    )?;
    let alert = fields.take("alert");
    let slo = match alert {
        Some(_) => fields.take("slo"),
        None => fields.need("slo"),
    };
    let below = fields.take("below");
    fields.finish(decoder);
    let Some(alert) = alert else {
        let check = slo.and_then(|node| names.check(decoder, node));
        let below = match below {
            Some(node) => decoder.scalar(node).map(Some),
            None => Some(None),
        };
        return Some(Symptom::Slo {
            check: check?,
            below: below?,
        });
    };
    if let Some(other) = slo.or(below) {
        let message = "an alert fires or does not: `slo` and `below` do not go with it".to_owned();
        return decoder.contradiction(&other.place, message);
    }
    names.alert(decoder, alert).map(Symptom::Alert)
}

/// Reads `answer`.
pub(super) fn answer(decoder: &mut Decoder, node: &Node, names: &Names<'_>) -> Option<Answer> {
    let mut fields = decoder.fields(node, "the answer: a map", keys::ANSWER)?;
    let cause = fields
        .need("cause")
        .and_then(|node| cause(decoder, node, names));
    let mode = fields.need("mode").and_then(|node| mode(decoder, node));
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
        return decoder.contradiction(&node.place_of("mode"), message);
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
