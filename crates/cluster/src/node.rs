//! The kubelet of the cluster's one node: runs the Pods bound to it as processes.

mod backoff;
mod environment;
pub mod guard;
mod lifecycle;
pub mod log;
mod peers;
mod probe;
mod proc;
pub mod process;
pub mod runtime;
mod spec;
