//! The shape of the objects that people write: which fields there are and what stands in them. Pure.
//!
//! Fields that the lab never reads are [`Shape::Any`]: known, so that a typing error is still found, and not looked
//! into.

mod shapes;

use serde_json::Value;

/// What may stand somewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Anything.
    Any,
    Text,
    Whole,
    Flag,
    /// A quantity: `500Mi`, `100m`, `1`.
    Amount,
    /// A number or a name, such as a target port or `25%`.
    WholeOrText,
    /// A map of texts, such as labels.
    Texts,
    /// A map of quantities.
    Amounts,
    /// A list.
    List(&'static Shape),
    /// Fields, and those of them that must be there.
    Fields(&'static [(&'static str, Shape)], &'static [&'static str]),
}

use Shape::{Amount, Amounts, Any, Fields, Flag, List, Text, Texts, Whole, WholeOrText};
pub(crate) use shapes::of;

impl Shape {
    /// What is accepted, for an error.
    pub(crate) fn expected(&self) -> &'static str {
        match self {
            Any => "anything",
            Text => "a text (put it in quotes when it looks like a number or `true`)",
            Whole => "a whole number",
            Flag => "`true` or `false`",
            Amount => "a quantity such as `500Mi`, `100m` or `1`",
            WholeOrText => "a number or a text, such as `80`, `http` or `25%`",
            Texts => "a map of texts, such as `name: orders`",
            Amounts => "a map of quantities, such as `memory: 500Mi`",
            List(_) => "a list (each item begins with `- `)",
            Fields(..) => "a map of fields",
        }
    }

    /// Whether a scalar fits. Containers are looked into by whoever walks them.
    pub(crate) fn fits_scalar(&self, value: &Value) -> bool {
        match self {
            Any => true,
            _ if value.is_null() => true,
            Text => value.is_string(),
            Whole => value.is_i64() || value.is_u64(),
            Flag => value.is_boolean(),
            Amount => match value {
                Value::String(text) => crate::quantity::parse(text).is_some(),
                other => other.is_number(),
            },
            WholeOrText => value.is_string() || value.is_i64() || value.is_u64(),
            Texts | Amounts | List(_) | Fields(..) => false,
        }
    }

    /// The known field that is most like `name`.
    pub(crate) fn nearest(&self, name: &str) -> Option<&'static str> {
        let Fields(fields, _) = self else {
            return None;
        };
        fields
            .iter()
            .map(|(field, _)| {
                (
                    strsim::damerau_levenshtein(&field.to_lowercase(), &name.to_lowercase()),
                    *field,
                )
            })
            .filter(|(distance, field)| *distance <= 1 + field.len() / 4)
            .min()
            .map(|(_, field)| field)
    }
}

/// The paths of fields that a value has and its shape has not.
pub(crate) fn unknown_fields(shape: &Shape, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(shape, value, &mut String::new(), &mut found);
    found
}

fn walk(shape: &Shape, value: &Value, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    match (shape, value) {
        (Fields(fields, _), Value::Object(map)) => {
            for (key, value) in map {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                match fields.iter().find(|(field, _)| field == key) {
                    Some((_, shape)) => walk(shape, value, path, found),
                    None => found.push(path.clone()),
                }
                path.truncate(length);
            }
        }
        (List(shape), Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                path.push_str(&format!("[{at}]"));
                walk(shape, item, path, found);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::Kind;
    use serde_json::json;

    #[test]
    fn unknown_fields_are_found_by_their_path() {
        let object = json!({ "kind": "Deployment", "spec": { "replica": 1, "template": { "spec": {
            "containers": [{ "name": "a", "imag": "b" }] } } } });
        let shape = of(Kind::Deployment);
        assert_eq!(
            unknown_fields(&shape, &object),
            ["spec.replica", "spec.template.spec.containers[0].imag"]
        );
        let spec = Fields(&[("replicas", Whole)], &[]);
        assert_eq!(spec.nearest("replica"), Some("replicas"));
        assert_eq!(spec.nearest("zebra"), None);
    }
}
