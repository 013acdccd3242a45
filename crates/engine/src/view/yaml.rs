//! Objects as `kubectl get -o yaml` writes them.

use serde::Serialize;

/// The YAML of `object`. Who wrote which field (`managedFields`) is left out: it is of no
/// use to a reader, and longer than all the rest.
pub(super) fn written<K>(mut object: K) -> Result<String, serde_saphyr::ser::Error>
where
    K: kube::Resource + Serialize,
{
    object.meta_mut().managed_fields = None;
    serde_saphyr::to_string(&object)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Service;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_is_written_without_its_managed_fields() {
        let made: Service = serde_json::from_value(json!({
            "metadata": { "name": "payment", "managedFields": [{ "manager": "kubectl" }] },
            "spec": { "clusterIP": "127.9.0.1", "ports": [{ "name": "http", "port": 80 }] } }))
        .expect("a Service");
        assert_eq!(
            written(made).expect("YAML"),
            "apiVersion: v1
kind: Service
metadata:
  name: payment
spec:
  clusterIP: \"127.9.0.1\"
  ports:
  - name: http
    port: 80
"
        );
    }
}
