//! Rules and alerts, as Prometheus gives them.

use axum::extract::State;
use serde_json::json;

use super::answer::{ApiError, success};
use super::{Answer, ApiState, Params};
use crate::rules::{RuleKind, RulesFilter};

pub(super) async fn rules(State(api): ApiState, params: Params) -> Answer {
    let kind = match params.get("type") {
        "" => None,
        "alert" => Some(RuleKind::Alerting),
        "record" => Some(RuleKind::Recording),
        other => {
            return Err(ApiError::parameter(
                "type",
                format!("not supported value {other:?}"),
            ));
        }
    };
    let list = |name| params.all(name).into_iter().map(str::to_owned).collect();
    let filter = RulesFilter {
        kind,
        names: list("rule_name[]"),
        groups: list("rule_group[]"),
        files: list("file[]"),
        matchers: params.matchers()?,
        hide_alerts: matches!(
            params.get("exclude_alerts"),
            "true" | "1" | "t" | "T" | "TRUE"
        ),
    };
    let mut data = api.ruler.rules_json(&filter);
    let limit = params.get("group_limit");
    if !limit.is_empty() {
        let limit: usize = limit.parse().map_err(|_| {
            ApiError::parameter("group_limit", "group_limit must be a positive number")
        })?;
        page(&mut data, limit, params.get("group_next_token"));
    }
    Ok(success(data))
}

/// Leaves `limit` groups, beginning with the one that `token` names.
fn page(data: &mut serde_json::Value, limit: usize, token: &str) {
    let Some(groups) = data["groups"].as_array_mut() else {
        return;
    };
    let key = |g: &serde_json::Value| {
        format!(
            "{}:{}",
            g["file"].as_str().unwrap_or(""),
            g["name"].as_str().unwrap_or("")
        )
    };
    if let Some(at) = groups.iter().position(|g| key(g) == token) {
        groups.drain(..at);
    }
    let next = groups.get(limit).map(key);
    groups.truncate(limit);
    if let Some(next) = next {
        data["groupNextToken"] = json!(next);
    }
}

pub(super) async fn alerts(State(api): ApiState) -> Answer {
    Ok(success(json!({"alerts": api.ruler.alerts_json()})))
}
