//! The forms that occur everywhere in authored files.

use serde_json::{Map, Value, json};

use crate::keys::Keys;

/// A map with `known` keys, of which `required` have to be there. `form` gives
/// the form of each key's value.
pub(super) fn map(
    known: &[(&str, &str)],
    required: &[&str],
    form: impl Fn(&str) -> Value,
) -> Value {
    let properties: Map<String, Value> = known
        .iter()
        .map(|(key, meaning)| ((*key).to_owned(), described(form(key), meaning)))
        .collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// A map with exactly one of the keys of `variants`.
pub(super) fn one_key(variants: &[(&str, &str)], form: impl Fn(&str) -> Value) -> Value {
    let variants: Vec<Value> = variants
        .iter()
        .map(|variant| map(&[*variant], &[variant.0], &form))
        .collect();
    json!({ "oneOf": variants })
}

/// `form` with a description, which editors show.
pub(super) fn described(form: Value, meaning: &str) -> Value {
    let mut described = json!({ "description": meaning });
    if let (Value::Object(all), Value::Object(form)) = (&mut described, form) {
        all.extend(form);
    }
    described
}

/// One of `names`.
pub(super) fn one_of<T: AsRef<str>>(names: &[T]) -> Value {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    json!({ "enum": names })
}

/// The keys of `words`, as a value.
pub(super) fn words(words: Keys) -> Value {
    one_of(&crate::keys::names(words))
}

/// A list of `items`, of which there are at least `least`.
pub(super) fn list(items: &Value, least: u32) -> Value {
    json!({ "type": "array", "items": items, "minItems": least })
}

/// Text; numbers and truth values are taken as they are written.
pub(super) fn text() -> Value {
    json!({ "type": ["string", "number", "boolean"], "minLength": 1 })
}

/// Nothing, or an empty map.
pub(super) fn nothing() -> Value {
    json!({ "type": ["object", "null"], "maxProperties": 0 })
}

/// A length of time.
pub(super) fn period() -> Value {
    json!({
        "type": "string",
        "pattern": "^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$",
        "examples": ["250ms", "20s", "3m", "1m30s"],
    })
}

/// A share.
pub(super) fn share() -> Value {
    json!({ "anyOf": [
        { "type": "string", "pattern": "^(100(\\.0*)?|[0-9]{1,2}(\\.[0-9]+)?) ?%$", "examples": ["50%"] },
        { "type": "number", "minimum": 0, "maximum": 1 },
    ] })
}

/// A whole number between two bounds.
pub(super) fn count(min: u64, max: u64) -> Value {
    json!({ "type": "integer", "minimum": min, "maximum": max })
}

/// What stands in `$defs` under `name`.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}
