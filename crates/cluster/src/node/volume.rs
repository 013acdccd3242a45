//! Volumes as folders, and paths that lead into them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::environment::Sources;
use super::spec::{Container, FileSource, Pod, Volume};

/// Why a volume cannot be made, in kubelet's words (`FailedMount`).
#[derive(Debug, thiserror::Error)]
pub(crate) enum VolumeError {
    #[error("MountVolume.SetUp failed for volume \"{volume}\" : {kind} \"{name}\" not found")]
    NotFound {
        volume: String,
        kind: &'static str,
        name: String,
    },
    #[error(
        "MountVolume.SetUp failed for volume \"{volume}\" : references non-existent config key: {key}"
    )]
    NoKey { volume: String, key: String },
    #[error(
        "MountVolume.SetUp failed for volume \"{0}\" : hostPath volumes are not allowed on this node"
    )]
    HostPath(String),
    #[error("MountVolume.SetUp failed for volume \"{0}\" : this kind of volume is not supported")]
    Unsupported(String),
    #[error(
        "MountVolume.SetUp failed for volume \"{volume}\" : path \"{path}\" leads out of the volume"
    )]
    Escape { volume: String, path: String },
    #[error("MountVolume.SetUp failed for volume \"{volume}\" : {source}")]
    Io { volume: String, source: io::Error },
}

/// Where the folders are.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// The pod's own; goes with it.
    pub(crate) pod: PathBuf,
    /// The claims of the pod's namespace; they stay.
    pub(crate) claims: PathBuf,
}

/// The folders of a pod's volumes by the volumes' names.
pub(crate) type Volumes = BTreeMap<String, PathBuf>;

/// Makes every volume of the pod.
pub(crate) fn prepare(
    pod: &Pod,
    folders: &Folders,
    sources: &dyn Sources,
    claim_exists: &dyn Fn(&str) -> bool,
) -> Result<Volumes, VolumeError> {
    let mut volumes = Volumes::new();
    for volume in &pod.spec.volumes {
        let dir = match (&volume.host_path, &volume.persistent_volume_claim) {
            (Some(_), _) => return Err(VolumeError::HostPath(volume.name.clone())),
            (None, Some(claim)) if claim_exists(&claim.claim_name) => {
                inside(&folders.claims, &claim.claim_name, volume)?
            }
            (None, Some(claim)) => {
                return Err(VolumeError::NotFound {
                    volume: volume.name.clone(),
                    kind: "persistentvolumeclaim",
                    name: claim.claim_name.clone(),
                });
            }
            (None, None) => inside(&folders.pod.join("volumes"), &volume.name, volume)?,
        };
        fs::create_dir_all(&dir).map_err(|source| VolumeError::Io {
            volume: volume.name.clone(),
            source,
        })?;
        fill(volume, &dir, sources)?;
        volumes.insert(volume.name.clone(), dir);
    }
    Ok(volumes)
}

/// The folders of a container's mounts by their paths in the container, longest first.
pub(crate) fn mounts(container: &Container, volumes: &Volumes) -> Vec<(String, PathBuf)> {
    let mut mounts: Vec<(String, PathBuf)> = container
        .volume_mounts
        .iter()
        .filter_map(|mount| {
            let dir = volumes.get(&mount.name)?;
            let dir = match mount.sub_path.as_deref().filter(|path| !path.is_empty()) {
                Some(path) if is_inner(path) => dir.join(path),
                Some(_) => return None,
                None => dir.clone(),
            };
            Some((mount.mount_path.trim_end_matches('/').to_owned(), dir))
        })
        .collect();
    mounts.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
    mounts
}

/// `value` with a leading mount path replaced by its folder.
pub(crate) fn translate(value: &str, mounts: &[(String, PathBuf)]) -> String {
    for (path, dir) in mounts {
        if let Some(rest) = value.strip_prefix(path.as_str())
            && (rest.is_empty() || rest.starts_with('/'))
        {
            return format!("{}{rest}", dir.display());
        }
    }
    value.to_owned()
}

fn fill(volume: &Volume, dir: &Path, sources: &dyn Sources) -> Result<(), VolumeError> {
    if let Some(map) = &volume.config_map {
        let entries = sources.config_map(&map.name);
        return files(volume, map, "configmap", &map.name, entries, dir);
    }
    if let Some(secret) = &volume.secret {
        let entries = sources.secret(&secret.secret_name);
        return files(volume, secret, "secret", &secret.secret_name, entries, dir);
    }
    if volume.empty_dir.is_some() || volume.persistent_volume_claim.is_some() {
        return Ok(());
    }
    Err(VolumeError::Unsupported(volume.name.clone()))
}

fn files(
    volume: &Volume,
    source: &FileSource,
    kind: &'static str,
    name: &str,
    entries: Option<BTreeMap<String, String>>,
    dir: &Path,
) -> Result<(), VolumeError> {
    let entries = match entries {
        Some(entries) => entries,
        None if source.optional => return Ok(()),
        None => {
            return Err(VolumeError::NotFound {
                volume: volume.name.clone(),
                kind,
                name: name.to_owned(),
            });
        }
    };
    let chosen: Vec<(&str, &str)> = if source.items.is_empty() {
        entries
            .keys()
            .map(|key| (key.as_str(), key.as_str()))
            .collect()
    } else {
        let items = source.items.iter();
        items
            .map(|item| (item.key.as_str(), item.path.as_str()))
            .collect()
    };
    for (key, path) in chosen {
        let Some(text) = entries.get(key) else {
            if source.optional {
                continue;
            }
            return Err(VolumeError::NoKey {
                volume: volume.name.clone(),
                key: key.to_owned(),
            });
        };
        let file = inside(dir, path, volume)?;
        let parent = file.parent().unwrap_or(dir);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&file, text))
            .map_err(|source| VolumeError::Io {
                volume: volume.name.clone(),
                source,
            })?;
    }
    Ok(())
}

/// `path` within `dir`, and nowhere else.
fn inside(dir: &Path, path: &str, volume: &Volume) -> Result<PathBuf, VolumeError> {
    if is_inner(path) {
        return Ok(dir.join(path));
    }
    Err(VolumeError::Escape {
        volume: volume.name.clone(),
        path: path.to_owned(),
    })
}

fn is_inner(path: &str) -> bool {
    !path.is_empty()
        && Path::new(path)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    struct Maps;

    impl Sources for Maps {
        fn config_map(&self, name: &str) -> Option<BTreeMap<String, String>> {
            (name == "settings").then(|| [("app.conf".to_owned(), "fast".to_owned())].into())
        }

        fn secret(&self, name: &str) -> Option<BTreeMap<String, String>> {
            (name == "keys").then(|| [("token".to_owned(), "t0p".to_owned())].into())
        }
    }

    fn prepared(dir: &Path, volumes: Value, mounts: Value) -> Result<(Pod, Volumes), VolumeError> {
        let pod = Pod::read(&json!({
            "spec": {"volumes": volumes, "containers": [{"name": "c", "volumeMounts": mounts}]}
        }))
        .unwrap();
        let folders = Folders {
            pod: dir.join("pod"),
            claims: dir.join("claims"),
        };
        let volumes = prepare(&pod, &folders, &Maps, &|claim| claim == "data")?;
        Ok((pod, volumes))
    }

    #[test]
    fn each_kind_of_volume_is_a_folder_and_paths_lead_into_it() {
        let dir = tempfile::tempdir().unwrap();
        let (pod, volumes) = prepared(
            dir.path(),
            json!([
                {"name": "tmp", "emptyDir": {}},
                {"name": "conf", "configMap": {"name": "settings", "items": [{"key": "app.conf", "path": "a/b.conf"}]}},
                {"name": "keys", "secret": {"secretName": "keys"}},
                {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
            ]),
            json!([
                {"name": "tmp", "mountPath": "/tmp"},
                {"name": "data", "mountPath": "/var/lib/"},
                {"name": "data", "mountPath": "/var/lib/sub", "subPath": "sub"}
            ]),
        )
        .unwrap();
        let read = |path: &str| fs::read_to_string(dir.path().join(path)).unwrap();
        assert_eq!(read("pod/volumes/conf/a/b.conf"), "fast");
        assert_eq!(read("pod/volumes/keys/token"), "t0p");
        let mounts = mounts(&pod.spec.containers[0], &volumes);
        let root = dir.path().display();
        for (value, expected) in [
            ("/tmp", format!("{root}/pod/volumes/tmp")),
            ("/tmp/x", format!("{root}/pod/volumes/tmp/x")),
            ("/tmpfile", "/tmpfile".to_owned()),
            ("/var/lib/pg", format!("{root}/claims/data/pg")),
            ("/var/lib/sub/x", format!("{root}/claims/data/sub/x")),
            ("--dir=/tmp", "--dir=/tmp".to_owned()),
        ] {
            assert_eq!(translate(value, &mounts), expected, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_mounted_is_named_as_kubelet_does() {
        let dir = tempfile::tempdir().unwrap();
        for (volume, message) in [
            (
                json!({"name": "v", "hostPath": {"path": "/"}}),
                "not allowed",
            ),
            (
                json!({"name": "v", "configMap": {"name": "none"}}),
                "configmap \"none\" not found",
            ),
            (
                json!({"name": "v", "secret": {"secretName": "none"}}),
                "secret \"none\" not found",
            ),
            (
                json!({"name": "v", "persistentVolumeClaim": {"claimName": "none"}}),
                "persistentvolumeclaim \"none\" not found",
            ),
            (
                json!({"name": "v", "configMap": {"name": "settings", "items": [{"key": "x", "path": "x"}]}}),
                "non-existent config key: x",
            ),
            (
                json!({"name": "v", "configMap": {"name": "settings", "items": [{"key": "app.conf", "path": "../x"}]}}),
                "leads out",
            ),
            (json!({"name": "v", "csi": {}}), "not supported"),
        ] {
            let error = prepared(dir.path(), json!([volume]), json!([])).unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
        }
    }
}
