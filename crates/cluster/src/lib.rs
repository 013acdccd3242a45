//! A small Kubernetes for one machine whose node runs containers as operating-system processes.
