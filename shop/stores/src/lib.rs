//! Embedded servers that speak the PostgreSQL, Redis and AMQP wire protocols.
//!
//! Each is plain data and two calls: `PostgresServer::bind(config)` opens the ports, `serve(cancel)` runs until it is told to stop. A service
//! that uses one knows only its URL, and real servers take the same one; the tests of this crate hold both to the same contract.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use hooks::Control;

pub use env::Env;
pub use error::StoreError;
pub use postgres::{PostgresConfig, PostgresFaults, PostgresServer};
pub use rabbitmq::{RabbitConfig, RabbitFaults, RabbitServer};
pub use redis::{Eviction, RedisConfig, RedisFaults, RedisServer};

mod env;
mod error;
mod exporter;
mod hooks;
mod log;
mod postgres;
mod rabbitmq;
mod redis;

/// Runs the store `kind` (`postgres`, `redis` or `rabbitmq`) as a program: settings from `env`, log lines on standard output, until SIGTERM or SIGINT.
///
/// # Errors
/// Anything that keeps it from starting; the error is logged too.
pub async fn run(kind: &str, env: &Env) -> Result<ExitCode, StoreError> {
    log::install(&env.text("OTEL_SERVICE_NAME", kind));
    let outcome = started(kind, env).await;
    if let Err(error) = &outcome {
        tracing::error!("{error}");
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn started(kind: &str, env: &Env) -> Result<(), StoreError> {
    let cancel = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = cancel.clone();
    let signals = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.cancel();
        std::future::pending::<()>().await;
    };
    let served = async {
        let control = Control::bind(kind, env).await?;
        match kind {
            "postgres" => {
                let server = PostgresServer::bind(PostgresConfig::from_env(env)?).await?;
                control.hooks.add(server.statements());
                let (served, ()) =
                    tokio::join!(server.serve(cancel.clone()), control.serve(cancel));
                served
            }
            "redis" => {
                let server = RedisServer::bind(RedisConfig::from_env(env)?).await?;
                control.hooks.add(server.statements());
                let (served, ()) =
                    tokio::join!(server.serve(cancel.clone()), control.serve(cancel));
                served
            }
            "rabbitmq" => {
                let server = RabbitServer::bind(RabbitConfig::from_env(env)?).await?;
                let (served, ()) =
                    tokio::join!(server.serve(cancel.clone()), control.serve(cancel));
                served
            }
            other => Err(StoreError::UnknownKind(other.to_owned())),
        }
    };
    tokio::select! {
        served = served => served,
        () = signals => Ok(()),
    }
}
