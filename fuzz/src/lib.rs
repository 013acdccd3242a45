//! A fuzz target for each parser and decoder of this workspace.
//!
//! A [`Target`] takes any bytes, and whatever they are it neither panics nor hangs nor outgrows its bounds. The binary
//! of this crate gives them to libFuzzer (`fuzz/run.sh`); the tests of this crate give each target its seeds, so that
//! no target falls behind what it tests.

mod alertmanager;
mod authored;
mod cluster;
mod http;
mod input;
mod journal;
mod logs;
mod metrics;
mod otlp;
mod rules;
mod seeds;
mod stores;
mod traces;

/// Something that reads bytes which it has not written.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What it is called on the command line, and its corpus.
    pub name: &'static str,
    /// Reads `bytes`; panics where what reads them has a bug.
    pub run: fn(bytes: &[u8]),
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Words of the language, which are hard to find by chance.
    pub words: &'static [&'static str],
}

/// All targets, in the order of the crates that they test.
pub const TARGETS: &[Target] = &[
    metrics::PROMQL,
    metrics::EXPOSITION,
    metrics::REMOTE_WRITE,
    metrics::CHUNK,
    metrics::API,
    logs::LOGQL,
    logs::PIPELINE,
    logs::TEMPLATE,
    logs::PUSH,
    logs::API,
    traces::TRACEQL,
    traces::API,
    otlp::METRICS,
    otlp::LOGS,
    otlp::TRACES,
    rules::FILE,
    rules::TEMPLATE,
    alertmanager::CONFIGURATION,
    alertmanager::API,
    authored::SCENARIO,
    authored::DOCUMENT,
    authored::SCALAR,
    journal::JOURNAL,
    cluster::MANIFESTS,
    stores::REDIS,
    stores::AMQP,
    stores::POSTGRES,
];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
