//! `kustomization.yaml`: which files belong together, and what is added to their objects.

use serde_json::Value;

use super::problem::Problem;
use super::tree::{Node, Tree};
use super::{Files, Manifest, read_file};
use crate::objects::{Kind, meta};

/// The fields of a kustomization that are understood.
const FIELDS: [&str; 8] = [
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "namespace",
    "labels",
    "commonLabels",
    "commonAnnotations",
];

/// The objects of a folder, `""` or ending with `/`.
pub(super) fn collect(files: &Files, folder: &str, problems: &mut Vec<Problem>) -> Vec<Manifest> {
    let name = ["kustomization.yaml", "kustomization.yml"]
        .into_iter()
        .map(|name| format!("{folder}{name}"))
        .find(|name| files.contains_key(name));
    match name {
        Some(name) => kustomized(files, folder, &name, problems),
        None => plain(files, folder, problems),
    }
}

/// A folder without a kustomization: its files, and the folders in it that have one.
fn plain(files: &Files, folder: &str, problems: &mut Vec<Problem>) -> Vec<Manifest> {
    let mut found = Vec::new();
    for (path, text) in files {
        let Some(rest) = path.strip_prefix(folder) else {
            continue;
        };
        match rest.rsplit_once('/') {
            None => found.extend(read_file(path, text, problems)),
            Some((inner, "kustomization.yaml" | "kustomization.yml")) => {
                found.extend(collect(files, &format!("{folder}{inner}/"), problems));
            }
            Some(_) => {}
        }
    }
    found
}

fn kustomized(
    files: &Files,
    folder: &str,
    file: &str,
    problems: &mut Vec<Problem>,
) -> Vec<Manifest> {
    let text = files.get(file).map_or("", String::as_str);
    let tree = match Tree::parse(text) {
        Ok(tree) => tree,
        Err((line, column, message)) => {
            problems.push(Problem::new(
                file,
                (line, column),
                message,
                "a kustomization with `resources`",
            ));
            return Vec::new();
        }
    };
    if let Node::Map(entries) = &tree.node {
        for (key, place, _) in entries
            .iter()
            .filter(|(key, ..)| !FIELDS.contains(&key.as_str()))
        {
            let message = format!("unknown field `{key}`");
            problems.push(Problem::new(
                file,
                *place,
                message,
                format!("one of {}", FIELDS.join(", ")),
            ));
        }
    }
    let mut found = resources(files, folder, file, &tree, problems);
    let namespace = tree.get("namespace").and_then(Tree::text);
    let (labels, in_selectors) = labels(&tree);
    let annotations = tree
        .get("commonAnnotations")
        .map(Tree::value)
        .unwrap_or_default();
    for manifest in &mut found {
        if let Some(namespace) = namespace {
            set_namespace(manifest, namespace);
        }
        add(&mut manifest.object, &["metadata", "labels"], &labels);
        add(
            &mut manifest.object,
            &["metadata", "annotations"],
            &annotations,
        );
        add(&mut manifest.object, &["metadata", "labels"], &in_selectors);
        select(manifest, &in_selectors);
    }
    found
}

fn resources(
    files: &Files,
    folder: &str,
    file: &str,
    tree: &Tree,
    problems: &mut Vec<Problem>,
) -> Vec<Manifest> {
    let Some(Node::List(items)) = tree.get("resources").map(|list| &list.node) else {
        let expected = "`resources:` with a list of files and folders";
        problems.push(Problem::new(
            file,
            tree.place(),
            "`resources` is missing",
            expected,
        ));
        return Vec::new();
    };
    let mut found = Vec::new();
    for item in items {
        let path = item.text().and_then(|name| resolve(folder, name));
        let is_folder = |path: &str| {
            files
                .keys()
                .any(|file| file.starts_with(&format!("{path}/")))
        };
        match path {
            Some(path) if files.contains_key(&path) => {
                found.extend(read_file(&path, &files[&path], problems));
            }
            Some(path) if is_folder(&path) => {
                found.extend(collect(files, &format!("{path}/"), problems));
            }
            _ => {
                let message = format!("{} does not exist here", item.found());
                problems.push(Problem::new(
                    file,
                    item.place(),
                    message,
                    "a YAML file or a folder beside this file",
                ));
            }
        }
    }
    found
}

/// A path seen from a folder; nothing that leads outside of all that was read.
fn resolve(folder: &str, name: &str) -> Option<String> {
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty()).collect();
    for step in name.trim_end_matches('/').split('/') {
        match step {
            "." | "" => {}
            ".." => {
                steps.pop()?;
            }
            step => steps.push(step),
        }
    }
    Some(steps.join("/"))
}

fn set_namespace(manifest: &mut Manifest, namespace: &str) {
    if manifest.kind.namespaced() {
        meta::ensure(&mut manifest.object, &["metadata"])
            .insert("namespace".into(), namespace.into());
    }
}

/// Labels for metadata only, and labels for selectors and templates too.
fn labels(tree: &Tree) -> (Value, Value) {
    let mut both = tree
        .get("commonLabels")
        .map(Tree::value)
        .unwrap_or_default();
    let mut own = Value::Null;
    if let Some(Node::List(items)) = tree.get("labels").map(|list| &list.node) {
        for item in items {
            let pairs = item.get("pairs").map(Tree::value).unwrap_or_default();
            let selects = item
                .get("includeSelectors")
                .is_some_and(|flag| flag.value() == true);
            merge(if selects { &mut both } else { &mut own }, &pairs);
        }
    }
    (own, both)
}

fn merge(into: &mut Value, pairs: &Value) {
    for (key, value) in pairs.as_object().into_iter().flatten() {
        into[key] = value.clone();
    }
}

fn add(object: &mut Value, path: &[&str], pairs: &Value) {
    if pairs.as_object().is_some_and(|pairs| !pairs.is_empty()) {
        let target = meta::ensure(object, path);
        for (key, value) in pairs.as_object().into_iter().flatten() {
            target.insert(key.clone(), value.clone());
        }
    }
}

/// Adds labels to what selects and to what is selected.
fn select(manifest: &mut Manifest, labels: &Value) {
    match manifest.kind {
        Kind::Service if manifest.object.pointer("/spec/selector").is_some() => {
            add(&mut manifest.object, &["spec", "selector"], labels);
        }
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet => {
            add(
                &mut manifest.object,
                &["spec", "selector", "matchLabels"],
                labels,
            );
            add(
                &mut manifest.object,
                &["spec", "template", "metadata", "labels"],
                labels,
            );
        }
        _ => {}
    }
}
