//! Alertmanager's configuration file, read and checked as a whole
//! (<https://prometheus.io/docs/alerting/latest/configuration/>).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

mod receiver;
mod shown;
mod yaml;

use super::inhibit::InhibitRule;
use super::intervals::TimeInterval;
use super::matcher::parse_list;
use super::route::{GroupBy, Route, key};
use crate::metrics::labels::is_label_name;
use crate::metrics::promql::parse_duration;
use crate::metrics::text::quote;
use crate::metrics::{MatchOp, Matcher};
use receiver::receiver;
pub(super) use receiver::{Receiver, Webhook, WebhookUrl};
use shown::shown;
use yaml::{ConfigYaml, HttpYaml, InhibitYaml, RouteYaml};

/// A configuration that can be used.
#[derive(Debug, Clone)]
pub struct AlertmanagerConfig {
    /// After what time an alert without an end counts as resolved, milliseconds.
    pub resolve_timeout: i64,
    /// The routing tree, its root first.
    pub routes: Vec<Route>,
    /// Who can be notified.
    pub receivers: Vec<Receiver>,
    /// What mutes what.
    pub inhibit_rules: Vec<InhibitRule>,
    /// Time intervals by name.
    pub intervals: BTreeMap<String, Vec<TimeInterval>>,
    /// The text that it was read from.
    pub text: String,
    /// The configuration as the API shows it: secrets hidden.
    pub shown: String,
}

/// Why a configuration cannot be used; the texts are Alertmanager's where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// What stands in for a configuration that was never given: every alert is kept and shown,
/// nobody is notified.
pub(super) const EMPTY: &str = "route:\n  receiver: default\nreceivers:\n- name: default\n";

impl AlertmanagerConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let yaml: ConfigYaml = serde_saphyr::from_str(text).map_err(|e| yaml_error(&e))?;
        let tree: Value = serde_saphyr::from_str(text).map_err(|e| yaml_error(&e))?;
        build(yaml, &tree, text).map_err(ConfigError)
    }

    /// Whether one of the named intervals contains `now` (milliseconds since the epoch).
    #[must_use]
    pub fn within(&self, names: &[String], now: i64) -> bool {
        self.containing(names, now).next().is_some()
    }

    /// Those of the named intervals that contain `now`.
    pub fn containing<'a>(
        &'a self,
        names: &'a [String],
        now: i64,
    ) -> impl Iterator<Item = &'a String> {
        names.iter().filter(move |name| {
            let interval = self.intervals.get(*name);
            interval.is_some_and(|all| all.iter().any(|i| i.contains(now)))
        })
    }
}

fn yaml_error(error: &serde_saphyr::Error) -> ConfigError {
    let text = error.to_string();
    let first = text.lines().next().unwrap_or("invalid YAML");
    ConfigError(match error.location() {
        Some(at) => format!("yaml: line {}: {first}", at.line()),
        None => format!("yaml: {first}"),
    })
}

fn build(yaml: ConfigYaml, tree: &Value, text: &str) -> Result<AlertmanagerConfig, String> {
    let global = yaml.global.unwrap_or_default();
    let http: Option<HttpYaml> = match global.get("http_config") {
        Some(value) => Some(serde_json::from_value(value.clone()).map_err(|e| e.to_string())?),
        None => None,
    };
    let resolve_timeout = match global.get("resolve_timeout") {
        None => 300_000,
        Some(Value::String(text)) => parse_duration(text)?,
        Some(other) => return Err(format!("not a valid duration string: {other}")),
    };
    let mut receivers: Vec<Receiver> = Vec::new();
    for (n, receiver) in yaml.receivers.into_iter().enumerate() {
        let built = self::receiver(receiver, &tree["receivers"][n], http.as_ref())?;
        if receivers.iter().any(|known| known.name == built.name) {
            return Err(format!(
                "notification config name {} is not unique",
                quote(&built.name)
            ));
        }
        receivers.push(built);
    }
    let mut intervals = BTreeMap::new();
    for (list, what) in [
        (&yaml.mute_time_intervals, "mute time interval"),
        (&yaml.time_intervals, "time interval"),
    ] {
        for named in list {
            if named.name.is_empty() {
                return Err(format!("missing name in {what}"));
            }
            let all = named.time_intervals.iter().map(TimeInterval::new);
            let all = all.collect::<Result<Vec<_>, _>>()?;
            if intervals.insert(named.name.clone(), all).is_some() {
                return Err(format!("{what} {} is not unique", quote(&named.name)));
            }
        }
    }
    let root = yaml.route.ok_or("no route provided in config")?;
    check_root(&root)?;
    let mut routes = Vec::new();
    add_route(&mut routes, root, None)?;
    for route in &routes {
        if !receivers.iter().any(|r| r.name == route.receiver) {
            let name = quote(&route.receiver);
            return Err(format!("undefined receiver {name} used in route"));
        }
        for name in route.mute.iter().chain(&route.active) {
            if !intervals.contains_key(name) {
                let name = quote(name);
                return Err(format!("undefined time interval {name} used in route"));
            }
        }
    }
    let inhibit_rules = yaml.inhibit_rules.into_iter().map(inhibit_rule);
    Ok(AlertmanagerConfig {
        resolve_timeout,
        routes,
        receivers,
        inhibit_rules: inhibit_rules.collect::<Result<_, _>>()?,
        intervals,
        text: text.to_owned(),
        shown: shown(tree),
    })
}

fn check_root(root: &RouteYaml) -> Result<(), String> {
    let wrong = if root.receiver.as_deref().unwrap_or("").is_empty() {
        "root route must specify a default receiver"
    } else if !(root.equal.is_empty() && root.regex.is_empty() && root.matchers.is_empty()) {
        "root route must not have any matchers"
    } else if !root.mute_time_intervals.is_empty() {
        "root route must not have any mute time intervals"
    } else if !root.active_time_intervals.is_empty() {
        "root route must not have any active time intervals"
    } else if root.goes_on {
        "cannot have continue in root route"
    } else {
        return Ok(());
    };
    Err(wrong.to_owned())
}

/// Adds a route and all below it; tells where it went.
fn add_route(
    routes: &mut Vec<Route>,
    yaml: RouteYaml,
    parent: Option<usize>,
) -> Result<usize, String> {
    let matchers = matchers(&yaml.equal, &yaml.regex, &yaml.matchers)?;
    let above = parent.and_then(|at| routes.get(at));
    let inherit = |given: Option<&String>, above: Option<i64>, default: i64, what: &str| {
        let Some(text) = given else {
            return Ok(above.unwrap_or(default));
        };
        match parse_duration(text)? {
            0 if what != "group_wait" => Err(format!("{what} cannot be zero")),
            ms => Ok(ms),
        }
    };
    let route = Route {
        key: key(above, &matchers),
        receiver: yaml
            .receiver
            .filter(|name| !name.is_empty())
            .or_else(|| above.map(|r| r.receiver.clone()))
            .unwrap_or_default(),
        group_by: match yaml.group_by.as_deref() {
            Some(names) => group_by(names)?,
            None => above.map_or_else(|| GroupBy::Labels(BTreeSet::new()), |r| r.group_by.clone()),
        },
        group_wait: inherit(
            yaml.group_wait.as_ref(),
            above.map(|r| r.group_wait),
            30_000,
            "group_wait",
        )?,
        group_interval: inherit(
            yaml.group_interval.as_ref(),
            above.map(|r| r.group_interval),
            300_000,
            "group_interval",
        )?,
        repeat_interval: inherit(
            yaml.repeat_interval.as_ref(),
            above.map(|r| r.repeat_interval),
            4 * 3_600_000,
            "repeat_interval",
        )?,
        mute: yaml.mute_time_intervals,
        active: yaml.active_time_intervals,
        goes_on: yaml.goes_on,
        matchers,
        children: Vec::new(),
    };
    let at = routes.len();
    routes.push(route);
    for child in yaml.routes {
        let below = add_route(routes, child, Some(at))?;
        if let Some(route) = routes.get_mut(at) {
            route.children.push(below);
        }
    }
    Ok(at)
}

fn group_by(names: &[String]) -> Result<GroupBy, String> {
    let all = names.iter().any(|n| n == "...");
    if all && names.len() > 1 {
        return Err(
            "cannot have wildcard group_by (`...`) and other other labels at the same time"
                .to_owned(),
        );
    }
    if all {
        return Ok(GroupBy::All);
    }
    let mut labels = BTreeSet::new();
    for name in names {
        if !is_label_name(name) {
            return Err(format!(
                "invalid label name {} in group_by list",
                quote(name)
            ));
        }
        if !labels.insert(name.clone()) {
            return Err(format!("duplicated label {} in group_by", quote(name)));
        }
    }
    Ok(GroupBy::Labels(labels))
}

fn matchers(
    equal: &BTreeMap<String, String>,
    regex: &BTreeMap<String, String>,
    texts: &[String],
) -> Result<Vec<Matcher>, String> {
    let mut all = Vec::new();
    for name in equal.keys().chain(regex.keys()) {
        if !is_label_name(name) {
            return Err(format!("invalid label name {}", quote(name)));
        }
    }
    for (name, value) in equal {
        all.push(Matcher::new(name, MatchOp::Equal, value)?);
    }
    for (name, value) in regex {
        // Written out as Alertmanager does, since keys of groups contain it.
        all.push(Matcher::new(
            name,
            MatchOp::Regex,
            &format!("^(?:{value})$"),
        )?);
    }
    for text in texts {
        all.extend(parse_list(text)?);
    }
    let rank = |op: MatchOp| match op {
        MatchOp::Equal => 0,
        MatchOp::NotEqual => 1,
        MatchOp::Regex => 2,
        MatchOp::NotRegex => 3,
    };
    all.sort_by(|a, b| (&a.name, &a.value, rank(a.op)).cmp(&(&b.name, &b.value, rank(b.op))));
    Ok(all)
}

fn inhibit_rule(yaml: InhibitYaml) -> Result<InhibitRule, String> {
    Ok(InhibitRule {
        source: matchers(
            &yaml.source_match,
            &yaml.source_match_re,
            &yaml.source_matchers,
        )?,
        target: matchers(
            &yaml.target_match,
            &yaml.target_match_re,
            &yaml.target_matchers,
        )?,
        equal: yaml.equal,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_in_alertmanagers_words() {
        for (text, want) in [
            ("{}", "no route provided in config"),
            ("route: {}", "root route must specify a default receiver"),
            (
                "{route: {receiver: a, matchers: [b=c]}, receivers: [{name: a}]}",
                "root route must not have any matchers",
            ),
            (
                "{route: {receiver: b}, receivers: [{name: a}]}",
                "undefined receiver \"b\" used in route",
            ),
            (
                "{route: {receiver: a}, receivers: [{name: a}, {name: a}]}",
                "notification config name \"a\" is not unique",
            ),
            (
                "{route: {receiver: a, group_interval: 0s}, receivers: [{name: a}]}",
                "group_interval cannot be zero",
            ),
            (
                "{route: {receiver: a, group_by: [x, x]}, receivers: [{name: a}]}",
                "duplicated label \"x\" in group_by",
            ),
            (
                "{route: {receiver: a, routes: [{mute_time_intervals: [n]}]}, receivers: [{name: a}]}",
                "undefined time interval \"n\" used in route",
            ),
            (
                "{route: {receiver: a}, receivers: [{name: a, webhook_configs: [{}]}]}",
                "one of url or url_file must be configured",
            ),
            (
                "{route: {receiver: a, routes: [{matchers: ['x']}]}, receivers: [{name: a}]}",
                "bad matcher format: x",
            ),
        ] {
            let told = AlertmanagerConfig::parse(text).unwrap_err().to_string();
            assert_eq!(told, want, "{text}");
        }
        let told = AlertmanagerConfig::parse("route: {reciever: a}").unwrap_err();
        assert!(told.to_string().contains("reciever"), "{told}");
    }

    #[test]
    fn secrets_are_not_shown() {
        let config = AlertmanagerConfig::parse(
            "
global: {slack_api_url: 'https://hooks/x'}
route: {receiver: a}
receivers:
- name: a
  slack_configs: [{api_url: 'https://hooks/y', channel: '#c'}]
  webhook_configs: [{url: 'http://h/', http_config: {basic_auth: {username: u, password: p}}}]
",
        )
        .unwrap();
        insta::assert_snapshot!(config.shown);
        assert_eq!(config.receivers[0].undelivered, ["slack_configs"]);
        let authorization = config.receivers[0].webhooks[0].authorization.as_deref();
        assert_eq!(authorization, Some("Basic dTpw"));
    }
}
