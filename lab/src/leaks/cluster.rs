//! What the Kubernetes API shows a responder: every object of every kind, and
//! the logs of every container.

use serde_json::Value;

use super::{Leak, Reach, Words};
use crate::error::LabError;

/// Searches all API objects that the responder's access shows, and all logs.
pub(crate) async fn in_cluster(reach: &Reach, words: &Words) -> Result<Vec<Leak>, LabError> {
    let mut leaks = Vec::new();
    for group in groups(reach).await? {
        let resources = reach.json(&format!("{}{group}", reach.api.0)).await?;
        for resource in listable(&resources) {
            let list = reach
                .json(&format!("{}{group}/{resource}", reach.api.0))
                .await?;
            for object in items(&list) {
                let place = format!("{resource} {}", full_name(object));
                words.search_json(&place, object, &mut leaks);
                if resource == "pods" && group == "/api/v1" {
                    logs(reach, words, object, &mut leaks).await?;
                }
            }
        }
    }
    Ok(leaks)
}

/// The paths of all group versions that are served.
async fn groups(reach: &Reach) -> Result<Vec<String>, LabError> {
    let mut paths = vec!["/api/v1".to_owned()];
    let groups = reach.json(&format!("{}/apis", reach.api.0)).await?;
    for group in groups["groups"].as_array().into_iter().flatten() {
        for version in group["versions"].as_array().into_iter().flatten() {
            paths.extend(
                version["groupVersion"]
                    .as_str()
                    .map(|name| format!("/apis/{name}")),
            );
        }
    }
    Ok(paths)
}

/// The resources that can be listed, parts of others aside.
fn listable(resources: &Value) -> Vec<&str> {
    let resources = resources["resources"].as_array().into_iter().flatten();
    resources
        .filter(|resource| {
            let verbs = resource["verbs"].as_array().into_iter().flatten();
            verbs.into_iter().any(|verb| verb == "list")
        })
        .filter_map(|resource| resource["name"].as_str())
        .filter(|name| !name.contains('/'))
        .collect()
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

fn full_name(object: &Value) -> String {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    match metadata["namespace"].as_str() {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}

/// The logs of the containers of `pod`, those before their last restart too.
async fn logs(
    reach: &Reach,
    words: &Words,
    pod: &Value,
    leaks: &mut Vec<Leak>,
) -> Result<(), LabError> {
    let name = full_name(pod);
    let Some((namespace, pod_name)) = name.split_once('/') else {
        return Ok(());
    };
    let containers = pod.pointer("/spec/containers").and_then(Value::as_array);
    for container in containers.into_iter().flatten() {
        let container = container["name"].as_str().unwrap_or_default();
        for previous in ["false", "true"] {
            let url = format!(
                "{}/api/v1/namespaces/{namespace}/pods/{pod_name}/log?container={container}&previous={previous}",
                reach.api.0
            );
            let text = reach.get(&url).await?.unwrap_or_default();
            let place = format!("log of {name}");
            for line in text.lines() {
                words.search_json(&place, &Value::String(line.to_owned()), leaks);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_can_be_listed_is_listed_and_subresources_are_not() {
        let resources = json!({ "resources": [
            { "name": "pods", "verbs": ["get", "list"] },
            { "name": "pods/log", "verbs": ["get", "list"] },
            { "name": "bindings", "verbs": ["create"] },
        ] });
        assert_eq!(listable(&resources), ["pods"]);
    }
}
