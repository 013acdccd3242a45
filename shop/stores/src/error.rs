//! Why a store cannot start or go on.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a store cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No store has this name.
    #[error("there is no store {0:?}; choose postgres, redis or rabbitmq")]
    UnknownKind(String),
    /// A variable of the environment is not what its name wants.
    #[error("{name}={value:?}: {expected}")]
    Setting {
        /// The variable.
        name: String,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: String,
    },
    /// A port cannot be opened.
    #[error("cannot listen on {addr}: {source}; stop what holds the port, or set another")]
    Bind {
        /// Where.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The data cannot be read or written.
    #[error(
        "cannot use the data in {path:?}: {source}; check that the folder can be written and has room"
    )]
    Data {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database file is not usable.
    #[error("cannot use the database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The system refused something else.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
