//! Running a service: configuration, telemetry, listening, and an orderly end.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use instrument::{ServiceIdentity, Telemetry};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::env::{ConfigError, Env};
use crate::error::ErrorShape;
use crate::release::{Release, UnknownRelease};
use crate::router::router;

/// How long requests in flight may take once the service has been told to end.
const DRAIN: Duration = Duration::from_secs(5);
/// Two cores are shared by some fifteen services.
const WORKERS: usize = 2;

/// A shop: a name and its services.
#[derive(Clone, Copy, Debug)]
pub struct Shop {
    /// The name, such as `sock-shop`.
    pub name: &'static str,
    /// Its services.
    pub services: &'static [Service],
}

/// A service: a name, its routes, its errors' shape, its releases.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// The name, such as `payment`.
    pub name: &'static str,
    /// Makes the routes, `/health` among them.
    pub app: fn(Context) -> Result<Router, ConfigError>,
    /// How its errors are written.
    pub errors: ErrorShape,
    /// Its releases; the first one runs when none is named.
    pub releases: &'static [Release],
}

/// Why a service did not run, or not to its end.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Release(#[from] UnknownRelease),
    #[error("cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("the runtime failed: {0}")]
    Runtime(#[from] std::io::Error),
    #[error("the service has crashed")]
    Crashed,
}

/// Runs `service` in this process, by its environment, until SIGTERM or SIGINT.
///
/// Whatever keeps it from starting is one log line of level error, and exit code 1.
pub fn run(service: &Service) -> ExitCode {
    let env = Env::of_process();
    let telemetry = match telemetry(service, &env) {
        Ok(telemetry) => telemetry,
        Err(error) => return last_words(service, &error),
    };
    let result = start(service, env, &telemetry);
    match &result {
        // The reason of a crash has been logged.
        Ok(()) | Err(StartError::Crashed) => {}
        Err(error) => tracing::error!("cannot start: {error}"),
    }
    telemetry.shutdown();
    if result.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn telemetry(service: &Service, env: &Env) -> Result<Telemetry, instrument::InitError> {
    let text = |name: &str| env.get(name).unwrap_or_default().to_owned();
    instrument::init(ServiceIdentity {
        service: env
            .get("OTEL_SERVICE_NAME")
            .unwrap_or(service.name)
            .to_owned(),
        version: text("SHOP_RELEASE"),
        instance: text("POD_IP"),
        otlp_endpoint: env.get("OTEL_EXPORTER_OTLP_ENDPOINT").map(str::to_owned),
    })
}

/// Says why there is no telemetry, by a log that has no other lines.
fn last_words(service: &Service, error: &instrument::InitError) -> ExitCode {
    let name = ServiceIdentity::named(service.name);
    if let Ok(telemetry) = instrument::init(name) {
        tracing::error!("cannot start: {error}");
        telemetry.shutdown();
    }
    ExitCode::FAILURE
}

fn start(service: &Service, env: Env, telemetry: &Telemetry) -> Result<(), StartError> {
    let release = Release::find(service.releases, env.get("SHOP_RELEASE"))?;
    let (address, control) = (env.listen()?, env.control()?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(WORKERS * 2)
        .enable_all()
        .build()?;
    let context = Context::new(env, telemetry.metrics().clone(), release);
    let served = runtime.block_on(serve(service, &context, address, control));
    runtime.shutdown_timeout(Duration::from_millis(200));
    served
}

async fn serve(
    service: &Service,
    context: &Context,
    address: SocketAddr,
    control: Option<SocketAddr>,
) -> Result<(), StartError> {
    let app = router(service, context)?;
    let listener = listen(address).await?;
    if let Some(address) = control {
        let key = context.env().get("CONTROL_KEY_SHA256");
        let (listener, hooks) = (listen(address).await?, context.hooks().router(key));
        context.spawn(async move {
            drop(axum::serve(listener, hooks).await);
        });
    }
    let mut told = Told::listen()?;
    tracing::info!(address = address.to_string(), "listening");

    let draining = CancellationToken::new();
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let server =
        axum::serve(listener, app).with_graceful_shutdown(draining.clone().cancelled_owned());
    let mut server = std::pin::pin!(server.into_future());
    tokio::select! {
        ended = &mut server => ended?,
        () = context.crashed() => return Err(StartError::Crashed),
        () = told.wait() => {
            context.readiness().wait("drain", "the service is ending");
            tracing::info!("draining");
            draining.cancel();
            if tokio::time::timeout(DRAIN, server).await.is_err() {
                tracing::warn!("requests were still in flight after {} s", DRAIN.as_secs());
            }
        }
    }
    context.end().await;
    tracing::info!("stopped");
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address, source })
}

/// The signals that tell a service to end.
struct Told {
    term: tokio::signal::unix::Signal,
    int: tokio::signal::unix::Signal,
}

impl Told {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            int: signal(SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}
