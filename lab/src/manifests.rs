//! The manifests of a shop, of its customers, and of the telemetry services.

use catalog::Source;
use cluster::manifests::Files;
use cluster::{Manifests, Topology};
use model::{Load, ServiceName};
use serde_json::{Value, json};

/// A set of manifests with what they say of services.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) manifests: Manifests,
    topology: Topology,
}

/// Reads manifests; tells all that is wrong with them at once.
pub(crate) fn read(sources: &[Source]) -> Result<Parts, String> {
    let files: Files = sources
        .iter()
        .map(|source| (source.name().to_owned(), source.text().to_owned()))
        .collect();
    let (folder, files) = below_common_folder(files);
    let manifests = Manifests::from_files(&files).map_err(|error| {
        let problems = error.problems.iter();
        let lines: Vec<String> = problems.map(|found| format!("{folder}{found}")).collect();
        lines.join("\n")
    })?;
    let topology = Topology::of(&manifests);
    Ok(Parts {
        manifests,
        topology,
    })
}

/// The files' common folder, with its slash, and their paths as a
/// kustomization in it knows them.
fn below_common_folder(files: Files) -> (String, Files) {
    let folder = files
        .keys()
        .filter_map(|path| path.rsplit_once('/').map(|(folder, _)| folder.to_owned()))
        .min_by_key(String::len);
    let Some(folder) = folder.map(|folder| format!("{folder}/")) else {
        return (String::new(), files);
    };
    let strip = |path: String| match path.strip_prefix(&folder) {
        Some(rest) => rest.to_owned(),
        None => path,
    };
    let below = files.into_iter().map(|(path, text)| (strip(path), text));
    let below = below.collect();
    (folder, below)
}

impl Parts {
    /// The services and stores of `namespace`.
    pub(crate) fn services(&self, namespace: &str) -> Vec<ServiceName> {
        self.topology
            .services_in(namespace)
            .map(ServiceName::from)
            .collect()
    }

    /// The objects, as they are authored.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let manifests = self.manifests.objects().iter();
        manifests.map(|manifest| manifest.object.clone()).collect()
    }

    /// Sets the environment of the customers for one drill.
    pub(crate) fn set_load(&mut self, shop: &str, load: Load, seed: u64) {
        let values = [
            ("SHOP", shop.to_owned()),
            ("TARGET_URL", format!("http://front-end.{shop}")),
            ("USERS", load.users.to_string()),
            ("SEED", seed.to_string()),
        ];
        for manifest in self.manifests.objects_mut() {
            let containers = manifest
                .object
                .pointer_mut("/spec/template/spec/containers")
                .and_then(Value::as_array_mut);
            for container in containers.into_iter().flatten() {
                for (name, value) in &values {
                    set_env(container, name, value);
                }
            }
        }
    }
}

fn set_env(container: &mut Value, name: &str, value: &str) {
    let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) else {
        return;
    };
    match env.iter_mut().find(|variable| variable["name"] == name) {
        Some(variable) => *variable = json!({ "name": name, "value": value }),
        None => env.push(json!({ "name": name, "value": value })),
    }
}

/// Endpoints that point a Service without a selector at a part of this process.
pub(crate) fn endpoints(name: &str, ports: &[(&str, std::net::SocketAddr)]) -> Value {
    let subsets: Vec<Value> = ports
        .iter()
        .map(|(port, address)| {
            json!({
                "addresses": [{ "ip": address.ip().to_string() }],
                "ports": [{ "name": port, "port": address.port(), "protocol": "TCP" }],
            })
        })
        .collect();
    json!({
        "metadata": { "name": name, "namespace": "observability" },
        "subsets": subsets,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::{Assets, Folder};
    use model::LoadShape;

    #[test]
    fn the_built_in_manifests_are_whole_and_name_every_service() {
        let assets = Assets::default();
        let sources = assets.yaml(Folder::K8s, "sock-shop").expect("built in");
        let parts = read(&sources).expect("whole");
        let services = parts.services("sock-shop");
        assert_eq!(services.len(), 15, "{services:?}");
        assert!(services.contains(&"payment".into()));
    }

    #[test]
    fn the_load_is_set_where_the_customers_read_it() {
        let sources = Assets::default()
            .yaml(Folder::K8s, "lab")
            .expect("built in");
        let mut parts = read(&sources).expect("whole");
        let load = Load {
            shape: LoadShape::Steady,
            users: 7,
        };
        parts.set_load("shopmicro", load, 42);
        let text = format!("{:?}", parts.manifests);
        for expected in ["front-end.shopmicro", "\"7\"", "\"42\""] {
            assert!(text.contains(expected), "{expected}");
        }
    }
}
