//! Notifications by webhook: the body, and its delivery with retries
//! (<https://prometheus.io/docs/alerting/latest/configuration/#webhook_config>).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep_until;

use super::alert::{Alert, NEVER};
use super::config::{Webhook, WebhookUrl};
use super::dispatch::{Delivery, Notice};
use crate::clock::Clock;
use crate::metrics::Labels;

/// The first pause before another attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The body of a notification, version 4.
pub(super) fn payload(notice: &Notice<'_>, alerts: &[&Alert], max: usize) -> Value {
    let kept = if max == 0 {
        alerts.len()
    } else {
        max.min(alerts.len())
    };
    let (alerts, left_out) = alerts.split_at(kept);
    let firing = alerts.iter().any(|a| !a.resolved_at(notice.now));
    json!({
        "receiver": quote_meta(&notice.receiver.name),
        "status": status(firing),
        "alerts": alerts.iter().map(|a| alert(a, notice.now)).collect::<Vec<_>>(),
        "groupLabels": notice.group.labels.json(),
        "commonLabels": common(alerts.iter().map(|a| label_map(&a.labels))),
        "commonAnnotations": common(alerts.iter().map(|a| a.annotations.clone())),
        "externalURL": notice.external_url,
        "version": "4",
        "groupKey": notice.key,
        "truncatedAlerts": left_out.len(),
    })
}

const fn status(firing: bool) -> &'static str {
    if firing { "firing" } else { "resolved" }
}

fn alert(alert: &Alert, now: i64) -> Value {
    let firing = !alert.resolved_at(now);
    let time = |ms| {
        jiff::Timestamp::from_millisecond(ms).map_or_else(|_| NEVER.to_owned(), |t| t.to_string())
    };
    json!({
        "status": status(firing),
        "labels": alert.labels.json(),
        "annotations": alert.annotations,
        "startsAt": time(alert.starts_at),
        "endsAt": if firing { NEVER.to_owned() } else { time(alert.ends_at) },
        "generatorURL": alert.generator_url,
        "fingerprint": format!("{:016x}", alert.fingerprint()),
    })
}

fn label_map(labels: &Labels) -> BTreeMap<String, String> {
    let pairs = labels.iter();
    pairs.map(|(n, v)| (n.to_string(), v.to_string())).collect()
}

/// What all have alike.
fn common(mut all: impl Iterator<Item = BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let mut kept = all.next().unwrap_or_default();
    for other in all {
        kept.retain(|name, value| other.get(name) == Some(value));
    }
    kept
}

/// Receivers' names are written as Go's `regexp.QuoteMeta` writes them.
fn quote_meta(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Posts a notification until it is taken, refused, or too late.
///
/// # Errors
/// Why it did not arrive.
pub(super) async fn deliver(
    client: &reqwest::Client,
    delivery: &Delivery,
    clock: Clock,
) -> Result<(), String> {
    let Some((webhook, body)) = &delivery.post else {
        return Ok(());
    };
    let attempts = async {
        let mut pause = FIRST_PAUSE;
        loop {
            let why = match post(client, webhook, body).await {
                Ok(()) => return Ok(()),
                Err(Failure::Refused(why)) => return Err(why),
                Err(Failure::Again(why)) => why,
            };
            tracing::warn!(why, "webhook failed; trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    };
    tokio::select! {
        sent = attempts => sent,
        () = sleep_until(clock.instant_at(delivery.until)) => {
            Err("context deadline exceeded".to_owned())
        }
    }
}

enum Failure {
    Refused(String),
    Again(String),
}

async fn post(client: &reqwest::Client, webhook: &Webhook, body: &str) -> Result<(), Failure> {
    let url = match &webhook.url {
        WebhookUrl::Given(url) => url.clone(),
        WebhookUrl::File(path) => {
            let read = tokio::fs::read_to_string(path).await;
            let text = read.map_err(|e| Failure::Refused(format!("read url_file: {e}")))?;
            text.trim().to_owned()
        }
    };
    let mut request = client
        .post(url)
        .header("content-type", "application/json")
        .header(
            "user-agent",
            concat!("Alertmanager/", env!("CARGO_PKG_VERSION")),
        )
        .body(body.to_owned());
    if let Some(authorization) = &webhook.authorization {
        request = request.header("authorization", authorization);
    }
    if let Ok(ms) = u64::try_from(webhook.timeout)
        && ms > 0
    {
        request = request.timeout(Duration::from_millis(ms));
    }
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) if error.is_builder() => return Err(Failure::Refused(error.to_string())),
        Err(error) => return Err(Failure::Again(error.to_string())),
    };
    let status = answer.status();
    let why = || format!("unexpected status code {}", status.as_u16());
    if status.is_success() {
        Ok(())
    } else if status.is_server_error() {
        Err(Failure::Again(why()))
    } else {
        Err(Failure::Refused(why()))
    }
}
