//! Kubernetes' protobuf, as much as `kubectl create` and evictions send. Pure.
//!
//! Newer clients send objects that they build themselves as protobuf and expect every server to read it. The kinds
//! that are built that way are few, so their fields stand here in tables.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::status::{ApiError, ApiResult};
use crate::objects::meta;

/// What a field holds.
#[derive(Clone, Copy)]
enum Form {
    /// A text; an empty one is the same as none.
    Text,
    /// A number that may be 0.
    Whole,
    /// A number of which 0 is the same as none.
    Count,
    Flag,
    /// A map of texts.
    Texts,
    /// A map of bytes, given in base64.
    Blobs,
    /// A map of quantities.
    Amounts,
    /// A number or a text.
    WholeOrText,
    Message(&'static [Field]),
    /// A list of texts.
    List,
    /// A list of messages.
    Messages(&'static [Field]),
}

use Form::{Amounts, Blobs, Count, Flag, List, Message, Messages, Text, Texts, Whole, WholeOrText};

/// Number, name and form of a field.
type Field = (u64, &'static str, Form);

/// The first bytes of every message.
const MAGIC: &[u8] = b"k8s\0";

const META: &[Field] = &[
    (1, "name", Text),
    (2, "generateName", Text),
    (3, "namespace", Text),
    (11, "labels", Texts),
    (12, "annotations", Texts),
    (13, "ownerReferences", Messages(OWNER)),
    (14, "finalizers", List),
];
const OWNER: &[Field] = &[
    (1, "kind", Text),
    (3, "name", Text),
    (4, "uid", Text),
    (5, "apiVersion", Text),
    (6, "controller", Flag),
    (7, "blockOwnerDeletion", Flag),
];
const METADATA: Field = (1, "metadata", Message(META));

/// What most kinds have behind their metadata.
const fn spec(fields: &'static [Field]) -> Field {
    (2, "spec", Message(fields))
}

const PLAIN: &[Field] = &[METADATA];
const CONFIG_MAP: &[Field] = &[
    METADATA,
    (2, "data", Texts),
    (3, "binaryData", Blobs),
    (4, "immutable", Flag),
];
const SECRET: &[Field] = &[
    METADATA,
    (2, "data", Blobs),
    (3, "type", Text),
    (4, "stringData", Texts),
];
const DELETE_OPTIONS: &[Field] = &[
    (1, "gracePeriodSeconds", Whole),
    (2, "preconditions", Message(&[(1, "uid", Text)])),
    (4, "propagationPolicy", Text),
];
const EVICTION: &[Field] = &[METADATA, (2, "deleteOptions", Message(DELETE_OPTIONS))];
const ATTRIBUTES: &[Field] = &[
    (1, "namespace", Text),
    (2, "verb", Text),
    (3, "group", Text),
    (5, "resource", Text),
    (6, "subresource", Text),
    (7, "name", Text),
];
const REVIEW: &[Field] = &[
    METADATA,
    spec(&[(1, "resourceAttributes", Message(ATTRIBUTES))]),
];
const CONTAINER: &[Field] = &[
    (1, "name", Text),
    (2, "image", Text),
    (3, "command", List),
    (4, "args", List),
    (5, "workingDir", Text),
    (
        6,
        "ports",
        Messages(&[
            (1, "name", Text),
            (3, "containerPort", Count),
            (4, "protocol", Text),
        ]),
    ),
    (7, "env", Messages(&[(1, "name", Text), (2, "value", Text)])),
    (
        8,
        "resources",
        Message(&[(1, "limits", Amounts), (2, "requests", Amounts)]),
    ),
    (14, "imagePullPolicy", Text),
];
const POD_SPEC: &[Field] = &[
    (2, "containers", Messages(CONTAINER)),
    (3, "restartPolicy", Text),
    (4, "terminationGracePeriodSeconds", Whole),
];
const TEMPLATE: &[Field] = &[METADATA, spec(POD_SPEC)];
const DEPLOYMENT_SPEC: &[Field] = &[
    (1, "replicas", Whole),
    (2, "selector", Message(&[(1, "matchLabels", Texts)])),
    (3, "template", Message(TEMPLATE)),
];
const DEPLOYMENT: &[Field] = &[METADATA, spec(DEPLOYMENT_SPEC)];
const SERVICE_PORT: &[Field] = &[
    (1, "name", Text),
    (2, "protocol", Text),
    (3, "port", Count),
    (4, "targetPort", WholeOrText),
    (5, "nodePort", Count),
];
const SERVICE_SPEC: &[Field] = &[
    (1, "ports", Messages(SERVICE_PORT)),
    (2, "selector", Texts),
    (3, "clusterIP", Text),
    (4, "type", Text),
    (10, "externalName", Text),
];
const SERVICE: &[Field] = &[METADATA, spec(SERVICE_SPEC)];
const SCALED: &[Field] = &[
    (1, "kind", Text),
    (2, "name", Text),
    (3, "apiVersion", Text),
];
const SCALE_TARGET: Field = (1, "scaleTargetRef", Message(SCALED));
const FEWEST: Field = (2, "minReplicas", Whole);
const MOST: Field = (3, "maxReplicas", Whole);
const METRIC_TARGET: &[Field] = &[(1, "type", Text), (4, "averageUtilization", Whole)];
const METRIC: &[Field] = &[
    (1, "type", Text),
    (
        4,
        "resource",
        Message(&[(1, "name", Text), (2, "target", Message(METRIC_TARGET))]),
    ),
];
const AUTOSCALER_V1: &[Field] = &[
    METADATA,
    spec(&[
        SCALE_TARGET,
        FEWEST,
        MOST,
        (4, "targetCPUUtilizationPercentage", Whole),
    ]),
];
const AUTOSCALER_V2: &[Field] = &[
    METADATA,
    spec(&[SCALE_TARGET, FEWEST, MOST, (4, "metrics", Messages(METRIC))]),
];
const JOB_SPEC: &[Field] = &[
    (1, "parallelism", Whole),
    (2, "completions", Whole),
    (3, "activeDeadlineSeconds", Whole),
    (6, "template", Message(TEMPLATE)),
    (7, "backoffLimit", Whole),
    (8, "ttlSecondsAfterFinished", Whole),
    (10, "suspend", Flag),
];
const JOB: &[Field] = &[METADATA, spec(JOB_SPEC)];
const CRON_JOB: &[Field] = &[
    METADATA,
    spec(&[
        (1, "schedule", Text),
        (2, "startingDeadlineSeconds", Whole),
        (3, "concurrencyPolicy", Text),
        (4, "suspend", Flag),
        (5, "jobTemplate", Message(JOB)),
        (6, "successfulJobsHistoryLimit", Whole),
        (7, "failedJobsHistoryLimit", Whole),
        (8, "timeZone", Text),
    ]),
];
const TYPE_META: &[Field] = &[(1, "apiVersion", Text), (2, "kind", Text)];

/// The object in a message, with its `apiVersion` and `kind`.
pub(super) fn decode(bytes: &[u8]) -> ApiResult<Value> {
    let broken = || ApiError::bad_request("the body is not Kubernetes protobuf");
    let envelope = bytes.strip_prefix(MAGIC).ok_or_else(broken)?;
    let (mut about, mut raw) = (Value::Null, &[][..]);
    for field in Fields(envelope) {
        match field.ok_or_else(broken)? {
            (1, Wire::Bytes(bytes)) => about = message(TYPE_META, bytes).ok_or_else(broken)?,
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let kind = about["kind"].as_str().unwrap_or("").to_owned();
    let fields = match kind.as_str() {
        "Namespace" | "ServiceAccount" => PLAIN,
        "ConfigMap" => CONFIG_MAP,
        "Secret" => SECRET,
        "Deployment" => DEPLOYMENT,
        "Service" => SERVICE,
        "Job" => JOB,
        "CronJob" => CRON_JOB,
        "HorizontalPodAutoscaler" if about["apiVersion"] == "autoscaling/v1" => AUTOSCALER_V1,
        "HorizontalPodAutoscaler" => AUTOSCALER_V2,
        "Eviction" => EVICTION,
        "DeleteOptions" => DELETE_OPTIONS,
        "SelfSubjectAccessReview" => REVIEW,
        _ => {
            let found = format!("application/vnd.kubernetes.protobuf of a {kind}");
            return Err(ApiError::unsupported_media(&found));
        }
    };
    let mut object = message(fields, raw).ok_or_else(broken)?;
    object["apiVersion"] = about["apiVersion"].clone();
    object["kind"] = kind.into();
    Ok(object)
}

/// A value as it stands on the wire.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    Other,
}

/// The fields of a message; `None` where it is broken.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u64, Wire<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Wire<'a>)> {
        let key = self.number()?;
        let value = match key & 7 {
            0 => Wire::Number(self.number()?),
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                Wire::Bytes(self.take(length)?)
            }
            1 => self.take(8).map(|_| Wire::Other)?,
            5 => self.take(4).map(|_| Wire::Other)?,
            _ => return None,
        };
        Some((key >> 3, value))
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

fn message(known: &[Field], bytes: &[u8]) -> Option<Value> {
    let mut map = Map::new();
    for field in Fields(bytes) {
        let (number, wire) = field?;
        let Some((_, name, form)) = known.iter().find(|(known, ..)| *known == number) else {
            continue;
        };
        put(&mut map, name, *form, wire)?;
    }
    Some(Value::Object(map))
}

fn put(map: &mut Map<String, Value>, name: &str, form: Form, wire: Wire<'_>) -> Option<()> {
    let value = match (form, wire) {
        (Text, Wire::Bytes(bytes)) => text(bytes)?.into(),
        (Whole | Count, Wire::Number(number)) => number.cast_signed().into(),
        (Flag, Wire::Number(number)) => (number != 0).into(),
        (Message(fields), Wire::Bytes(bytes)) => message(fields, bytes)?,
        (WholeOrText, Wire::Bytes(bytes)) => {
            let either = message(
                &[(1, "type", Count), (2, "number", Whole), (3, "text", Text)],
                bytes,
            )?;
            if either.get("type").is_some() {
                either["text"].clone()
            } else {
                either["number"].clone()
            }
        }
        (Texts | Blobs | Amounts, Wire::Bytes(bytes)) => {
            let (key, value) = entry(form, bytes)?;
            let entries = map.entry(name).or_insert_with(|| Value::Object(Map::new()));
            entries[key] = value;
            return Some(());
        }
        (List, Wire::Bytes(bytes)) => return push(map, name, text(bytes)?.into()),
        (Messages(fields), Wire::Bytes(bytes)) => return push(map, name, message(fields, bytes)?),
        _ => return None,
    };
    let nothing = match &value {
        Value::String(text) => text.is_empty(),
        Value::Number(number) => matches!(form, Count | WholeOrText) && number.as_i64() == Some(0),
        Value::Null => true,
        _ => false,
    };
    if !nothing {
        map.insert(name.to_owned(), value);
    }
    Some(())
}

fn push(map: &mut Map<String, Value>, name: &str, value: Value) -> Option<()> {
    let list = map.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    list.as_array_mut()?.push(value);
    Some(())
}

/// Key and value of one entry of a map.
fn entry(form: Form, bytes: &[u8]) -> Option<(String, Value)> {
    let (mut key, mut value) = (String::new(), &[][..]);
    for field in Fields(bytes) {
        match field? {
            (1, Wire::Bytes(bytes)) => key = text(bytes)?,
            (2, Wire::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    let value = match form {
        Blobs => STANDARD.encode(value),
        Amounts => meta::text(&message(&[(1, "text", Text)], value)?, "/text").to_owned(),
        _ => text(value)?,
    };
    Some((key, value.into()))
}

fn text(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bytes(number: u8, inner: &[u8]) -> Vec<u8> {
        let mut all = vec![number << 3 | 2, u8::try_from(inner.len()).unwrap()];
        all.extend_from_slice(inner);
        all
    }

    fn envelope(kind: &str, raw: &[u8]) -> Vec<u8> {
        let about = [bytes(1, b"v1"), bytes(2, kind.as_bytes())].concat();
        [
            MAGIC.to_vec(),
            bytes(1, &about),
            bytes(2, raw),
            bytes(3, b""),
            bytes(4, b""),
        ]
        .concat()
    }

    #[test]
    fn a_config_map_is_read() {
        let metadata = [bytes(1, b"settings"), bytes(2, b""), bytes(8, b"")].concat();
        let pair = [bytes(1, b"a"), bytes(2, b"b")].concat();
        let raw = [bytes(1, &metadata), bytes(2, &pair)].concat();
        assert_eq!(
            decode(&envelope("ConfigMap", &raw)).unwrap(),
            json!({ "metadata": { "name": "settings" }, "data": { "a": "b" }, "apiVersion": "v1", "kind": "ConfigMap" })
        );
    }

    #[test]
    fn what_is_broken_or_unknown_is_refused() {
        let whole = envelope("ConfigMap", &bytes(1, &bytes(1, b"settings")));
        for length in 0..whole.len() - 4 {
            // Cut anywhere it may be understood or refused, but nothing else.
            let _ = decode(&whole[..length]);
        }
        assert!(decode(b"k8s\0\xff").is_err());
        assert!(decode(b"{}").is_err());
        assert!(decode(&envelope("Role", b"")).is_err());
    }
}
