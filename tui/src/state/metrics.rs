//! The metrics screen: PromQL with a chart.

use engine::QueryAnswer;
use model::Period;

use super::{Asking, Facts};

/// The lengths of time that a chart can show, in seconds.
const SPANS: [u64; 6] = [60, 120, 300, 600, 1_800, 3_600];

/// The metrics screen.
#[derive(Clone, Debug)]
pub(crate) struct MetricsPane {
    pub(crate) asking: Asking<QueryAnswer>,
    pub(crate) selected: usize,
    span: usize,
}

impl MetricsPane {
    pub(crate) fn new(facts: &Facts) -> Self {
        let shop = facts.scenario.shop.as_str();
        let ready = vec![
            ("failed requests by service", "sum by (service) (rate(http_request_errors_total[15s]))".to_owned()),
            ("requests by service", "sum by (service) (rate(http_requests_total[15s]))".to_owned()),
            ("95th percentile by service", "histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket[15s])))".to_owned()),
            ("failed calls by peer", r#"sum by (service, peer) (rate(http_client_requests_total{outcome!="ok"}[15s]))"#.to_owned()),
            ("statements by store, 95th percentile", "histogram_quantile(0.95, sum by (peer, le) (rate(db_client_operation_duration_seconds_bucket[15s])))".to_owned()),
            ("who answers monitoring", format!(r#"up{{namespace="{shop}"}}"#)),
            ("ready pods by deployment", format!(r#"kube_deployment_status_replicas_available{{namespace="{shop}"}}"#)),
            ("restarts by container", format!(r#"kube_pod_container_status_restarts_total{{namespace="{shop}"}}"#)),
            ("memory by container", format!(r#"sum by (container) (container_memory_working_set_bytes{{namespace="{shop}"}})"#)),
            ("CPU by container", format!(r#"sum by (container) (rate(container_cpu_usage_seconds_total{{namespace="{shop}"}}[15s]))"#)),
            ("messages in queues", "rabbitmq_queue_messages".to_owned()),
            ("orders by status", "sum by (status) (rate(orders_total[15s]))".to_owned()),
        ];
        Self {
            asking: Asking::new(ready),
            selected: 0,
            span: 1,
        }
    }

    /// How much time the chart shows.
    pub(crate) fn span(&self) -> Period {
        Period::from_secs(SPANS[self.span])
    }

    /// A longer (or, where negative, shorter) time.
    pub(crate) fn widen(&mut self, step: isize) {
        let last = SPANS.len() as isize - 1;
        self.span = (self.span as isize + step).clamp(0, last) as usize;
    }
}
