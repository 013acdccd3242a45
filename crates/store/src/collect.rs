//! Collecting from the shop: pods are discovered through the Kubernetes API, their
//! metrics are scraped and their logs are tailed.

pub mod discovery;
pub mod kubernetes;
pub mod scrape;
pub mod tail;
