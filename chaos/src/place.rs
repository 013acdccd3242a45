//! A place within an object, found by keys and by the names of list items.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A place such as `spec.containers[carts].env[PORT].value`: the same thing
/// after others have been put before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Step {
    /// What an object has under this key.
    Key(String),
    /// What has this `name` in a list.
    Item(String),
}

impl Place {
    /// What is under `keys`, one within the other.
    pub(crate) fn of(keys: &[&str]) -> Self {
        Self::default().key(keys)
    }

    /// What this has under `keys`, one within the other.
    pub(crate) fn key(&self, keys: &[&str]) -> Self {
        let keys = keys.iter().map(|key| Step::Key((*key).to_owned()));
        Self(self.0.iter().cloned().chain(keys).collect())
    }

    /// What has that name in this list.
    pub(crate) fn item(&self, name: &str) -> Self {
        let item = Step::Item(name.to_owned());
        Self(self.0.iter().cloned().chain([item]).collect())
    }

    /// What `object` has there.
    pub(crate) fn read<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(object, |at, step| match step {
            Step::Key(key) => at.get(key),
            Step::Item(name) => at.as_array()?.iter().find(|item| item["name"] == **name),
        })
    }

    /// Writes into a strategic merge patch that `value` shall be there, or
    /// nothing.
    pub(crate) fn write(&self, patch: &mut Value, value: Option<&Value>) {
        let mut at = patch;
        for step in &self.0 {
            at = match step {
                Step::Key(key) => under(at, key),
                Step::Item(name) => item(at, name),
            };
        }
        *at = match (value, self.0.last()) {
            (Some(value), _) => value.clone(),
            (None, Some(Step::Item(name))) => json!({"name": name, "$patch": "delete"}),
            (None, _) => Value::Null,
        };
    }
}

/// What is under a key of what becomes an object here.
fn under<'a>(at: &'a mut Value, key: &str) -> &'a mut Value {
    if !at.is_object() {
        *at = Value::Object(Map::new());
    }
    &mut at[key]
}

/// The item of that name in what becomes a list here.
fn item<'a>(at: &'a mut Value, name: &str) -> &'a mut Value {
    if !at.is_array() {
        *at = Value::Array(Vec::new());
    }
    let list = at.as_array().map(Vec::as_slice).unwrap_or_default();
    let place = list.iter().position(|item| item["name"] == name);
    let place = place.unwrap_or(list.len());
    if let Some(list) = at.as_array_mut()
        && place == list.len()
    {
        list.push(json!({"name": name}));
    }
    &mut at[place]
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if n == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Item(name) => write!(f, "[{name}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_wherever_its_item_stands() {
        let port = Place::of(&["containers"])
            .item("carts")
            .key(&["env"])
            .item("PORT");
        let carts =
            json!({"name": "carts", "env": [{"name": "A"}, {"name": "PORT", "value": "80"}]});
        let object = json!({"containers": [{"name": "edge"}, carts]});
        assert_eq!(port.key(&["value"]).read(&object), Some(&json!("80")));
        assert_eq!(port.read(&json!({"containers": []})), None);
        assert_eq!(
            port.key(&["value"]).to_string(),
            "containers[carts].env[PORT].value"
        );
    }

    #[test]
    fn a_patch_has_what_is_changed_and_the_names_on_the_way() {
        let main = Place::of(&["containers"]).item("carts");
        let mut patch = Value::Null;
        main.key(&["image"]).write(&mut patch, Some(&json!("x:2")));
        main.key(&["resources", "limits", "cpu"])
            .write(&mut patch, None);
        main.key(&["env"]).item("MORE").write(&mut patch, None);
        let expected = json!({"containers": [{
            "name": "carts", "image": "x:2", "resources": {"limits": {"cpu": null}},
            "env": [{"name": "MORE", "$patch": "delete"}],
        }]});
        assert_eq!(patch, expected);
    }
}
