//! The store over its APIs: what real servers answered, what clients ask, and what is refused.
//! One program, because each more is linked once more.

mod alertmanager;
mod beside_prometheus;
mod grafana_prometheus;
mod grafana_tempo;
mod logs_api;
mod logs_clients;
mod logs_golden;
mod logs_push;
mod logs_tail;
mod metrics_golden;
mod promqltest;
mod real_clients;
mod scraping;
mod traces_golden;
mod traces_limits;
mod traces_receive;
mod traces_signals;

/// What tests share.
mod support {
    pub(crate) mod golden;
    pub(crate) mod grpc;
    pub(crate) mod prometheus;
    pub(crate) mod running;
    pub(crate) mod socket;
}
