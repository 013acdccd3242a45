//! Mimir's ruler configuration API: groups in namespaces, set and deleted while rules run
//! (<https://grafana.com/docs/mimir/latest/references/http-api/#ruler>).

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use serde_json::{Map, Value};

use super::document::GroupDocument;
use super::{Entry, Groups, Ruler, file, lock};
use crate::config::RuleFile;

/// How many rules one group may have when it is set by the API (Mimir's default).
const MAX_RULES: usize = 20;
/// How many groups there may be when one is set by the API (Mimir's default).
const MAX_GROUPS: usize = 70;

/// Why rules were not read, set or deleted; the texts are Mimir's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NamespaceError {
    /// There is no such group.
    #[error("group does not exist")]
    NoGroup,
    /// There is no such namespace, or it is empty.
    #[error("group namespace does not exist")]
    NoNamespace,
    /// What was sent is no group.
    #[error("unable to decode rule group")]
    Undecodable,
    /// What was sent breaks a rule or a limit.
    #[error("{0}")]
    Invalid(String),
}

impl Ruler {
    /// All groups by namespace, or those of one, as YAML.
    #[must_use]
    pub fn namespaces_yaml(&self, only: Option<&str>) -> String {
        let groups = self.read();
        let mut all: BTreeMap<&str, Vec<&GroupDocument>> = BTreeMap::new();
        for ((namespace, _), entry) in groups.iter() {
            if only.is_none_or(|name| name == namespace) {
                all.entry(namespace).or_default().push(&entry.document);
            }
        }
        if all.is_empty() {
            return "{}\n".to_owned();
        }
        serde_saphyr::to_string(&all).unwrap_or_default()
    }

    /// One group as YAML.
    ///
    /// # Errors
    /// [`NamespaceError::NoGroup`]
    pub fn group_yaml(&self, namespace: &str, name: &str) -> Result<String, NamespaceError> {
        let groups = self.read();
        let key = (namespace.to_owned(), name.to_owned());
        let entry = groups.get(&key).ok_or(NamespaceError::NoGroup)?;
        Ok(serde_saphyr::to_string(&entry.document).unwrap_or_default())
    }

    /// Sets a group from its YAML. What its rules know stays, where name and labels do.
    ///
    /// # Errors
    /// [`NamespaceError`]: it cannot be read, is wrong, or breaks a limit.
    pub fn set_group(&self, namespace: &str, yaml: &str) -> Result<(), NamespaceError> {
        let tree: Value = serde_saphyr::from_str(yaml).map_err(|_| NamespaceError::Undecodable)?;
        let tree = known_fields(tree).ok_or(NamespaceError::Undecodable)?;
        check_shape(&tree)?;
        let list = serde_json::json!({"groups": [tree]});
        let source = RuleFile {
            name: namespace.to_owned(),
            // JSON is YAML, and keeps every text as it is.
            text: list.to_string(),
        };
        let mut read = file::read(&source, self.interval)
            .map_err(|errors| NamespaceError::Invalid(shown(&errors, &list["groups"][0])))?;
        let (mut group, document) = read.pop().ok_or(NamespaceError::Undecodable)?;
        if group.rules.len() > MAX_RULES {
            return Err(NamespaceError::Invalid(format!(
                "per-user rules per rule group limit (limit: {MAX_RULES} actual: {}) exceeded",
                group.rules.len()
            )));
        }
        let key = (namespace.to_owned(), group.name.clone());
        let mut groups = self.write();
        let known = groups.get(&key);
        let count = groups.len() + usize::from(known.is_none());
        if count > MAX_GROUPS {
            return Err(NamespaceError::Invalid(format!(
                "per-user rule groups limit (limit: {MAX_GROUPS} actual: {count}) exceeded"
            )));
        }
        if let Some(known) = known {
            group.take_over(&mut lock(&known.group));
        }
        groups.insert(key, Arc::new(Entry::new(group, document)));
        drop(groups);
        self.changed.notify_one();
        Ok(())
    }

    /// Deletes a group; its series end now.
    ///
    /// # Errors
    /// [`NamespaceError::NoGroup`]
    pub fn delete_group(&self, namespace: &str, name: &str) -> Result<(), NamespaceError> {
        let gone = self.delete(|n, g| n == namespace && g == name);
        if gone {
            Ok(())
        } else {
            Err(NamespaceError::NoGroup)
        }
    }

    /// Deletes all groups of a namespace; their series end now.
    ///
    /// # Errors
    /// [`NamespaceError::NoNamespace`]
    pub fn delete_namespace(&self, namespace: &str) -> Result<(), NamespaceError> {
        let gone = self.delete(|n, _| n == namespace);
        if gone {
            Ok(())
        } else {
            Err(NamespaceError::NoNamespace)
        }
    }

    fn delete(&self, which: impl Fn(&str, &str) -> bool) -> bool {
        let mut gone = Vec::new();
        self.write().retain(|(namespace, name), entry| {
            let stays = !which(namespace, name);
            if !stays {
                gone.push(Arc::clone(entry));
            }
            stays
        });
        self.changed.notify_one();
        let now = self.metrics.clock().now_ms();
        for entry in &gone {
            lock(&entry.group).end(&self.metrics, now);
        }
        !gone.is_empty()
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Groups> {
        self.groups.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The group without fields that Prometheus does not know: Mimir passes over them.
fn known_fields(tree: Value) -> Option<Value> {
    const GROUP: [&str; 6] = [
        "name",
        "interval",
        "query_offset",
        "limit",
        "labels",
        "rules",
    ];
    const RULE: [&str; 7] = [
        "record",
        "alert",
        "expr",
        "for",
        "keep_firing_for",
        "labels",
        "annotations",
    ];
    let Value::Object(mut group) = tree else {
        return None;
    };
    let keep = |map: &mut Map<String, Value>, known: &[&str]| {
        map.retain(|name, value| known.contains(&name.as_str()) && !value.is_null());
    };
    keep(&mut group, &GROUP);
    if let Some(rules) = group.get_mut("rules") {
        for rule in rules.as_array_mut()? {
            keep(rule.as_object_mut()?, &RULE);
        }
    }
    Some(Value::Object(group))
}

fn check_shape(group: &Value) -> Result<(), NamespaceError> {
    let invalid =
        |why: String| NamespaceError::Invalid(format!("invalid rules configuration: {why}"));
    let name = group["name"].as_str().unwrap_or("");
    if name.is_empty() {
        return Err(invalid("rule group name must not be empty".to_owned()));
    }
    if group["rules"].as_array().is_none_or(Vec::is_empty) {
        return Err(invalid(format!("rule group '{name}' has no rules")));
    }
    for rule in group["rules"].as_array().into_iter().flatten() {
        if !rule["expr"].is_string() && !rule["expr"].is_null() {
            return Err(NamespaceError::Undecodable);
        }
    }
    Ok(())
}

/// All errors as Mimir lists them: `group "g", rule 1, "Name": what`.
fn shown(errors: &[file::RuleError], group: &Value) -> String {
    let name = crate::metrics::text::quote(group["name"].as_str().unwrap_or(""));
    let all = errors.iter().map(|error| match error.rule {
        None => error.message.clone(),
        Some(at) => {
            let rule = &group["rules"][at];
            let title = ["alert", "record"]
                .iter()
                .find_map(|key| rule[*key].as_str());
            let title = crate::metrics::text::quote(title.unwrap_or(""));
            format!("group {name}, rule {}, {title}: {}", at + 1, error.message)
        }
    });
    all.collect::<Vec<_>>().join(", ")
}
