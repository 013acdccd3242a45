//! Whole labs with the real program. All are in one test program, so that they share its seats: two labs run at a
//! time, whatever they are for.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod at_rest;
mod console;
mod drills;
mod lab;
