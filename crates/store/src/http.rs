//! Server plumbing that the four APIs share: bind the preferred port or another,
//! serve until told to stop.

use std::io;
use std::net::{IpAddr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Binds `preferred`, or a port of the kernel's choice when it is in use.
///
/// # Errors
/// Whatever the kernel says when neither can be bound.
pub async fn bind(address: IpAddr, preferred: u16) -> io::Result<TcpListener> {
    match TcpListener::bind(SocketAddr::new(address, preferred)).await {
        Err(e) if preferred != 0 && e.kind() == io::ErrorKind::AddrInUse => {
            TcpListener::bind(SocketAddr::new(address, 0)).await
        }
        other => other,
    }
}

/// Serves `router` until `stop` is cancelled, then gives open requests no more time
/// than they take to be dropped.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
) -> io::Result<()> {
    tokio::select! {
        served = async { axum::serve(listener, router).await } => served,
        () = stop.cancelled() => Ok(()),
    }
}
