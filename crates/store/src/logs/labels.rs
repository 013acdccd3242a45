//! Label sets: sorted, unique names with their values, written as Loki writes them.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value};

/// A sorted set of labels. Ordered and hashed by content, so that it can be a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Vec<(String, String)>);

impl Labels {
    /// Sorts `pairs` by name; of pairs with one name the last wins.
    pub fn new(mut pairs: Vec<(String, String)>) -> Self {
        pairs.sort_by(|a, b| a.0.cmp(&b.0));
        let mut unique: Vec<(String, String)> = Vec::with_capacity(pairs.len());
        for pair in pairs {
            match unique.last_mut() {
                Some(last) if last.0 == pair.0 => last.1 = pair.1,
                _ => unique.push(pair),
            }
        }
        Self(unique)
    }

    /// The value of `name`, if it is there.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .binary_search_by(|(key, _)| key.as_str().cmp(name))
            .ok()
            .map(|at| self.0[at].1.as_str())
    }

    /// Adds or replaces one label.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.0.binary_search_by(|(key, _)| key.as_str().cmp(name)) {
            Ok(at) => self.0[at].1 = value.into(),
            Err(at) => self.0.insert(at, (name.to_owned(), value.into())),
        }
    }

    /// Removes one label, if it is there.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(key, _)| key != name);
    }

    /// Only the labels whose names are in `names`.
    pub fn only(&self, names: &[String]) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(key, _)| names.contains(key))
                .cloned()
                .collect(),
        )
    }

    /// All labels but those whose names are in `names`.
    pub fn without(&self, names: &[String]) -> Self {
        Self(
            self.0
                .iter()
                .filter(|(key, _)| !names.contains(key))
                .cloned()
                .collect(),
        )
    }

    /// The labels that have a value; Loki takes an empty one for none.
    pub fn without_empty(mut self) -> Self {
        self.0.retain(|(_, value)| !value.is_empty());
        self
    }

    /// The labels in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// How many labels there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The set as a JSON object.
    pub fn to_json(&self) -> Value {
        Value::Object(
            self.iter()
                .map(|(k, v)| (k.to_owned(), Value::from(v)))
                .collect::<Map<_, _>>(),
        )
    }
}

impl FromIterator<(String, String)> for Labels {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(iter: T) -> Self {
        Self::new(iter.into_iter().collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Labels {
    fn from(pairs: [(&str, &str); N]) -> Self {
        pairs
            .into_iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (name, value)) in self.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            write!(f, "{name}={}", quote(value))?;
        }
        f.write_str("}")
    }
}

/// A text in double quotes as Go's `strconv.Quote` writes it.
pub fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if u32::from(c) < 0x20 || c == '\u{7f}' => {
                out.push_str(&format!("\\x{:02x}", u32::from(c)));
            }
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Makes a label's name of any key: every character that a name may not have becomes `_`.
pub fn sanitize(key: &str) -> Cow<'_, str> {
    let key = key.trim();
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if key.bytes().all(fits) && !key.starts_with(|c: char| c.is_ascii_digit()) {
        return Cow::Borrowed(key);
    }
    let mut out = String::with_capacity(key.len());
    for (at, c) in key.chars().enumerate() {
        if at == 0 && c.is_ascii_digit() {
            out.push('_');
        }
        if c.is_ascii_alphanumeric() || c == '_' {
            out.push(c);
        } else {
            out.push('_');
        }
    }
    Cow::Owned(out)
}

/// Makes the name of structured metadata of any key, as Prometheus' translation of OTLP does:
/// a name that begins with a digit, or with one `_`, has `key` before it.
pub fn normalize(key: &str) -> String {
    let name: String = key
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    match name.as_bytes() {
        [first, ..] if first.is_ascii_digit() => format!("key_{name}"),
        [b'_', second, ..] if *second != b'_' => format!("key{name}"),
        [b'_'] => format!("key{name}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_unique_and_quoted() {
        let labels = Labels::from([("b", "2\""), ("a", "1"), ("b", "3\n")]);
        assert_eq!(labels.to_string(), r#"{a="1", b="3\n"}"#);
        assert_eq!(labels.get("b"), Some("3\n"));
        assert_eq!(labels.get("c"), None);
    }

    #[test]
    fn a_key_becomes_a_name_by_replacing_what_a_name_may_not_have() {
        for (key, name) in [
            ("http.route", "http_route"),
            ("1st", "_1st"),
            ("a-b c", "a_b_c"),
        ] {
            assert_eq!(sanitize(key), name);
        }
        for (key, name) in [
            ("http.route", "http_route"),
            ("1st", "key_1st"),
            ("_x", "key_x"),
            ("__x", "__x"),
        ] {
            assert_eq!(normalize(key), name);
        }
    }
}
