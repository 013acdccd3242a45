//! What the dashboards and alerts of this repository ask, forty times.

/// How a query is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Over all that there is, a value every 15 seconds.
    Range,
    /// Now.
    Instant,
}

use Kind::{Instant, Range};

/// The queries; `NS` stands for the namespace of one shop among four.
pub(crate) const QUERIES: [(Kind, &str); 40] = [
    // Panels.
    (
        Range,
        "sum by (service) (rate(http_requests_total{NS}[30s]))",
    ),
    (
        Range,
        "(sum by (service) (rate(http_request_errors_total{NS}[30s])) or 0 * sum by (service) (rate(http_requests_total{NS}[30s]))) / sum by (service) (rate(http_requests_total{NS}[30s]))",
    ),
    (
        Range,
        "histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket{NS}[30s])))",
    ),
    (
        Range,
        "topk(10, histogram_quantile(0.95, sum by (service, method, route, le) (rate(http_request_duration_seconds_bucket{NS}[30s]))))",
    ),
    (
        Range,
        "histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))",
    ),
    (
        Range,
        "sum by (service, route, status_code) (rate(http_request_errors_total{NS}[30s]))",
    ),
    (
        Range,
        "sum by (service, peer) (rate(http_client_requests_total{NS}[30s]))",
    ),
    (
        Range,
        "sum by (service, peer, outcome) (rate(http_client_requests_total{NS,outcome!=\"ok\"}[30s]))",
    ),
    (
        Range,
        "histogram_quantile(0.95, sum by (service, peer, le) (rate(http_client_request_duration_seconds_bucket{NS}[30s])))",
    ),
    (
        Range,
        "histogram_quantile(0.95, sum by (peer, le) (rate(db_client_operation_duration_seconds_bucket{NS}[30s])))",
    ),
    (Range, "max by (job, breaker) (circuit_breaker_open{NS})"),
    (Range, "sum by (service) (http_requests_in_flight{NS})"),
    (
        Range,
        "sum by (namespace, deployment) (kube_deployment_spec_replicas) - sum by (namespace, deployment) (kube_deployment_status_replicas_available)",
    ),
    (
        Range,
        "sum by (container) (increase(kube_pod_container_status_restarts_total{NS}[5m]))",
    ),
    (
        Range,
        "max by (container) (container_memory_working_set_bytes{NS}) / max by (container) (kube_pod_container_resource_limits{NS,resource=\"memory\"})",
    ),
    (
        Range,
        "max by (container) (rate(container_cpu_usage_seconds_total{NS}[30s])) / max by (container) (kube_pod_container_resource_limits{NS,resource=\"cpu\"})",
    ),
    (
        Range,
        "sum by (namespace, container) (rate(container_cpu_usage_seconds_total[30s]))",
    ),
    (Range, "sum by (phase) (kube_pod_status_phase)"),
    (Range, "min by (namespace, job) (up)"),
    (Range, "max by (job) (scrape_duration_seconds)"),
    (
        Range,
        "rate(http_requests_total{NS,service=\"orders\"}[1m])",
    ),
    (
        Range,
        "quantile by (namespace) (0.9, avg_over_time(process_resident_memory_bytes[5m]))",
    ),
    (
        Range,
        "max_over_time(sum(http_requests_in_flight{NS})[2m:5s])",
    ),
    (
        Range,
        "sum(rate(http_request_errors_total[5m])) / sum(rate(http_requests_total[5m]))",
    ),
    (Range, "kube_pod_container_status_restarts_total{NS}"),
    // Alerts, and panels that show one number.
    (Instant, "up{NS} == 0"),
    (Instant, "absent(up{NS,job=\"nothing\"})"),
    (
        Instant,
        "sum by (container) (increase(kube_pod_container_status_restarts_total{NS}[1m])) > 0",
    ),
    (
        Instant,
        "max by (container) (rate(container_cpu_usage_seconds_total{NS}[30s])) / max by (container) (kube_pod_container_resource_limits{NS,resource=\"cpu\"}) > 0.75",
    ),
    (
        Instant,
        "group by (container) (kube_pod_container_status_waiting_reason{NS,reason=~\"CrashLoopBackOff|ImagePullBackOff\"} == 1 and on (namespace, pod, container) increase(kube_pod_container_status_restarts_total{NS}[5m]) >= 0)",
    ),
    (
        Instant,
        "sum by (service, peer) (rate(http_client_requests_total{peer=~\".+-db\",outcome=\"timeout\"}[10s])) / sum by (service, peer) (rate(http_client_requests_total{peer=~\".+-db\"}[10s]))",
    ),
    (
        Instant,
        "label_replace(sum by (peer) (rate(http_client_requests_total{peer=~\"user|catalogue|carts|orders|payment|shipping\",outcome!=\"ok\"}[5m])) / sum by (peer) (rate(http_client_requests_total{peer=~\"user|catalogue|carts|orders|payment|shipping\"}[5m])), \"service\", \"$1\", \"peer\", \"(.+)\")",
    ),
    (
        Instant,
        "group by (service) (label_replace(kube_deployment_status_replicas_available{NS} == 0 and max_over_time(kube_deployment_status_replicas_available{NS}[6h]) > 0, \"service\", \"$1\", \"deployment\", \"(.+)\"))",
    ),
    (
        Instant,
        "max by (deployment) (kube_deployment_status_replicas_available{NS}) > 0 unless on (deployment) label_replace(up{NS}, \"deployment\", \"$1\", \"job\", \"(.+)\")",
    ),
    (
        Instant,
        "histogram_quantile(0.95, sum by (peer, le) (rate(db_client_operation_duration_seconds_bucket[30s]))) > 0.001",
    ),
    (
        Instant,
        "sum(http_requests_in_flight{NS,job=\"orders\"}) < 2 * max_over_time(sum(http_requests_in_flight{NS,job=\"orders\"})[2m:5s])",
    ),
    (
        Instant,
        "sum(rate(http_requests_total{status_code=~\"2..\"}[30s])) / sum(rate(http_requests_total{status_code=~\"2..\"}[1m] offset 30s))",
    ),
    (
        Instant,
        "sum by (namespace) (rate(http_request_errors_total[1h])) / sum by (namespace) (rate(http_requests_total[1h])) > 0.0001 and sum by (namespace) (rate(http_request_errors_total[5m])) / sum by (namespace) (rate(http_requests_total[5m])) > 0.0001",
    ),
    (
        Instant,
        "rate(container_cpu_usage_seconds_total{NS}[1m]) / on (namespace, pod, container) group_left kube_pod_container_resource_limits{resource=\"cpu\"}",
    ),
    (Instant, "count by (__name__) ({NS})"),
];

/// The query with the namespace in it.
pub(crate) fn text(query: &str) -> String {
    query.replace("NS", "namespace=\"sock-shop\"")
}
