//! Receivers: who is notified, and by which webhooks.

use serde_json::{Map, Value};

use super::yaml::{HttpYaml, ReceiverYaml, WebhookYaml};
use crate::metrics::promql::parse_duration;
use crate::metrics::text::quote;

/// Somebody to notify.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// Where notifications are posted to.
    pub webhooks: Vec<Webhook>,
    /// Kinds of integrations that are configured and cannot be delivered from here.
    pub undelivered: Vec<&'static str>,
}

/// One `webhook_config`.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// The URL, or the file that holds it.
    pub url: WebhookUrl,
    /// Whether it hears of resolved alerts.
    pub send_resolved: bool,
    /// How many alerts a notification holds at most; 0 for any number.
    pub max_alerts: usize,
    /// The value of the `Authorization` header, if there is one.
    pub authorization: Option<String>,
    /// How long one request may take, milliseconds; 0 for as long as the group may.
    pub timeout: i64,
}

/// Where a webhook's URL is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookUrl {
    /// Here.
    Given(String),
    /// In a file, which is read for each notification.
    File(String),
}

/// What a receiver may have besides webhooks.
const OTHERS: [&str; 17] = [
    "discord_configs",
    "email_configs",
    "incidentio_configs",
    "jira_configs",
    "mattermost_configs",
    "msteams_configs",
    "msteamsv2_configs",
    "opsgenie_configs",
    "pagerduty_configs",
    "pushover_configs",
    "rocketchat_configs",
    "slack_configs",
    "sns_configs",
    "telegram_configs",
    "victorops_configs",
    "webex_configs",
    "wechat_configs",
];

/// The receiver that `yaml` and its whole `tree` tell of; `http` stands in for options it lacks.
pub(super) fn receiver(
    yaml: ReceiverYaml,
    tree: &Value,
    http: Option<&HttpYaml>,
) -> Result<Receiver, String> {
    if yaml.name.is_empty() {
        return Err("missing name in receiver".to_owned());
    }
    let mut undelivered = Vec::new();
    for name in tree.as_object().into_iter().flat_map(Map::keys) {
        match OTHERS.iter().find(|other| **other == name.as_str()) {
            Some(other) => undelivered.push(*other),
            None if matches!(name.as_str(), "name" | "webhook_configs") => {}
            None => {
                return Err(format!(
                    "field {name} not found in type config.plain (receiver {})",
                    quote(&yaml.name)
                ));
            }
        }
    }
    let webhooks = yaml.webhook_configs.into_iter().map(|w| webhook(w, http));
    Ok(Receiver {
        webhooks: webhooks.collect::<Result<_, _>>()?,
        undelivered,
        name: yaml.name,
    })
}

fn webhook(yaml: WebhookYaml, global: Option<&HttpYaml>) -> Result<Webhook, String> {
    let url = match (yaml.url, yaml.url_file) {
        (None, None) => return Err("one of url or url_file must be configured".to_owned()),
        (Some(_), Some(_)) => {
            return Err("at most one of url & url_file must be configured".to_owned());
        }
        (None, Some(file)) => WebhookUrl::File(file),
        (Some(url), None) => {
            let parsed = url::Url::parse(&url).map_err(|e| format!("parse {url:?}: {e}"))?;
            if !matches!(parsed.scheme(), "http" | "https") {
                return Err(format!(
                    "unsupported scheme {} for URL",
                    quote(parsed.scheme())
                ));
            }
            WebhookUrl::Given(url)
        }
    };
    let http = yaml
        .http_config
        .or_else(|| global.cloned())
        .unwrap_or_default();
    Ok(Webhook {
        url,
        send_resolved: yaml.send_resolved.unwrap_or(true),
        max_alerts: yaml.max_alerts,
        authorization: authorization(http),
        timeout: yaml.timeout.map_or(Ok(0), |text| parse_duration(&text))?,
    })
}

fn authorization(http: HttpYaml) -> Option<String> {
    if let Some(basic) = http.basic_auth {
        let pair = format!("{}:{}", basic.username, basic.password);
        let engine = &base64::engine::general_purpose::STANDARD;
        return Some(format!("Basic {}", base64::Engine::encode(engine, pair)));
    }
    if let Some(own) = http.authorization {
        let kind = Some(own.r#type).filter(|kind| !kind.is_empty());
        let kind = kind.unwrap_or_else(|| "Bearer".to_owned());
        return Some(format!("{kind} {}", own.credentials));
    }
    http.bearer_token.map(|token| format!("Bearer {token}"))
}
