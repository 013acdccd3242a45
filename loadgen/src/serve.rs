//! The metrics port, and when to stop.

use std::net::SocketAddr;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use instrument::Metrics;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// A bound metrics port.
pub(crate) struct Serving {
    listener: TcpListener,
    app: Router,
}

/// Binds `address` and serves `metrics` there once it runs.
pub(crate) async fn bind(address: SocketAddr, metrics: Metrics) -> std::io::Result<Serving> {
    let listener = TcpListener::bind(address).await?;
    let answer = move || {
        let text = metrics.render();
        async move { ([(CONTENT_TYPE, Metrics::CONTENT_TYPE)], text) }
    };
    let app = Router::new()
        .route("/metrics", get(answer))
        .route("/health", get(async || "OK"));
    Ok(Serving { listener, app })
}

impl Serving {
    /// Serves until it is dropped.
    pub(crate) async fn run(self) -> std::io::Result<()> {
        axum::serve(self.listener, self.app).await
    }
}

/// Returns when the process is asked to end.
pub(crate) async fn told_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
