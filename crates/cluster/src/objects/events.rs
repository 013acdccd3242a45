//! Kubernetes Events: what happened to an object, repeats counted instead of written again.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use super::{Kind, Objects, meta};

/// Events beyond this many are dropped, oldest first.
const KEPT: usize = 1_000;

/// Whether an Event is good news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventType {
    /// As it should be.
    Normal,
    /// Something to look at.
    Warning,
}

/// What an Event is about and who saw it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct About {
    kind: Kind,
    namespace: String,
    name: String,
    uid: String,
    field_path: String,
    component: &'static str,
}

/// Which Events have been written, so that repeats are counted.
#[derive(Default)]
pub(super) struct Seen {
    names: HashMap<Same, (String, String)>,
    order: VecDeque<Same>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Same {
    about: About,
    kind: EventType,
    reason: String,
    message: String,
}

impl About {
    /// About `object`, seen by `component` (`kubelet`, `deployment-controller`, ...).
    pub fn of(kind: Kind, object: &Value, component: &'static str) -> Self {
        Self {
            kind,
            namespace: meta::namespace(object).to_owned(),
            name: meta::name(object).to_owned(),
            uid: meta::uid(object).to_owned(),
            field_path: String::new(),
            component,
        }
    }

    /// About one container of a Pod.
    #[must_use]
    pub fn container(mut self, name: &str) -> Self {
        self.field_path = format!("spec.containers{{{name}}}");
        self
    }
}

impl EventType {
    /// The word in the Event's `type`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

impl Objects {
    /// Writes an Event, or counts it up when the same was written before.
    pub fn record_event(&self, about: &About, kind: EventType, reason: &str, message: &str) {
        let same = Same {
            about: about.clone(),
            kind,
            reason: reason.to_owned(),
            message: message.to_owned(),
        };
        let known = self.lock().events.names.get(&same).cloned();
        if let Some((namespace, name)) = known {
            let counted = self.modify(Kind::Event, &namespace, &name, |event| {
                event["count"] = (event["count"].as_i64().unwrap_or(1) + 1).into();
                event["lastTimestamp"] = meta::now().into();
            });
            if counted.is_ok() {
                return;
            }
        }
        let event = new_event(about, kind, reason, message);
        let place = (
            meta::namespace(&event).to_owned(),
            meta::name(&event).to_owned(),
        );
        if self.create(Kind::Event, event).is_err() {
            return;
        }
        let dropped = self.lock().events.add(same, place);
        if let Some((namespace, name)) = dropped {
            self.remove(Kind::Event, &namespace, &name, None);
        }
    }
}

impl Seen {
    /// Remembers an Event; gives the one that is to go.
    fn add(&mut self, same: Same, place: (String, String)) -> Option<(String, String)> {
        if self.names.insert(same.clone(), place).is_none() {
            self.order.push_back(same);
        }
        if self.order.len() <= KEPT {
            return None;
        }
        let oldest = self.order.pop_front()?;
        self.names.remove(&oldest)
    }
}

fn new_event(about: &About, kind: EventType, reason: &str, message: &str) -> Value {
    let namespace = if about.namespace.is_empty() {
        "default"
    } else {
        &about.namespace
    };
    let now = jiff::Timestamp::now();
    let mut involved = json!({
        "kind": about.kind.info().kind,
        "namespace": about.namespace,
        "name": about.name,
        "uid": about.uid,
        "apiVersion": about.kind.api_version(),
    });
    if about.namespace.is_empty() {
        meta::ensure(&mut involved, &[]).remove("namespace");
    }
    if !about.field_path.is_empty() {
        involved["fieldPath"] = about.field_path.clone().into();
    }
    json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": format!("{}.{:x}{:04x}", about.name, now.as_nanosecond(), rand::random::<u16>()),
            "namespace": namespace,
        },
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "type": kind.word(),
        "source": { "component": about.component },
        "reportingComponent": about.component,
        "reportingInstance": "",
        "firstTimestamp": meta::time(now),
        "lastTimestamp": meta::time(now),
        "count": 1,
        "eventTime": null,
    })
}
