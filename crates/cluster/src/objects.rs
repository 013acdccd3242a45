//! The cluster's memory: every object by kind, namespace and name, with watches.
//!
//! All parts of the cluster (API server, controllers, node) meet here and only here. Each change gets the next
//! `resourceVersion` of one sequence; a watch replays changes from any revision that is still remembered.
//!
//! How a Pod goes: `delete` of a Pod that is bound to a node only sets `metadata.deletionTimestamp` and
//! `deletionGracePeriodSeconds`; the node stops its containers within that grace and then calls [`Objects::remove`].
//! With a grace of 0 the Pod is removed at once, and the node kills what it still runs when it sees the change
//! [`ChangeType::Deleted`].

mod events;
mod kind;
pub mod meta;
mod watch;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

pub use events::{About, EventType};
pub use kind::{Kind, KindInfo};
pub use watch::{Change, ChangeType, Watch};

/// How many changes of a kind are remembered for watches.
const HISTORY: usize = 2_000;

/// Why the store refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such object.
    #[error("{} \"{name}\" not found", kind.info().qualified())]
    NotFound {
        /// The kind asked for.
        kind: Kind,
        /// The name asked for.
        name: String,
    },
    /// An object of that name exists already.
    #[error("{} \"{name}\" already exists", kind.info().qualified())]
    AlreadyExists {
        /// The kind.
        kind: Kind,
        /// The name.
        name: String,
    },
    /// The object was changed by somebody else since it was read.
    #[error(
        "Operation cannot be fulfilled on {} \"{name}\": the object has been modified; please apply your changes to the latest version and try again",
        kind.info().qualified()
    )]
    Conflict {
        /// The kind.
        kind: Kind,
        /// The name.
        name: String,
    },
    /// The revision that a watch wants to start from is forgotten.
    #[error("too old resource version: {asked} ({oldest})")]
    Expired {
        /// The revision asked for.
        asked: u64,
        /// The oldest revision from which a watch can start.
        oldest: u64,
    },
    /// The object cannot be stored as it is.
    #[error("{kind} is invalid: {reason}")]
    Invalid {
        /// The kind.
        kind: Kind,
        /// What is wrong with it.
        reason: String,
    },
}

/// How an object is to be deleted.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// Seconds of grace for a Pod; `None` for the Pod's own `terminationGracePeriodSeconds`.
    pub grace_seconds: Option<i64>,
    /// Only the object with this uid is deleted.
    pub uid: Option<String>,
}

/// The object store. Cheap to clone; all clones are the same store.
#[derive(Clone)]
pub struct Objects {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    latest: tokio::sync::watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    revision: u64,
    kinds: HashMap<Kind, Shelf>,
    events: events::Seen,
}

/// All of one kind.
#[derive(Default)]
struct Shelf {
    objects: BTreeMap<(String, String), Arc<Value>>,
    history: VecDeque<Change>,
    /// Changes up to this revision are forgotten.
    forgotten: u64,
}

impl Default for Objects {
    fn default() -> Self {
        Self::new()
    }
}

impl Objects {
    /// An empty store.
    pub fn new() -> Self {
        Self {
            inner: Arc::new(Inner {
                state: Mutex::default(),
                latest: tokio::sync::watch::Sender::new(0),
            }),
        }
    }

    /// Stores a new object: sets uid, creationTimestamp, generation and resourceVersion, a name from `generateName`,
    /// and the defaults of its kind.
    pub fn create(&self, kind: Kind, mut object: Value) -> Result<Arc<Value>, StoreError> {
        crate::defaults::complete(kind, &mut object);
        let meta = meta::ensure(&mut object, &["metadata"]);
        if meta
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or("")
            .is_empty()
        {
            let prefix = meta
                .get("generateName")
                .and_then(Value::as_str)
                .filter(|prefix| !prefix.is_empty())
                .ok_or_else(|| StoreError::Invalid {
                    kind,
                    reason: "metadata.name: Required value: name or generateName is required"
                        .into(),
                })?;
            let generated = format!("{prefix}{}", random_suffix(5));
            meta.insert("name".into(), generated.into());
        }
        meta.insert("uid".into(), uuid::Uuid::new_v4().to_string().into());
        meta.insert("creationTimestamp".into(), meta::now().into());
        meta.insert("generation".into(), 1.into());
        meta.remove("deletionTimestamp");
        let name = meta::name(&object).to_owned();
        let mut state = self.lock();
        let key = (meta::namespace(&object).to_owned(), name.clone());
        if state.shelf(kind).objects.contains_key(&key) {
            return Err(StoreError::AlreadyExists { kind, name });
        }
        crate::defaults::allocate(kind, &mut object, state.revision);
        let stored = state.put(kind, key, object, ChangeType::Added);
        self.announce(state);
        Ok(stored)
    }

    /// One object. `namespace` is `""` for kinds without namespaces.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Result<Arc<Value>, StoreError> {
        self.find(kind, namespace, name)
            .ok_or_else(|| not_found(kind, name))
    }

    /// One object, if it exists.
    pub fn find(&self, kind: Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let key = (namespace.to_owned(), name.to_owned());
        self.lock().kinds.get(&kind)?.objects.get(&key).cloned()
    }

    /// All objects of a kind (in a namespace), ordered by namespace and name.
    pub fn list(&self, kind: Kind, namespace: Option<&str>) -> Vec<Arc<Value>> {
        self.list_at(kind, namespace).0
    }

    /// The same as [`Objects::list`], with the revision at which the list was true.
    pub fn list_at(&self, kind: Kind, namespace: Option<&str>) -> (Vec<Arc<Value>>, u64) {
        let state = self.lock();
        let objects = state.kinds.get(&kind).map_or_else(Vec::new, |shelf| {
            shelf
                .objects
                .iter()
                .filter(|((within, _), _)| namespace.is_none_or(|wanted| wanted == within))
                .map(|(_, object)| object.clone())
                .collect()
        });
        (objects, state.revision)
    }

    /// Replaces an object. When `metadata.resourceVersion` is given it must be the stored one.
    pub fn update(&self, kind: Kind, object: Value) -> Result<Arc<Value>, StoreError> {
        let (namespace, name) = (
            meta::namespace(&object).to_owned(),
            meta::name(&object).to_owned(),
        );
        let expected = meta::text(&object, "/metadata/resourceVersion").to_owned();
        self.try_modify(kind, &namespace, &name, |stored| {
            let current = meta::text(stored, "/metadata/resourceVersion");
            if !expected.is_empty() && expected != current {
                return Err(StoreError::Conflict {
                    kind,
                    name: name.clone(),
                });
            }
            *stored = object;
            Ok(())
        })
    }

    /// Changes an object in place; nobody else changes it meanwhile, so there is no conflict. An object that comes
    /// out unchanged makes no revision. The closure must not use the store.
    pub fn modify(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, StoreError> {
        self.try_modify(kind, namespace, name, |object| {
            change(object);
            Ok(())
        })
    }

    /// The same as [`Objects::modify`] with a closure that may refuse; then nothing changes.
    pub fn try_modify<E: From<StoreError>>(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value) -> Result<(), E>,
    ) -> Result<Arc<Value>, E> {
        let key = (namespace.to_owned(), name.to_owned());
        let mut state = self.lock();
        let Some(before) = state.shelf(kind).objects.get(&key).cloned() else {
            return Err(not_found(kind, name).into());
        };
        let mut object = Value::clone(&before);
        change(&mut object)?;
        keep_identity(&before, &mut object);
        crate::defaults::complete(kind, &mut object);
        if object == *before {
            return Ok(before);
        }
        if object.get("spec") != before.get("spec") {
            meta::ensure(&mut object, &["metadata"])
                .insert("generation".into(), (meta::generation(&before) + 1).into());
        }
        let finished = meta::is_terminating(&object)
            && !meta::is_terminating_held(kind, &object)
            && meta::items(&before, "/metadata/finalizers")
                != meta::items(&object, "/metadata/finalizers");
        let stored = if finished {
            state.take(kind, &key).unwrap_or(before)
        } else {
            state.put(kind, key, object, ChangeType::Modified)
        };
        self.announce(state);
        Ok(stored)
    }

    /// Asks for an object to go: at once, or (Pods on a node, Namespaces, objects with finalizers) by setting
    /// `metadata.deletionTimestamp` so that whoever holds it can finish and call [`Objects::remove`].
    pub fn delete(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Arc<Value>, StoreError> {
        let key = (namespace.to_owned(), name.to_owned());
        let mut state = self.lock();
        let Some(before) = state.shelf(kind).objects.get(&key).cloned() else {
            return Err(not_found(kind, name));
        };
        if options
            .uid
            .as_deref()
            .is_some_and(|uid| uid != meta::uid(&before))
        {
            return Err(StoreError::Conflict {
                kind,
                name: name.to_owned(),
            });
        }
        let grace = options
            .grace_seconds
            .or_else(|| meta::number(&before, "/spec/terminationGracePeriodSeconds"))
            .unwrap_or(0)
            .max(0);
        let held = match kind {
            Kind::Pod => grace > 0 && meta::is_running(&before),
            Kind::Namespace => true,
            _ => false,
        } || !meta::items(&before, "/metadata/finalizers").is_empty();
        let stored = if held {
            let earlier = meta::number(&before, "/metadata/deletionGracePeriodSeconds");
            if meta::is_terminating(&before) && earlier.is_none_or(|earlier| earlier <= grace) {
                return Ok(before);
            }
            let mut object = Value::clone(&before);
            mark_terminating(kind, &mut object, grace);
            state.put(kind, key, object, ChangeType::Modified)
        } else {
            state.take(kind, &key).unwrap_or(before)
        };
        self.announce(state);
        Ok(stored)
    }

    /// Takes an object out, whatever holds it. Only the one with `uid`, when one is given.
    pub fn remove(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        uid: Option<&str>,
    ) -> Option<Arc<Value>> {
        let key = (namespace.to_owned(), name.to_owned());
        let mut state = self.lock();
        let stored = state.shelf(kind).objects.get(&key)?;
        if uid.is_some_and(|uid| uid != meta::uid(stored)) {
            return None;
        }
        let removed = state.take(kind, &key);
        self.announce(state);
        removed
    }

    /// The revision of the latest change.
    pub fn revision(&self) -> u64 {
        self.lock().revision
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of the state and wakes the watches.
    fn announce(&self, state: MutexGuard<'_, State>) {
        let revision = state.revision;
        drop(state);
        self.inner
            .latest
            .send_if_modified(|latest| std::mem::replace(latest, revision.max(*latest)) < revision);
    }
}

impl State {
    fn shelf(&mut self, kind: Kind) -> &mut Shelf {
        self.kinds.entry(kind).or_default()
    }

    fn put(
        &mut self,
        kind: Kind,
        key: (String, String),
        mut object: Value,
        change: ChangeType,
    ) -> Arc<Value> {
        self.revision += 1;
        stamp(&mut object, self.revision);
        let object = Arc::new(object);
        let previous = self.shelf(kind).objects.insert(key, object.clone());
        self.remember(kind, change, object.clone(), previous);
        object
    }

    fn take(&mut self, kind: Kind, key: &(String, String)) -> Option<Arc<Value>> {
        let previous = self.shelf(kind).objects.remove(key)?;
        self.revision += 1;
        let mut object = Value::clone(&previous);
        stamp(&mut object, self.revision);
        let object = Arc::new(object);
        self.remember(kind, ChangeType::Deleted, object.clone(), Some(previous));
        Some(object)
    }

    fn remember(
        &mut self,
        kind: Kind,
        change: ChangeType,
        object: Arc<Value>,
        previous: Option<Arc<Value>>,
    ) {
        let revision = self.revision;
        let shelf = self.shelf(kind);
        shelf.history.push_back(Change {
            change,
            object,
            previous,
            revision,
        });
        if shelf.history.len() > HISTORY
            && let Some(oldest) = shelf.history.pop_front()
        {
            shelf.forgotten = oldest.revision;
        }
    }
}

fn not_found(kind: Kind, name: &str) -> StoreError {
    StoreError::NotFound {
        kind,
        name: name.to_owned(),
    }
}

fn stamp(object: &mut Value, revision: u64) {
    meta::ensure(object, &["metadata"])
        .insert("resourceVersion".into(), revision.to_string().into());
}

/// What an update cannot change.
fn keep_identity(before: &Value, object: &mut Value) {
    let old = &before["metadata"];
    let meta = meta::ensure(object, &["metadata"]);
    for key in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        match old.get(key) {
            Some(value) => {
                meta.insert(key.into(), value.clone());
            }
            None => {
                meta.remove(key);
            }
        }
    }
    for key in ["apiVersion", "kind"] {
        if let Some(value) = before.get(key) {
            object[key] = value.clone();
        }
    }
}

fn mark_terminating(kind: Kind, object: &mut Value, grace: i64) {
    let at = jiff::Timestamp::now()
        .checked_add(jiff::SignedDuration::from_secs(grace))
        .unwrap_or(jiff::Timestamp::MAX);
    let meta = meta::ensure(object, &["metadata"]);
    meta.insert("deletionTimestamp".into(), meta::time(at).into());
    if kind == Kind::Pod {
        meta.insert("deletionGracePeriodSeconds".into(), grace.into());
    }
    if kind == Kind::Namespace {
        meta::ensure(object, &["status"]).insert("phase".into(), "Terminating".into());
    }
}

/// Letters and digits as Kubernetes draws them: no vowels, nothing that looks like another.
pub(crate) fn random_suffix(length: usize) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    (0..length)
        .map(|_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())]))
        .collect()
}

#[cfg(test)]
mod tests;
