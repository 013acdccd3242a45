//! Pod templates: their hash, and Pods made of them. Pure.

use serde_json::{Value, json};
use std::hash::Hasher;

use crate::objects::{Kind, meta};

/// The label that tells the Pods of two templates apart.
pub(super) const HASH: &str = "pod-template-hash";

/// The template without the label that a ReplicaSet adds.
pub(super) fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH);
    }
    template
}

/// The template's hash as it stands in names: letters and digits that make no words. `collisions` tells apart
/// templates that would have the same.
pub(super) fn hash(template: &Value, collisions: i64) -> String {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    feed(&mut hasher, &bare(template));
    hasher.write(&collisions.to_le_bytes());
    let number = hasher.finish();
    let number = (number ^ (number >> 32)) as u32;
    number.to_string().bytes().map(encode).collect()
}

/// A Pod of the template of a `kind` of owner.
pub(super) fn pod(kind: Kind, set: &Value) -> Value {
    let template = &set["spec"]["template"];
    let mut pod = json!({
        "metadata": {
            "generateName": format!("{}-", meta::name(set)),
            "namespace": meta::namespace(set),
            "ownerReferences": [meta::controller_ref(kind, set)],
        },
        "spec": template["spec"],
    });
    for field in ["labels", "annotations"] {
        if let Some(value) = template["metadata"].get(field) {
            pod["metadata"][field] = value.clone();
        }
    }
    pod
}

/// FNV-1a: the hash must be the same in every run.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
}

/// Hashes a value so that the order of its keys does not count.
fn feed(hasher: &mut Fnv, value: &Value) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.keys().collect();
            keys.sort();
            hasher.write(b"{");
            for key in keys {
                hasher.write(key.as_bytes());
                hasher.write(b":");
                feed(hasher, &map[key]);
            }
            hasher.write(b"}");
        }
        Value::Array(items) => {
            hasher.write(b"[");
            items.iter().for_each(|item| feed(hasher, item));
            hasher.write(b"]");
        }
        scalar => hasher.write(scalar.to_string().as_bytes()),
    }
}

fn encode(digit: u8) -> char {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    char::from(ALPHABET[usize::from(digit) % ALPHABET.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_does_not_depend_on_order_or_on_itself() {
        let one = json!({ "metadata": { "labels": { "a": "b", HASH: "x" } }, "spec": { "c": 1 } });
        let other = json!({ "spec": { "c": 1 }, "metadata": { "labels": { "a": "b" } } });
        assert_eq!(hash(&one, 0), hash(&other, 0));
        assert_ne!(hash(&one, 0), hash(&one, 1));
    }
}
