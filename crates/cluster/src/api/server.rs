//! The API server's two listeners: TLS for everybody, plain HTTP for clients in this process.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Api, TlsMaterial, app};

/// A running API server.
pub(crate) struct Server {
    pub(crate) tls_address: SocketAddr,
    pub(crate) plain_address: SocketAddr,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

/// Why the API server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address is taken, or not ours.
    #[error(
        "the API server cannot listen on {address}: {source}; free that address or choose another"
    )]
    Bind {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Server {
    /// Binds both listeners and serves until [`Server::stop`].
    pub(crate) async fn start(
        api: Arc<Api>,
        tls: &TlsMaterial,
        tls_address: SocketAddr,
        plain_address: SocketAddr,
    ) -> Result<Self, ServerError> {
        let secure = bind(tls_address).await?;
        let plain = bind(plain_address).await?;
        let server = Self {
            tls_address: secure.1,
            plain_address: plain.1,
            tasks: TaskTracker::new(),
            cancel: api.cancel.clone(),
        };
        let router = app(api);
        let acceptor = TlsAcceptor::from(tls.server.clone());
        server.tasks.spawn(accept(
            secure.0,
            Some(acceptor),
            router.clone(),
            server.tasks.clone(),
            server.cancel.clone(),
        ));
        server.tasks.spawn(accept(
            plain.0,
            None,
            router,
            server.tasks.clone(),
            server.cancel.clone(),
        ));
        server.tasks.close();
        Ok(server)
    }

    /// Ends every connection and waits for that.
    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        self.tasks.wait().await;
    }
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServerError> {
    let failed = |source| ServerError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

async fn accept(
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    router: Router,
    tasks: TaskTracker,
    cancel: CancellationToken,
) {
    loop {
        let stream = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the API server could not accept a connection");
                    tokio::task::yield_now().await;
                    continue;
                }
            },
        };
        let (acceptor, router, cancel) = (acceptor.clone(), router.clone(), cancel.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = connection(stream, acceptor, router) => {}
            }
        });
    }
}

async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, router: Router) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    match acceptor {
        None => serve(stream, router).await,
        Some(acceptor) => match acceptor.accept(stream).await {
            Ok(stream) => serve(stream, router).await,
            Err(error) => tracing::debug!(%error, "a TLS handshake failed"),
        },
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}
