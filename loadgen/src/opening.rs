//! Customers come when the shop is open, not while it is being built up.

use std::time::Duration;

use serde_json::Value;

/// How often the door is tried.
const EVERY: Duration = Duration::from_millis(200);
/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits until every path below `target` answers with what is no complaint.
pub(crate) async fn wait(target: &str, paths: &[&str]) -> Result<(), reqwest::Error> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(PATIENCE)
        .build()?;
    for path in paths {
        let url = format!("{}{path}", target.trim_end_matches('/'));
        while !open(&client, &url).await {
            tokio::time::sleep(EVERY).await;
        }
    }
    Ok(())
}

async fn open(client: &reqwest::Client, url: &str) -> bool {
    let Ok(response) = client.get(url).send().await else {
        return false;
    };
    if !response.status().is_success() {
        return false;
    }
    let text = response.text().await.unwrap_or_default();
    !complains(&text)
}

/// Whether a body is an error object, whatever its status was.
fn complains(text: &str) -> bool {
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => fields.contains_key("error") || fields.contains_key("message"),
        Ok(Value::Null) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::complains;

    #[test]
    fn a_page_or_data_is_no_complaint_and_an_error_object_is_one() {
        for (text, expected) in [
            ("<html>", false),
            (r#"[{"id":"a"}]"#, false),
            (r#"{"size":10}"#, false),
            (r#"{"error":"Database error"}"#, true),
            (r#"{"message":"connect ECONNREFUSED"}"#, true),
            ("null", true),
        ] {
            assert_eq!(complains(text), expected, "{text}");
        }
    }
}
