//! What all pods of the node share.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use super::address::Slice;
use super::backoff::BackoffScale;
use super::endpoints::Endpoints;
use super::image::ImageRule;
use super::log::LogLimits;
use super::registry::Registry;
use super::runtime::ContainerRuntime;
use crate::objects::Objects;

/// What all pods of the node share.
pub(crate) struct Shared {
    pub(crate) objects: Objects,
    pub(crate) runtime: Arc<dyn ContainerRuntime>,
    pub(crate) registry: Registry,
    pub(crate) endpoints: Endpoints,
    pub(crate) slice: Arc<Slice>,
    pub(crate) host_ip: Ipv4Addr,
    pub(crate) images: Vec<ImageRule>,
    pub(crate) state_dir: PathBuf,
    pub(crate) lab_key: Option<String>,
    /// The SHA-256 of the lab's key in hexadecimal digits.
    pub(crate) key_hash: Option<String>,
    pub(crate) backoff: BackoffScale,
    pub(crate) log_limits: LogLimits,
    pub(crate) seed: u64,
}
