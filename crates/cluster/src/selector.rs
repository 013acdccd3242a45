//! Label and field selectors, as written in queries and in objects.

use serde_json::Value;

use crate::objects::meta;

/// Which objects are wanted, by their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

/// Which objects are wanted, by fields such as `status.phase`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<(String, Wanted, String)>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Equal,
    Different,
}

/// Why a selector is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unable to parse requirement: `{part}`: expected {expected}")]
pub(crate) struct SelectorError {
    part: String,
    expected: &'static str,
}

impl LabelSelector {
    /// The selector of a query: `app=a,tier!=b,zone in (x,y),!gone,there`.
    pub(crate) fn parse(text: &str) -> Result<Self, SelectorError> {
        split_outside_brackets(text)
            .into_iter()
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .map(requirement)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The selector of a workload: `{matchLabels, matchExpressions}`. An empty or missing one selects nothing.
    pub(crate) fn of_workload(selector: &Value) -> Option<Self> {
        let mut requirements = labels(&selector["matchLabels"]);
        for expression in meta::items(selector, "/matchExpressions") {
            let values = meta::items(expression, "/values")
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            requirements.push(Requirement {
                key: meta::text(expression, "/key").to_owned(),
                test: match meta::text(expression, "/operator") {
                    "In" => Test::In(values),
                    "NotIn" => Test::NotIn(values),
                    "Exists" => Test::Exists,
                    _ => Test::Absent,
                },
            });
        }
        (!requirements.is_empty()).then_some(Self(requirements))
    }

    /// The selector of a Service: a plain map. An empty or missing one selects nothing.
    pub(crate) fn of_service(selector: &Value) -> Option<Self> {
        let requirements = labels(selector);
        (!requirements.is_empty()).then_some(Self(requirements))
    }

    /// Whether an object has the wanted labels.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|requirement| {
            let value = meta::label(object, &requirement.key);
            match &requirement.test {
                Test::In(values) => value.is_some_and(|value| values.iter().any(|v| v == value)),
                Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|v| v != value)),
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
            }
        })
    }

    /// The selector as `kubectl` prints it: `app=a,zone in (x,y)`.
    pub(crate) fn text(&self) -> String {
        let parts: Vec<_> = self
            .0
            .iter()
            .map(|Requirement { key, test }| match test {
                Test::In(values) if values.len() == 1 => format!("{key}={}", values[0]),
                Test::In(values) => format!("{key} in ({})", values.join(",")),
                Test::NotIn(values) if values.len() == 1 => format!("{key}!={}", values[0]),
                Test::NotIn(values) => format!("{key} notin ({})", values.join(",")),
                Test::Exists => key.clone(),
                Test::Absent => format!("!{key}"),
            })
            .collect();
        parts.join(",")
    }
}

impl FieldSelector {
    /// The selector of a query: `metadata.name=a,status.phase!=Running`.
    pub(crate) fn parse(text: &str) -> Result<Self, SelectorError> {
        text.split(',')
            .filter(|part| !part.trim().is_empty())
            .map(|part| {
                let (key, wanted, value) = if let Some((key, value)) = part.split_once("!=") {
                    (key, Wanted::Different, value)
                } else if let Some((key, value)) = part.split_once("==") {
                    (key, Wanted::Equal, value)
                } else if let Some((key, value)) = part.split_once('=') {
                    (key, Wanted::Equal, value)
                } else {
                    return Err(SelectorError {
                        part: part.to_owned(),
                        expected: "`field=value` or `field!=value`",
                    });
                };
                Ok((key.trim().to_owned(), wanted, value.trim().to_owned()))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether an object has the wanted fields. A missing field is the same as an empty one.
    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|(key, wanted, value)| {
            let found = field(object, key);
            (found == *value) == (*wanted == Wanted::Equal)
        })
    }
}

fn field(object: &Value, key: &str) -> String {
    let mut at = object;
    for step in key.split('.') {
        // Events of both API groups can be selected by either's field names.
        let step = match step {
            "regarding" => "involvedObject",
            "reportingController" => "reportingComponent",
            other => other,
        };
        at = &at[step];
    }
    match at {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn labels(map: &Value) -> Vec<Requirement> {
    map.as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| Requirement {
            key: key.clone(),
            test: Test::In(vec![value.as_str().unwrap_or("").to_owned()]),
        })
        .collect()
}

fn requirement(part: &str) -> Result<Requirement, SelectorError> {
    let error = |expected| SelectorError {
        part: part.to_owned(),
        expected,
    };
    let make = |key: &str, test| {
        let key = key.trim();
        let fine = !key.is_empty() && !key.contains(char::is_whitespace);
        fine.then(|| Requirement {
            key: key.to_owned(),
            test,
        })
        .ok_or_else(|| error("a label's name, such as `app`"))
    };
    if let Some(key) = part.strip_prefix('!') {
        return make(key, Test::Absent);
    }
    if let Some((key, set)) = part.split_once('(') {
        let set = set
            .strip_suffix(')')
            .ok_or_else(|| error("a `)` after the values"))?;
        let values = set
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect();
        let key = key.trim();
        return if let Some(key) = key.strip_suffix(" notin") {
            make(key, Test::NotIn(values))
        } else if let Some(key) = key.strip_suffix(" in") {
            make(key, Test::In(values))
        } else {
            Err(error("`in` or `notin` before the values"))
        };
    }
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some((key, value)) = part.split_once("!=") {
        make(key, Test::NotIn(one(value)))
    } else if let Some((key, value)) = part.split_once("==") {
        make(key, Test::In(one(value)))
    } else if let Some((key, value)) = part.split_once('=') {
        make(key, Test::In(one(value)))
    } else {
        make(part, Test::Exists)
    }
}

fn split_outside_brackets(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_usize, 0, Vec::new());
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn label_selectors_match_as_kubectl_means_them() {
        let pod = json!({ "metadata": { "labels": { "name": "orders", "tier": "back" } } });
        for (selector, expected) in [
            ("", true),
            ("name=orders", true),
            ("name==orders,tier=back", true),
            ("name!=orders", false),
            ("gone!=x", true),
            ("name in (orders, carts)", true),
            ("name notin (orders)", false),
            ("tier", true),
            ("!tier", false),
            ("name in (carts),tier", false),
        ] {
            let parsed = LabelSelector::parse(selector).unwrap();
            assert_eq!(parsed.matches(&pod), expected, "{selector}");
        }
    }

    #[test]
    fn a_selector_that_is_not_understood_says_what_was_expected() {
        for selector in ["name in (a", "a b", "name of (a)"] {
            assert!(LabelSelector::parse(selector).is_err(), "{selector}");
        }
        assert!(FieldSelector::parse("metadata.name").is_err());
    }

    #[test]
    fn field_selectors_read_any_field() {
        let pod = json!({ "metadata": { "name": "a" }, "status": { "phase": "Running" } });
        for (selector, expected) in [
            ("metadata.name=a", true),
            ("status.phase!=Running", false),
            ("spec.nodeName=", true),
            ("metadata.name=a,status.phase=Failed", false),
        ] {
            let parsed = FieldSelector::parse(selector).unwrap();
            assert_eq!(parsed.matches(&pod), expected, "{selector}");
        }
    }

    #[test]
    fn a_workload_without_a_selector_selects_nothing() {
        assert_eq!(LabelSelector::of_workload(&json!({})), None);
        let selector = json!({ "matchLabels": { "a": "b" }, "matchExpressions": [
            { "key": "c", "operator": "In", "values": ["d", "e"] }] });
        let selector = LabelSelector::of_workload(&selector).unwrap();
        assert_eq!(selector.text(), "a=b,c in (d,e)");
    }
}
