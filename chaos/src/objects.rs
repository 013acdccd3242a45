//! Kubernetes objects of one namespace: read, changed only as they were read, put back.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Resource};
use model::ServiceName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::ChaosError;
use crate::world::{World, failed};

/// A kind of object that lives in a namespace.
pub(crate) trait Object:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
{
}

impl<K> Object for K where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
{
}

impl World {
    /// The object of that name; `None` when there is none.
    pub(crate) async fn find<K: Object>(&self, name: &str) -> Result<Option<K>, ChaosError> {
        let found = self.api::<K>().get_opt(name).await;
        found.map_err(failed(format!("reading {} `{name}`", kind::<K>())))
    }

    /// The object of that name.
    ///
    /// # Errors
    /// [`ChaosError::Target`] when there is none.
    pub(crate) async fn need<K: Object>(&self, service: &ServiceName) -> Result<K, ChaosError> {
        let missing = || ChaosError::Target {
            service: service.clone(),
            problem: format!("has no {}; apply the shop's manifests", kind::<K>()),
        };
        self.find(service.as_str()).await?.ok_or_else(missing)
    }

    /// Changes an object by a strategic merge patch, unless it was changed
    /// since `read` was read (then the API answers 409, an error here).
    pub(crate) async fn change<K: Object>(
        &self,
        read: &K,
        mut patch: Value,
    ) -> Result<(), ChaosError> {
        let name = read.meta().name.clone().unwrap_or_default();
        patch["metadata"] = json!({"resourceVersion": read.meta().resource_version});
        let params = PatchParams::default();
        let changed = self
            .api::<K>()
            .patch(&name, &params, &Patch::Strategic(&patch))
            .await;
        changed.map_err(failed(format!("changing {} `{name}`", kind::<K>())))?;
        Ok(())
    }

    /// Changes how many pods a Deployment has, unless it was changed since it was read.
    pub(crate) async fn scale(&self, read: &Deployment, replicas: i32) -> Result<(), ChaosError> {
        self.change(read, json!({"spec": {"replicas": replicas}}))
            .await
    }

    /// Makes an object.
    pub(crate) async fn create<K: Object>(&self, object: &K) -> Result<(), ChaosError> {
        let name = object.meta().name.clone().unwrap_or_default();
        let created = self.api::<K>().create(&PostParams::default(), object).await;
        created.map_err(failed(format!("making {} `{name}`", kind::<K>())))?;
        Ok(())
    }

    /// Puts `object` in the place of the one of its name; its
    /// `resourceVersion` is that of the one that goes.
    pub(crate) async fn replace<K: Object>(&self, object: &K) -> Result<(), ChaosError> {
        let name = object.meta().name.clone().unwrap_or_default();
        let params = PostParams::default();
        let replaced = self.api::<K>().replace(&name, &params, object).await;
        replaced.map_err(failed(format!("replacing {} `{name}`", kind::<K>())))?;
        Ok(())
    }

    /// Deletes that very object; one that is gone already is fine.
    pub(crate) async fn delete<K: Object>(&self, read: &K) -> Result<(), ChaosError> {
        let name = read.meta().name.clone().unwrap_or_default();
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: read.meta().uid.clone(),
                resource_version: read.meta().resource_version.clone(),
            }),
            ..DeleteParams::default()
        };
        match self.api::<K>().delete(&name, &params).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(failed(format!("deleting {} `{name}`", kind::<K>()))(error)),
        }
    }

    fn api<K: Object>(&self) -> Api<K> {
        Api::namespaced(self.client().clone(), self.namespace())
    }
}

fn kind<K: Object>() -> String {
    K::kind(&()).into_owned()
}

/// Whether it is the very object whose uid was remembered.
pub(crate) fn is_same<K: Object>(object: &K, uid: &str) -> bool {
    object.meta().uid.as_deref() == Some(uid)
}

/// The uid of an object that was read.
pub(crate) fn uid<K: Object>(object: &K) -> String {
    object.meta().uid.clone().unwrap_or_default()
}

/// How many pods a Deployment asks for.
pub(crate) fn replicas(deployment: &Deployment) -> i32 {
    let spec = deployment.spec.as_ref();
    spec.and_then(|spec| spec.replicas).unwrap_or(1)
}
