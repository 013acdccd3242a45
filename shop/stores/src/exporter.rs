//! What the three servers share: listeners, `/metrics`, and the end.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::StoreError;

/// How long sessions have to say goodbye when a server stops.
const GRACE: Duration = Duration::from_millis(500);

pub(crate) async fn bind(addr: SocketAddr) -> Result<TcpListener, StoreError> {
    TcpListener::bind(addr)
        .await
        .map_err(|source| StoreError::Bind { addr, source })
}

/// Serves `/metrics` until `cancel`.
pub(crate) async fn serve(
    listener: TcpListener,
    render: impl Fn() -> String + Send + Sync + 'static,
    cancel: CancellationToken,
) {
    let render = Arc::new(render);
    let metrics = move || {
        let text = render();
        async move {
            (
                [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
                text,
            )
        }
    };
    http(
        listener,
        Router::new().route("/metrics", get(metrics)),
        cancel,
    )
    .await;
}

/// Serves a router until `cancel`; open requests are dropped then.
pub(crate) async fn http(listener: TcpListener, router: Router, cancel: CancellationToken) {
    tokio::select! {
        () = cancel.cancelled() => {}
        served = axum::serve(listener, router) => {
            if let Err(error) = served {
                tracing::error!(%error, "the metrics server broke");
            }
        }
    }
}

/// Waits for tasks that have been told to end, and ends those that do not.
pub(crate) async fn drain(mut tasks: JoinSet<()>) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all).await.is_err() {
        tasks.shutdown().await;
    }
}

/// Text in Prometheus' exposition format.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    text: String,
}

impl Exposition {
    pub(crate) fn family(&mut self, name: &str, help: &str, kind: &str) {
        // Writing into a String cannot fail.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    pub(crate) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.text.push_str(name);
        if !labels.is_empty() {
            let all: Vec<String> = labels
                .iter()
                .map(|(label, value)| format!("{label}=\"{}\"", escape(value)))
                .collect();
            let _ = write!(self.text, "{{{}}}", all.join(","));
        }
        let _ = writeln!(self.text, " {value}");
    }

    pub(crate) fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.family(name, help, "gauge");
        self.sample(name, labels, value);
    }

    pub(crate) fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.family(name, help, "counter");
        self.sample(name, labels, value);
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

fn escape(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

/// Upper bounds of the buckets, in seconds.
const BOUNDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// Durations by bucket.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    pub(crate) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        if let Some(at) = BOUNDS.iter().position(|bound| seconds <= *bound) {
            self.buckets[at].fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(
            u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }

    pub(crate) fn render(&self, out: &mut Exposition, name: &str, labels: &[(&str, &str)]) {
        let mut below = 0;
        let bucket = format!("{name}_bucket");
        for (bound, counter) in BOUNDS.iter().zip(&self.buckets) {
            below += counter.load(Ordering::Relaxed);
            let bound = bound.to_string();
            out.sample(
                &bucket,
                &[labels, &[("le", bound.as_str())]].concat(),
                below as f64,
            );
        }
        let count = self.count.load(Ordering::Relaxed) as f64;
        out.sample(&bucket, &[labels, &[("le", "+Inf")]].concat(), count);
        out.sample(
            &format!("{name}_sum"),
            labels,
            self.micros.load(Ordering::Relaxed) as f64 / 1e6,
        );
        out.sample(&format!("{name}_count"), labels, count);
    }
}
