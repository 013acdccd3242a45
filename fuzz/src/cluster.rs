//! Manifests as `kubectl apply -k` takes them.

use ::cluster::manifests::Files;
use ::cluster::{Manifests, Topology};

use crate::{Target, seeds};

/// A folder with one manifest and what the first line makes of its `kustomization.yaml`.
pub(crate) const MANIFESTS: Target = Target {
    name: "manifests",
    run: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let mut files = Files::new();
        // Behind this mark stands the list of what there is.
        let (manifest, list) = text.split_once("\n#kustomization\n").unwrap_or((text, ""));
        files.insert("a.yaml".to_owned(), manifest.to_owned());
        if !list.is_empty() {
            files.insert("kustomization.yaml".to_owned(), list.to_owned());
        }
        match Manifests::from_files(&files) {
            Ok(manifests) => drop(Topology::of(&manifests)),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    },
    seeds: || {
        let mut texts = seeds::files("k8s/sock-shop", ".yaml");
        texts.extend(seeds::files("k8s/observability", ".yaml"));
        let list = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: x\nresources: [a.yaml]\nlabels: [{pairs: {a: b}, includeSelectors: true}]\nimages: [{name: a, newTag: '2'}]\n";
        let with = texts
            .first()
            .map(|first| format!("{first}\n#kustomization\n{list}"));
        texts.extend(with);
        seeds::bytes(texts)
    },
    words: &[
        "apiVersion: v1\n",
        "kind: Service\n",
        "kind: Deployment\n",
        "kind: ConfigMap\n",
        "metadata:\n",
        "spec:\n",
        "containers:\n",
        "- name: ",
        "image: ",
        "env:\n",
        "ports:\n",
        "selector:",
        "resources:",
        "limits:",
        "100m",
        "64Mi",
        "livenessProbe:",
        "httpGet:",
        "namespace:",
        "---\n",
        "\n#kustomization\n",
        "kind: Kustomization\n",
        "configMapGenerator:",
        "patches:",
        "replicas:",
        "&a ",
        "*a",
        "<<: *a",
        "schedule: '*/5 * * * *'",
        "kind: CronJob\n",
    ],
};
