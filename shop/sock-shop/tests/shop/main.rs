//! Sock Shop as a whole: its services over real sockets, with the embedded stores.
#![expect(clippy::expect_used, reason = "a test says what it expects by failing")]

mod broker;
mod browser;
mod contract;
mod documents;
mod failures;
mod gateway;
mod journeys;
mod lab;
mod releases;
mod upstream;
