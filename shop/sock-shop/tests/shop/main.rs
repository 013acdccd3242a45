//! Sock Shop as a whole: its services over real sockets, with the embedded stores.
#![expect(clippy::expect_used, reason = "a test says what it expects by failing")]

mod broker;
mod browser;
mod contract;
mod documents;
mod failures;
mod gateway;
mod golden;
mod journeys;
mod lab;
mod logs;
mod metrics;
mod releases;
mod routes;
mod sessions;
mod upstream;
