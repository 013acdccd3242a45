//! What stands in a configuration file, as it is written.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::super::intervals::IntervalYaml;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigYaml {
    pub(super) global: Option<BTreeMap<String, Value>>,
    pub(super) route: Option<RouteYaml>,
    #[serde(default)]
    pub(super) receivers: Vec<ReceiverYaml>,
    #[serde(default)]
    pub(super) inhibit_rules: Vec<InhibitYaml>,
    #[serde(default)]
    pub(super) mute_time_intervals: Vec<NamedIntervals>,
    #[serde(default)]
    pub(super) time_intervals: Vec<NamedIntervals>,
    #[serde(default, rename = "templates")]
    pub(super) _templates: Vec<String>,
    #[serde(default, rename = "tracing")]
    pub(super) _tracing: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteYaml {
    pub(super) receiver: Option<String>,
    pub(super) group_by: Option<Vec<String>>,
    #[serde(default, rename = "continue")]
    pub(super) goes_on: bool,
    #[serde(default, rename = "match")]
    pub(super) equal: BTreeMap<String, String>,
    #[serde(default, rename = "match_re")]
    pub(super) regex: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) matchers: Vec<String>,
    pub(super) group_wait: Option<String>,
    pub(super) group_interval: Option<String>,
    pub(super) repeat_interval: Option<String>,
    #[serde(default)]
    pub(super) mute_time_intervals: Vec<String>,
    #[serde(default)]
    pub(super) active_time_intervals: Vec<String>,
    #[serde(default)]
    pub(super) routes: Vec<Self>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InhibitYaml {
    #[serde(default, rename = "name")]
    pub(super) _name: Option<String>,
    #[serde(default)]
    pub(super) source_match: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) source_match_re: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) source_matchers: Vec<String>,
    #[serde(default)]
    pub(super) target_match: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) target_match_re: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) target_matchers: Vec<String>,
    #[serde(default)]
    pub(super) equal: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedIntervals {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) time_intervals: Vec<IntervalYaml>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ReceiverYaml {
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) webhook_configs: Vec<WebhookYaml>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WebhookYaml {
    pub(super) send_resolved: Option<bool>,
    pub(super) url: Option<String>,
    pub(super) url_file: Option<String>,
    #[serde(default)]
    pub(super) max_alerts: usize,
    pub(super) timeout: Option<String>,
    pub(super) http_config: Option<HttpYaml>,
}

/// Of an HTTP client's options those count that plain HTTP has a use for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct HttpYaml {
    pub(super) basic_auth: Option<BasicAuth>,
    pub(super) authorization: Option<Authorization>,
    pub(super) bearer_token: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct BasicAuth {
    pub(super) username: String,
    pub(super) password: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Authorization {
    pub(super) r#type: String,
    pub(super) credentials: String,
}
