//! Reads changes to a shop: the runbook's commands.

use model::{Action, ServiceName};

use super::{Names, optional};
use crate::decode::{Decoder, Fields};
use crate::node::Node;

/// The keys of changes to a shop.
pub(super) const ACTIONS: [&str; 8] = [
    "rollout-restart",
    "rollout-undo",
    "delete-pod",
    "scale",
    "set-image",
    "set-resources",
    "autoscale",
    "apply",
];

impl Names<'_> {
    /// Reads `rollout-restart: payment` and its like.
    pub(super) fn action(&self, decoder: &mut Decoder, node: &Node) -> Option<Action> {
        let (key, place, value) = decoder.one_key(node, "a change to the shop")?;
        match ACTIONS.iter().find(|action| **action == key) {
            Some(_) => self.action_of(decoder, key, value),
            None => {
                decoder.unknown(place, key, "change to the shop", &ACTIONS);
                None
            }
        }
    }

    /// Reads what stands behind one of [`ACTIONS`].
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
        let mut fields = decoder.fields(value, "a map with `service` and `replicas`")?;
        let service = self.service_of(decoder, &mut fields);
        let replicas = count(decoder, &mut fields, "replicas", 0);
        fields.finish(decoder);
        Some(Action::Scale {
            service: service?,
            replicas: replicas?,
        })
    }

    fn set_image(&self, decoder: &mut Decoder, value: &Node) -> Option<Action> {
        let mut fields = decoder.fields(value, "a map with `service` and `release`")?;
        let service = self.service_of(decoder, &mut fields);
        let release = super::text(decoder, &mut fields, "release");
        fields.finish(decoder);
        Some(Action::SetImage {
            service: service?,
            release: release?,
        })
    }

    fn set_resources(&self, decoder: &mut Decoder, value: &Node) -> Option<Action> {
        let mut fields = decoder.fields(value, "a map with `service` and `cpu` or `memory`")?;
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
            decoder.problem(&value.place, message, None);
            return None;
        }
        Some(Action::SetResources {
            service: service?,
            cpu,
            memory,
        })
    }

    fn autoscale(&self, decoder: &mut Decoder, value: &Node) -> Option<Action> {
        let mut fields = decoder.fields(value, "a map with `service`, `min`, `max` and `cpu`")?;
        let service = self.service_of(decoder, &mut fields);
        let min = count(decoder, &mut fields, "min", 1);
        let max = count(decoder, &mut fields, "max", 1);
        let cpu = count(decoder, &mut fields, "cpu", 1);
        fields.finish(decoder);
        let (min, max) = (min?, max?);
        if max < min {
            let message = format!("`max` is {max}, less than `min`, which is {min}");
            decoder.problem(&value.place, message, None);
            return None;
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
            .need(decoder, "service")
            .and_then(|node| self.service(decoder, node))
    }
}

/// A whole number of at most 100 behind `key`.
fn count(
    decoder: &mut Decoder,
    fields: &mut Fields<'_>,
    key: &'static str,
    min: u64,
) -> Option<u32> {
    let node = fields.need(decoder, key)?;
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
        _ => decoder.expected(node, expected),
    }
}
