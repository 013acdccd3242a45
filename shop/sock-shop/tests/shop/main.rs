//! Sock Shop as a whole: its services over real sockets, with the embedded stores.

mod browser;
mod contract;
mod failures;
mod journeys;
mod lab;
