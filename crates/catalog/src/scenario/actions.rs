//! Reads changes to a shop: the runbook's commands.

use model::{Action, ServiceName};

use super::{Names, optional};
use crate::decode::{Decoder, Fields};
use crate::keys;
use crate::node::Node;
use crate::rule::Rule;

impl Names<'_> {
    /// Reads `rollout-restart: payment` and its like.
    pub(super) fn action(&self, decoder: &mut Decoder, node: &Node) -> Option<Action> {
        let (key, place, value) = decoder.one_key(node, "a change to the shop")?;
        if !is_action(key) {
            decoder.unknown_key(place, key, "change to the shop", keys::ACTIONS);
            return None;
        }
        self.action_of(decoder, key, value)
    }

    /// Reads what stands behind one of [`keys::ACTIONS`].
    pub(super) fn action_of(
        &self,
        decoder: &mut Decoder,
        key: &str,
        value: &Node,
    ) -> Option<Action> {
        match key {
            "rollout-restart" => Some(Action::RolloutRestart(self.service(decoder, value)?)),
            "rollout-undo" => Some(Action::RolloutUndo(self.service(decoder, value)?)),
            "delete-pod" => Some(Action::DeletePod(self.service(decoder, value)?)),
            "apply" => Some(Action::Apply(self.service(decoder, value)?)),
            "scale" => self.scale(decoder, value),
            "set-resources" => self.set_resources(decoder, value),
            "autoscale" => self.autoscale(decoder, value),
            _ => self.set_image(decoder, value),
        }
    }

    fn scale(&self, decoder: &mut Decoder, value: &Node) -> Option<Action> {
        let mut fields =
            decoder.fields(value, "a map with `service` and `replicas`", keys::SCALE)?;
        let service = self.service_of(decoder, &mut fields);
        let replicas = count(decoder, &mut fields, "replicas", 0);
        fields.finish(decoder);
        Some(Action::Scale {
            service: service?,
            replicas: replicas?,
        })
    }

    fn set_image(&self, decoder: &mut Decoder, value: &Node) -> Option<Action> {
        let mut fields =
            decoder.fields(value, "a map with `service` and `release`", keys::SET_IMAGE)?;
        let service = self.service_of(decoder, &mut fields);
        let release = super::text(decoder, &mut fields, "release");
        fields.finish(decoder);
        Some(Action::SetImage {
            service: service?,
            release: release?,
        })
    }

    fn set_resources(&self, decoder: &mut Decoder, value: &Node) -> Option<Action> {
        let mut fields = decoder.fields(
            value,
            "a map with `service` and `cpu` or `memory`",
            keys::SET_RESOURCES,
        )?;
        let service = self.service_of(decoder, &mut fields);
        let cpu = optional(decoder, &mut fields, "cpu", |decoder, node| {
            quantity(
                decoder,
                node,
                "a CPU limit such as `200m` or `0.5`",
                &["m", ""],
            )
        });
        let memory = optional(decoder, &mut fields, "memory", |decoder, node| {
            quantity(
                decoder,
                node,
                "a memory limit such as `400Mi`",
                &["Ki", "Mi", "Gi"],
            )
        });
        fields.finish(decoder);
        let (cpu, memory) = (cpu?, memory?);
        if cpu.is_none() && memory.is_none() {
            let message = "`cpu` or `memory` is missing".to_owned();
            let help = "at least one limit has to be set, such as `memory: 400Mi`".to_owned();
            let start = value.place.start..value.place.start;
            decoder.problem(Rule::MissingKey, &start, message, Some(help));
            return None;
        }
        Some(Action::SetResources {
            service: service?,
            cpu,
            memory,
        })
    }

    fn autoscale(&self, decoder: &mut Decoder, value: &Node) -> Option<Action> {
        let mut fields = decoder.fields(
            value,
            "a map with `service`, `min`, `max` and `cpu`",
            keys::AUTOSCALE,
        )?;
        let service = self.service_of(decoder, &mut fields);
        let min = count(decoder, &mut fields, "min", 1);
        let max = count(decoder, &mut fields, "max", 1);
        let cpu = count(decoder, &mut fields, "cpu", 1);
        fields.finish(decoder);
        let (min, max) = (min?, max?);
        if max < min {
            let message = format!("`max` is {max}, less than `min`, which is {min}");
            return decoder.contradiction(&value.place_of("max"), message);
        }
        Some(Action::Autoscale {
            service: service?,
            min,
            max,
            cpu: cpu?,
        })
    }

    fn service_of(&self, decoder: &mut Decoder, fields: &mut Fields<'_>) -> Option<ServiceName> {
        fields
            .need("service")
            .and_then(|node| self.service(decoder, node))
    }
}

/// Whether `key` names a change to a shop.
pub(super) fn is_action(key: &str) -> bool {
    keys::ACTIONS.iter().any(|(name, _)| *name == key)
}

/// A whole number of at most 100 behind `key`.
fn count(
    decoder: &mut Decoder,
    fields: &mut Fields<'_>,
    key: &'static str,
    min: u64,
) -> Option<u32> {
    let node = fields.need(key)?;
    decoder.count(node, min, 100).map(|count| count as u32)
}

/// A positive number with one of `units` behind it.
fn quantity(decoder: &mut Decoder, node: &Node, expected: &str, units: &[&str]) -> Option<String> {
    let text = decoder.text(node, expected)?;
    let number = units.iter().find_map(|unit| {
        let number = text.strip_suffix(unit)?;
        number.parse::<f64>().ok()
    });
    match number {
        Some(number) if number > 0.0 && number.is_finite() => Some(text),
        _ => decoder.wrong(node, expected),
    }
}
