//! Manifests, right and wrong.

use super::*;

fn files(list: &[(&str, &str)]) -> Files {
    list.iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect()
}

const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata: { name: a }\nspec:\n  selector: { name: a }\n  ports: [{ port: 80 }]\n";

#[test]
fn a_kustomization_puts_its_objects_into_its_namespace() {
    let manifests = Manifests::from_files(&files(&[
        ("kustomization.yaml", "namespace: shop\nlabels:\n  - pairs: { part: shop }\nresources: [a.yaml, inner]\n"),
        ("a.yaml", &format!("# first\n{SERVICE}---\napiVersion: v1\nkind: Namespace\nmetadata: {{ name: shop }}\n")),
        ("inner/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\ndata: { a: \"1\" }\n"),
        ("unused.yaml", "not: read"),
    ]))
    .unwrap();
    let found: Vec<_> = manifests
        .objects()
        .iter()
        .map(|m| {
            (
                m.kind,
                meta::namespace(&m.object),
                meta::label(&m.object, "part"),
                m.line,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (Kind::Namespace, "", Some("shop"), 9),
            (Kind::ConfigMap, "shop", Some("shop"), 1),
            (Kind::Service, "shop", Some("shop"), 2),
        ]
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_its_place() {
    let deployment = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: a
spec:
  replica: 1
  selector: { matchLabels: { name: a } }
  template:
    metadata: { labels: { name: a } }
    spec:
      containers:
        - name: a
          env:
            - name: PORT
              value: 80
          resources: { limits: { memory: lots } }
---
apiVersion: v1
kind: Servise
metadata: { name: b }
";
    let error = Manifests::from_files(&files(&[
        ("a.yaml", deployment),
        ("b.yaml", "apiVersion: v1\nkind: [\n"),
        ("c.yaml", "kind: Pod\nmetadata: {}\n"),
    ]))
    .unwrap_err();
    insta::assert_snapshot!(error.to_string(), @r"
    a.yaml:6:3: unknown field `spec.replica` (did you mean `replicas`?); expected one of replicas, selector, template, strategy, minReadySeconds, revisionHistoryLimit, paused, progressDeadlineSeconds
    a.yaml:12:11: `spec.template.spec.containers[0]` has no `image`; expected `image`: a text (put it in quotes when it looks like a number or `true`)
    a.yaml:15:22: `spec.template.spec.containers[0].env[0].value` is `80`; expected a text (put it in quotes when it looks like a number or `true`)
    a.yaml:16:42: `spec.template.spec.containers[0].resources.limits.memory` is the text `lots`; expected a quantity such as `500Mi`, `100m` or `1`
    a.yaml:19:7: unknown kind `Servise` (did you mean `Service`?); expected one of Namespace, Node, ResourceQuota, LimitRange, ServiceAccount, Role, ClusterRole, RoleBinding, ClusterRoleBinding, NetworkPolicy, PodDisruptionBudget, Secret, ConfigMap, PersistentVolume, PersistentVolumeClaim, Service, Endpoints, EndpointSlice, Pod, ReplicaSet, Deployment, StatefulSet, DaemonSet, HorizontalPodAutoscaler, Job, CronJob, Event, Lease
    b.yaml:2:7: unclosed bracket '['; expected YAML: `key: value`, indented with spaces
    c.yaml:1:1: `apiVersion` is missing; expected `apiVersion: ...` with a text
    ");
}

#[test]
fn a_resource_that_is_not_there_is_told() {
    let error = Manifests::from_files(&files(&[(
        "kustomization.yaml",
        "resources:\n  - gone.yaml\npatches: []\n",
    )]));
    let said = error.unwrap_err().to_string();
    assert!(
        said.contains("kustomization.yaml:2:5: the text `gone.yaml` does not exist here"),
        "{said}"
    );
    assert!(said.contains("unknown field `patches`"), "{said}");
}

#[test]
fn the_same_object_twice_is_a_mistake() {
    let error =
        Manifests::from_files(&files(&[("a.yaml", SERVICE), ("b.yaml", SERVICE)])).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("Service `a` is described twice; first at a.yaml:1"),
        "{error}"
    );
}

#[test]
fn the_shops_own_manifests_are_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../k8s");
    if !root.exists() {
        eprintln!("SKIPPED: there are no manifests in k8s/");
        return;
    }
    for folder in std::fs::read_dir(root)
        .unwrap()
        .flatten()
        .filter(|entry| entry.path().is_dir())
    {
        if let Err(error) = Manifests::from_dir(&folder.path()) {
            panic!("{error}");
        }
    }
}
