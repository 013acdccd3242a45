//! A configuration as the API shows it.

use serde_json::{Map, Value, json};

/// Keys whose values the API never shows.
const SECRETS: [&str; 20] = [
    "api_key",
    "api_secret",
    "bearer_token",
    "bot_token",
    "client_secret",
    "credentials",
    "opsgenie_api_key",
    "password",
    "auth_password",
    "auth_secret",
    "routing_key",
    "secret_key",
    "service_key",
    "slack_api_url",
    "smtp_auth_password",
    "smtp_auth_secret",
    "token",
    "user_key",
    "victorops_api_key",
    "webhook_url",
];

/// The configuration with its secrets hidden and the defaults that matter written out.
pub(super) fn shown(tree: &Value) -> String {
    let mut tree = tree.clone();
    hide(&mut tree, "");
    if let Some(map) = tree.as_object_mut() {
        let mut global = map.shift_remove("global").unwrap_or(Value::Null);
        if !global.is_object() {
            global = json!({});
        }
        if global["resolve_timeout"].is_null() {
            global["resolve_timeout"] = json!("5m");
        }
        let mut all = Map::new();
        all.insert("global".to_owned(), global);
        all.append(map);
        all.entry("templates").or_insert_with(|| json!([]));
        *map = all;
    }
    serde_saphyr::to_string(&tree).unwrap_or_default()
}

fn hide(value: &mut Value, parent: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, parent)),
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                let secret = SECRETS.contains(&key.as_str())
                    || (key == "api_url" && parent == "slack_configs");
                if secret && value.is_string() {
                    *value = json!("<secret>");
                } else {
                    hide(value, key);
                }
            }
        }
        _ => {}
    }
}
