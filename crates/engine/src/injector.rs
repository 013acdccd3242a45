//! What breaks the shop, as the engine needs it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chaos::{Chaos, ChaosConfig, Injection, UndoReport};
use model::{Fault, InjectionId, Period, Undone};

use crate::EngineError;

/// Injects faults and undoes them; tests have a fake.
#[async_trait]
pub(crate) trait Injector: Send + Sync {
    /// Puts a fault into the world; its id and lease, or why it is not there.
    async fn inject(&self, fault: &Fault) -> Result<(InjectionId, Period), String>;
    /// Undoes one injection while the drill goes on.
    async fn undo(&self, injection: InjectionId) -> Undo;
    /// Undoes everything and injects nothing any more.
    async fn undo_all(&self) -> Vec<Undo>;
}

/// How one injection was undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undo {
    pub(crate) injection: InjectionId,
    pub(crate) how: Undone,
    pub(crate) verified: bool,
    pub(crate) detail: String,
}

/// Injects through `chaos`.
pub(crate) struct ChaosInjector {
    chaos: tokio::sync::Mutex<Option<Chaos>>,
    // An injection that is dropped is undone: they are kept to the end.
    live: Mutex<Vec<Arc<Injection>>>,
}

impl ChaosInjector {
    /// Undoes what an earlier lab left behind, and gets ready.
    pub(crate) async fn open(
        client: kube::Client,
        config: ChaosConfig,
    ) -> Result<Self, EngineError> {
        let failed = |error: chaos::ChaosError| EngineError::Chaos(error.to_string());
        let left = Chaos::recover(client.clone(), &config)
            .await
            .map_err(failed)?;
        for recovered in left {
            let report = &recovered.report;
            if !report.verified {
                let kind = &recovered.fault.kind;
                return Err(EngineError::Chaos(format!(
                    "`{kind}` of an earlier lab could not be undone: {}",
                    report.detail
                )));
            }
            tracing::info!(owner = %recovered.owner, kind = %recovered.fault.kind, "undid a leftover fault");
        }
        Ok(Self {
            chaos: tokio::sync::Mutex::new(Some(Chaos::new(client, config).map_err(failed)?)),
            live: Mutex::new(Vec::new()),
        })
    }
}

#[async_trait]
impl Injector for ChaosInjector {
    async fn inject(&self, fault: &Fault) -> Result<(InjectionId, Period), String> {
        let chaos = self.chaos.lock().await;
        let chaos = chaos.as_ref().ok_or("everything was undone already")?;
        let injection = chaos
            .inject(fault)
            .await
            .map_err(|error| error.to_string())?;
        let told = (injection.id(), injection.lease());
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.push(Arc::new(injection));
        Ok(told)
    }

    async fn undo(&self, injection: InjectionId) -> Undo {
        let found = {
            let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
            live.iter().find(|live| live.id() == injection).cloned()
        };
        match found {
            Some(live) => told(injection, live.undo().await),
            None => Undo {
                injection,
                how: Undone::TargetGone,
                verified: true,
                detail: "it was not there any more".to_owned(),
            },
        }
    }

    async fn undo_all(&self) -> Vec<Undo> {
        let Some(chaos) = self.chaos.lock().await.take() else {
            return Vec::new();
        };
        let undone = chaos.close().await.into_iter();
        undone
            .map(|(injection, report)| told(injection, report))
            .collect()
    }
}

fn told(injection: InjectionId, report: UndoReport) -> Undo {
    Undo {
        injection,
        how: report.how,
        verified: report.verified,
        detail: report.detail,
    }
}
