//! What a kind of fault must bring, and how kinds of every sort are held in one list.

use std::marker::PhantomData;
use std::time::Duration;

use async_trait::async_trait;
use model::{FaultSpec, Undone};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ChaosError;
use crate::world::World;

/// A kind of fault. One file implements it; see `chaos/ADDING-A-FAULT.md`.
///
/// `M` is the means by which it breaks things, and no more than a mark: it lets every
/// [`TemplateFault`](crate::template::TemplateFault) be a kind, and every
/// [`HookFault`](crate::hook::HookFault) as well. The registry infers it.
pub(crate) trait Kind<M = ByItself>: Send + Sync + 'static {
    /// What it is called, does and takes.
    const SPEC: FaultSpec;
    /// How often it is tended; `None`: three times a lease.
    const CADENCE: Option<Duration> = None;
    /// Its arguments, read from the fault after they were checked against [`Kind::SPEC`].
    type Args: DeserializeOwned + Send;
    /// All that inject, tend, undo and verify need; journaled before the world changes.
    type Plan: Serialize + DeserializeOwned + Send + Sync;

    /// Looks what is there. Changes nothing.
    fn plan(
        world: &World,
        args: Self::Args,
    ) -> impl Future<Output = Result<Self::Plan, ChaosError>> + Send;

    /// Breaks it. May fail halfway: undo follows.
    fn inject(
        world: &World,
        plan: &mut Self::Plan,
    ) -> impl Future<Output = Result<(), ChaosError>> + Send;

    /// Renews leases, and does what the fault does over time.
    fn tend(
        world: &World,
        plan: &mut Self::Plan,
    ) -> impl Future<Output = Result<(), ChaosError>> + Send {
        let _ = (world, plan);
        async { Ok(()) }
    }

    /// Puts things back. May be called again and again, and without a
    /// (complete) inject before it.
    fn undo(
        world: &World,
        plan: &Self::Plan,
    ) -> impl Future<Output = Result<Undone, ChaosError>> + Send;

    /// Reads back whether the world is free of it.
    fn verify(
        world: &World,
        plan: &Self::Plan,
    ) -> impl Future<Output = Result<bool, ChaosError>> + Send;
}

/// The mark of a [`Kind`] that says itself how it breaks things and puts them back.
pub(crate) struct ByItself;

/// A [`Kind`] whose types are hidden, with plans as JSON.
#[async_trait]
pub(crate) trait Injector: Send + Sync {
    fn spec(&self) -> FaultSpec;
    fn cadence(&self) -> Option<Duration>;
    async fn plan(&self, world: &World, args: Map<String, Value>) -> Result<Value, ChaosError>;
    async fn inject(&self, world: &World, plan: &mut Value) -> Result<(), ChaosError>;
    async fn tend(&self, world: &World, plan: &mut Value) -> Result<(), ChaosError>;
    async fn undo(&self, world: &World, plan: &Value) -> Result<Undone, ChaosError>;
    async fn verify(&self, world: &World, plan: &Value) -> Result<bool, ChaosError>;
}

/// Hides the types of `K`, and by which means it is a [`Kind`].
pub(crate) struct Registered<K, M>(PhantomData<fn() -> (K, M)>);

impl<K: Kind<M>, M> Registered<K, M> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

fn unreadable<K: Kind<M>, M>(error: serde_json::Error) -> ChaosError {
    ChaosError::Plan {
        kind: K::SPEC.kind,
        source: error,
    }
}

fn read<K: Kind<M>, M>(plan: &Value) -> Result<K::Plan, ChaosError> {
    K::Plan::deserialize(plan).map_err(unreadable::<K, M>)
}

fn write<K: Kind<M>, M>(plan: &K::Plan) -> Result<Value, ChaosError> {
    serde_json::to_value(plan).map_err(unreadable::<K, M>)
}

#[async_trait]
impl<K: Kind<M>, M: 'static> Injector for Registered<K, M> {
    fn spec(&self) -> FaultSpec {
        K::SPEC
    }

    fn cadence(&self) -> Option<Duration> {
        K::CADENCE
    }

    async fn plan(&self, world: &World, args: Map<String, Value>) -> Result<Value, ChaosError> {
        let args = K::Args::deserialize(Value::Object(args)).map_err(unreadable::<K, M>)?;
        write::<K, M>(&K::plan(world, args).await?)
    }

    async fn inject(&self, world: &World, plan: &mut Value) -> Result<(), ChaosError> {
        let mut typed = read::<K, M>(plan)?;
        let result = K::inject(world, &mut typed).await;
        *plan = write::<K, M>(&typed)?;
        result
    }

    async fn tend(&self, world: &World, plan: &mut Value) -> Result<(), ChaosError> {
        let mut typed = read::<K, M>(plan)?;
        let result = K::tend(world, &mut typed).await;
        *plan = write::<K, M>(&typed)?;
        result
    }

    async fn undo(&self, world: &World, plan: &Value) -> Result<Undone, ChaosError> {
        K::undo(world, &read::<K, M>(plan)?).await
    }

    async fn verify(&self, world: &World, plan: &Value) -> Result<bool, ChaosError> {
        K::verify(world, &read::<K, M>(plan)?).await
    }
}

/// How several targets ended, as one word: put back where any was, else gone or expired.
pub(crate) fn together(ends: impl IntoIterator<Item = Undone>) -> Undone {
    let rank = |end: &Undone| match end {
        Undone::Failed => 3,
        Undone::Reverted => 2,
        Undone::LeaseExpired => 1,
        Undone::TargetGone => 0,
    };
    ends.into_iter()
        .max_by_key(rank)
        .unwrap_or(Undone::TargetGone)
}
