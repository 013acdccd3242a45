//! What pods use, as `metrics.k8s.io` tells it: the API behind `kubectl top pods`.

use std::collections::BTreeMap;

use kube::api::{ApiResource, DynamicObject, GroupVersionKind};

use super::Usage;

/// The resource of the API.
pub(super) fn resource() -> ApiResource {
    let kind = GroupVersionKind::gvk("metrics.k8s.io", "v1beta1", "PodMetrics");
    ApiResource::from_gvk_with_plural(&kind, "pods")
}

/// What each pod uses, all its containers together.
pub(super) fn of_pods(measured: &[DynamicObject]) -> BTreeMap<String, Usage> {
    let each = measured.iter().filter_map(|pod| {
        let containers = pod.data.get("containers")?.as_array()?;
        let sum = |name: &str| -> f64 {
            let texts = containers.iter().map(|each| each["usage"][name].as_str());
            texts.flatten().filter_map(quantity).sum()
        };
        let usage = Usage {
            millicores: (sum("cpu") * 1_000.0).round() as u64,
            bytes: sum("memory").round() as u64,
        };
        Some((pod.metadata.name.clone()?, usage))
    });
    each.collect()
}

/// A quantity of Kubernetes, such as `250m` or `64Mi`, in its unit.
fn quantity(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 11] = [
        ("Ki", 1_024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
    ];
    let unit = UNITS.iter().find(|(unit, _)| text.ends_with(unit));
    let (number, factor) = match unit {
        Some((unit, factor)) => (text.strip_suffix(unit)?, *factor),
        None => (text, 1.0),
    };
    number.parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_read_in_every_unit_that_clusters_write() {
        for (text, value) in [
            ("12500000n", Some(0.0125)),
            ("250m", Some(0.25)),
            ("2", Some(2.0)),
            ("64Ki", Some(65_536.0)),
            ("3M", Some(3e6)),
            ("many", None),
        ] {
            assert_eq!(quantity(text), value, "{text}");
        }
    }

    #[test]
    fn the_containers_of_a_pod_are_summed() {
        let measured: DynamicObject = serde_json::from_value(json!({
            "metadata": { "name": "payment-1" },
            "containers": [
                { "name": "payment", "usage": { "cpu": "120000000n", "memory": "20480Ki" } },
                { "name": "edge", "usage": { "cpu": "5m", "memory": "1Mi" } }] }))
        .expect("an object");
        let usage = Usage {
            millicores: 125,
            bytes: 21 * 1_048_576,
        };
        assert_eq!(
            of_pods(&[measured]),
            [("payment-1".to_owned(), usage)].into()
        );
    }
}
