//! Reading rule files: all errors with their file, line and column.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::Deserialize;
use serde_saphyr::{Location, Spanned};

use super::alert::AlertRule;
use super::document::{GroupDocument, RuleDocument};
use super::group::{Does, Group, Rule};
use super::template;
use crate::config::RuleFile;
use crate::metrics::labels::{is_label_name, is_metric_name};
use crate::metrics::promql::{format_duration, parse, parse_duration};

/// Something that is wrong in a rule file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct RuleError {
    /// The file's name.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// From 1.
    pub column: u64,
    /// What is wrong, and what would be right.
    pub message: String,
    /// Which rule of its group it is about, from 0.
    pub rule: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileYaml {
    #[serde(default)]
    groups: Vec<GroupYaml>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupYaml {
    name: Spanned<String>,
    interval: Option<Spanned<String>>,
    query_offset: Option<Spanned<String>>,
    #[serde(default)]
    limit: usize,
    #[serde(default)]
    labels: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    rules: Vec<Spanned<RuleYaml>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleYaml {
    record: Option<Spanned<String>>,
    alert: Option<Spanned<String>>,
    #[serde(default = "nothing")]
    expr: Spanned<String>,
    #[serde(rename = "for")]
    hold: Option<Spanned<String>>,
    keep_firing_for: Option<Spanned<String>>,
    #[serde(default)]
    labels: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    annotations: BTreeMap<String, Spanned<String>>,
}

fn nothing() -> Spanned<String> {
    Spanned {
        value: String::new(),
        referenced: Location::UNKNOWN,
        defined: Location::UNKNOWN,
    }
}

/// Reads one file.
pub(super) fn read(
    source: &RuleFile,
    interval: Duration,
) -> Result<Vec<(Group, GroupDocument)>, Vec<RuleError>> {
    let mut reader = Reader {
        file: &source.name,
        errors: Vec::new(),
        rule: None,
    };
    let parsed: FileYaml = match serde_saphyr::from_str(&source.text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let at = error.location();
            let message = error.to_string();
            let first = message.lines().next().unwrap_or("invalid YAML").to_owned();
            reader.errors.push(RuleError {
                file: source.name.clone(),
                line: at.map_or(1, |l| l.line()),
                column: at.map_or(1, |l| l.column()),
                message: first,
                rule: None,
            });
            return Err(reader.errors);
        }
    };
    let mut names = HashSet::new();
    let mut groups = Vec::new();
    for yaml in parsed.groups {
        let name = yaml.name.value.clone();
        if name.is_empty() {
            reader.error(yaml.name.referenced, "a group needs a name");
        } else if !names.insert(name.clone()) {
            let message = format!("groupname: {name:?} is repeated in the same file");
            reader.error(yaml.name.referenced, message);
        }
        let own = reader.duration(yaml.interval.as_ref(), "interval");
        let offset = reader.duration(yaml.query_offset.as_ref(), "query_offset");
        let common = yaml.labels;
        let mut rules = Vec::new();
        let mut documents = Vec::new();
        for (at, rule) in yaml.rules.into_iter().enumerate() {
            reader.rule = Some(at);
            documents.push(document(&rule.value));
            rules.extend(reader.rule(rule, &common));
        }
        reader.rule = None;
        let document = GroupDocument {
            name: name.clone(),
            interval: (own != 0).then(|| format_duration(own)),
            query_offset: yaml.query_offset.map(|_| format_duration(offset)),
            limit: yaml.limit,
            rules: documents,
            labels: texts(&common),
        };
        let group = Group {
            file: source.name.clone(),
            name,
            interval: match own {
                0 => interval,
                ms => Duration::from_millis(ms.unsigned_abs()),
            },
            offset,
            limit: yaml.limit,
            rules,
            last_evaluation: None,
            took: Duration::ZERO,
            orphans: Vec::new(),
        };
        groups.push((group, document));
    }
    if reader.errors.is_empty() {
        Ok(groups)
    } else {
        Err(reader.errors)
    }
}

/// How a rule is written.
fn document(rule: &RuleYaml) -> RuleDocument {
    let text = |given: &Option<Spanned<String>>| given.as_ref().map(|t| t.value.clone());
    let duration = |given: &Option<Spanned<String>>| {
        let text = &given.as_ref()?.value;
        Some(parse_duration(text).map_or_else(|_| text.clone(), format_duration))
    };
    RuleDocument {
        record: text(&rule.record),
        alert: text(&rule.alert),
        expr: rule.expr.value.clone(),
        hold: duration(&rule.hold),
        keep_firing_for: duration(&rule.keep_firing_for),
        labels: texts(&rule.labels),
        annotations: texts(&rule.annotations),
    }
}

fn texts(from: &BTreeMap<String, Spanned<String>>) -> BTreeMap<String, String> {
    let pairs = from.iter();
    pairs.map(|(n, v)| (n.clone(), v.value.clone())).collect()
}

struct Reader<'a> {
    file: &'a str,
    errors: Vec<RuleError>,
    /// The rule that is being read.
    rule: Option<usize>,
}

impl Reader<'_> {
    fn error(&mut self, at: Location, message: impl Into<String>) {
        self.errors.push(RuleError {
            file: self.file.to_owned(),
            line: at.line(),
            column: at.column(),
            message: message.into(),
            rule: self.rule,
        });
    }

    /// Milliseconds; 0 when it is left out.
    fn duration(&mut self, text: Option<&Spanned<String>>, what: &str) -> i64 {
        let Some(text) = text else {
            return 0;
        };
        parse_duration(&text.value).unwrap_or_else(|why| {
            let message = format!("{what}: {why}; write it as 30s, 5m or 1h30m");
            self.error(text.referenced, message);
            0
        })
    }

    fn rule(
        &mut self,
        spanned: Spanned<RuleYaml>,
        common: &BTreeMap<String, Spanned<String>>,
    ) -> Option<Rule> {
        let at = spanned.referenced;
        let yaml = spanned.value;
        let expr = match parse(&yaml.expr.value) {
            _ if yaml.expr.value.trim().is_empty() => {
                self.error(at, "field 'expr' must be set in rule");
                None
            }
            Ok(expr) => Some(expr),
            Err(why) => {
                let message = format!("could not parse expression: {why}");
                self.error(yaml.expr.referenced, message);
                None
            }
        };
        let labels = self.labels(&yaml.labels, common);
        if yaml.alert.is_some() {
            yaml.labels.values().for_each(|text| self.template(text));
        }
        let hold = self.duration(yaml.hold.as_ref(), "for");
        let keep = self.duration(yaml.keep_firing_for.as_ref(), "keep_firing_for");
        let mut annotations = BTreeMap::new();
        for (name, text) in &yaml.annotations {
            if !is_label_name(name) {
                self.error(
                    text.referenced,
                    format!("invalid annotation name: {name:?}"),
                );
            }
            self.template(text);
            annotations.insert(name.clone(), text.value.clone());
        }
        let (name, does) = match (yaml.record, yaml.alert) {
            (Some(record), None) => {
                if !is_metric_name(&record.value) {
                    let message = format!("invalid recording rule name: {}", record.value);
                    self.error(record.referenced, message);
                }
                for (given, what) in [
                    (&yaml.hold, "for"),
                    (&yaml.keep_firing_for, "keep_firing_for"),
                ] {
                    if let Some(text) = given {
                        self.error(
                            text.referenced,
                            format!("invalid field '{what}' in recording rule"),
                        );
                    }
                }
                if let Some(text) = yaml.annotations.values().next() {
                    self.error(
                        text.referenced,
                        "invalid field 'annotations' in recording rule",
                    );
                }
                (record.value, Does::Record)
            }
            (None, Some(alert)) => {
                if alert.value.is_empty() {
                    self.error(alert.referenced, "an alert needs a name");
                }
                (
                    alert.value,
                    Does::Alert(AlertRule::new(hold, keep, annotations)),
                )
            }
            (Some(_), Some(alert)) => {
                self.error(
                    alert.referenced,
                    "only one of 'record' and 'alert' must be set",
                );
                return None;
            }
            (None, None) => {
                self.error(at, "one of 'record' or 'alert' must be set");
                return None;
            }
        };
        Some(Rule::new(name, expr?, labels, does))
    }

    fn labels(
        &mut self,
        own: &BTreeMap<String, Spanned<String>>,
        common: &BTreeMap<String, Spanned<String>>,
    ) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::new();
        for (name, value) in common.iter().chain(own) {
            if !is_label_name(name) || name == "__name__" {
                self.error(value.referenced, format!("invalid label name: {name}"));
            }
            labels.insert(name.clone(), value.value.clone());
        }
        labels
    }

    fn template(&mut self, text: &Spanned<String>) {
        if let Err(why) = template::check(&text.value) {
            self.error(text.referenced, format!("template: {why}"));
        }
    }
}
