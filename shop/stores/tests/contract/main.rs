//! The store contract: what the shops rely on, held against the embedded servers always, and against PostgreSQL, Redis and RabbitMQ themselves where
//! they are installed (Debian packages `postgresql`, `redis-server`, `rabbitmq-server`).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "all of it is tests"
)]

mod hooks;
mod postgres;
mod program;
mod rabbitmq;
mod redis_server;
mod servers;
