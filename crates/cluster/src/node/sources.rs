//! What pods refer to, read from the cluster's objects: ConfigMaps, Secrets, Services, claims.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::environment::Sources;
use super::peers::Services;
use crate::objects::{Kind, Objects, meta};

/// The objects that the pods of one namespace can refer to.
pub(crate) struct ObjectSources<'o> {
    pub(crate) objects: &'o Objects,
    pub(crate) namespace: &'o str,
}

impl Sources for ObjectSources<'_> {
    fn config_map(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let map = self.objects.find(Kind::ConfigMap, self.namespace, name)?;
        Some(entries(&map, "data", str::to_owned))
    }

    fn secret(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let secret = self.objects.find(Kind::Secret, self.namespace, name)?;
        let mut all = entries(&secret, "data", |text| {
            let bytes = STANDARD.decode(text).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        });
        all.append(&mut entries(&secret, "stringData", str::to_owned));
        Some(all)
    }
}

impl ObjectSources<'_> {
    /// Whether the namespace has such a claim.
    pub(crate) fn has_claim(&self, name: &str) -> bool {
        self.objects
            .find(Kind::PersistentVolumeClaim, self.namespace, name)
            .is_some()
    }
}

impl Services for Objects {
    fn ports(&self, namespace: &str, service: &str) -> Option<Vec<u16>> {
        let service = self.find(Kind::Service, namespace, service)?;
        let ports = meta::items(&service, "/spec/ports").iter();
        Some(ports.filter_map(|port| number(port, "port")).collect())
    }
}

/// A port number in a field of an object.
pub(crate) fn number(object: &Value, field: &str) -> Option<u16> {
    object.get(field)?.as_u64()?.try_into().ok()
}

fn entries(
    object: &Value,
    field: &str,
    decode: impl Fn(&str) -> String,
) -> BTreeMap<String, String> {
    let Some(map) = object.get(field).and_then(Value::as_object) else {
        return BTreeMap::new();
    };
    map.iter()
        .filter_map(|(key, value)| Some((key.clone(), decode(value.as_str()?))))
        .collect()
}
