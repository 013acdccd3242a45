//! The dashboard of one service: the panels that there are for what it is, and
//! what they show.

use std::collections::{BTreeMap, BTreeSet};

use model::{Period, ServiceName, Timestamp};
use telemetry::{Matrix, TimeRange};

use super::State;

/// The dashboard of one service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dashboard {
    /// Which of the shop's services.
    pub(crate) service: usize,
    /// Which of its panels.
    pub(crate) selected: usize,
    /// When its panels were last asked for.
    pub(crate) asked: Timestamp,
    /// What came, by query.
    shown: BTreeMap<String, Shown>,
    /// Queries that are not answered yet, and for how much time.
    waiting: BTreeSet<(String, Period)>,
}

/// What a panel shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// The newest data, and their time.
    pub(crate) data: Option<(TimeRange, Matrix)>,
    /// Why the last question was not answered.
    pub(crate) trouble: Option<String>,
}

/// A small chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) query: String,
}

/// What a part of a shop is, and so what it tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Serves HTTP.
    Service,
    Postgres,
    Redis,
    Rabbitmq,
}

impl Part {
    /// Read from the image's name; stores run the images of everybody.
    fn of_image(image: &str) -> Self {
        let name = image.rsplit('/').next().unwrap_or(image);
        match name.split([':', '@']).next() {
            Some("postgres") => Self::Postgres,
            Some("redis") => Self::Redis,
            Some("rabbitmq") => Self::Rabbitmq,
            _ => Self::Service,
        }
    }

    /// Rate, errors and duration of what it answers (of stores: what they tell
    /// of that, and their connections or queues), then the use of its container.
    fn panels(self, shop: &str, name: &str) -> Vec<Panel> {
        let own: &[(&'static str, &str)] = match self {
            Self::Service => &SERVICE,
            Self::Postgres => &POSTGRES,
            Self::Redis => &REDIS,
            Self::Rabbitmq => &RABBITMQ,
        };
        own.iter()
            .chain(&CONTAINER)
            .map(|(title, query)| Panel {
                title,
                query: query.replace("SHOP", shop).replace("NAME", name),
            })
            .collect()
    }
}

// Queries keep the label that names the service: opened and asked on record,
// they are evidence of it.
const SERVICE: [(&str, &str); 3] = [
    (
        "requests",
        r#"sum by (service) (rate(http_requests_total{namespace="SHOP",service="NAME"}[15s]))"#,
    ),
    (
        "failed requests, share",
        r#"(sum by (service) (rate(http_request_errors_total{namespace="SHOP",service="NAME"}[15s])) or 0 * sum by (service) (rate(http_requests_total{namespace="SHOP",service="NAME"}[15s]))) / sum by (service) (rate(http_requests_total{namespace="SHOP",service="NAME"}[15s]))"#,
    ),
    (
        "duration, p95",
        r#"histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket{namespace="SHOP",service="NAME"}[15s])))"#,
    ),
];

const POSTGRES: [(&str, &str); 4] = [
    (
        "statements",
        r#"sum by (job) (rate(pg_statement_duration_seconds_count{namespace="SHOP",job="NAME"}[15s]))"#,
    ),
    (
        "failed statements",
        r#"sum by (job) (rate(pg_statement_errors_total{namespace="SHOP",job="NAME"}[15s]))"#,
    ),
    (
        "statement duration, p95",
        r#"histogram_quantile(0.95, sum by (job, le) (rate(pg_statement_duration_seconds_bucket{namespace="SHOP",job="NAME"}[15s])))"#,
    ),
    (
        "connections, of limit",
        r#"sum by (job) (pg_stat_database_numbackends{namespace="SHOP",job="NAME"}) / sum by (job) (pg_settings_max_connections{namespace="SHOP",job="NAME"})"#,
    ),
];

const REDIS: [(&str, &str); 4] = [
    (
        "commands",
        r#"sum by (job) (rate(redis_commands_processed_total{namespace="SHOP",job="NAME"}[15s]))"#,
    ),
    (
        "command duration, mean",
        r#"sum by (job) (rate(redis_commands_duration_seconds_total{namespace="SHOP",job="NAME"}[15s])) / sum by (job) (rate(redis_commands_processed_total{namespace="SHOP",job="NAME"}[15s]))"#,
    ),
    (
        "keys",
        r#"sum by (job) (redis_db_keys{namespace="SHOP",job="NAME"})"#,
    ),
    (
        "connections, of limit",
        r#"sum by (job) (redis_connected_clients{namespace="SHOP",job="NAME"}) / sum by (job) (redis_config_maxclients{namespace="SHOP",job="NAME"})"#,
    ),
];

const RABBITMQ: [(&str, &str); 4] = [
    (
        "messages in queues",
        r#"sum by (job, queue) (rabbitmq_queue_messages{namespace="SHOP",job="NAME"})"#,
    ),
    (
        "messages published",
        r#"sum by (job, queue) (rate(rabbitmq_queue_messages_published_total{namespace="SHOP",job="NAME"}[15s]))"#,
    ),
    (
        "consumers",
        r#"sum by (job, queue) (rabbitmq_queue_consumers{namespace="SHOP",job="NAME"})"#,
    ),
    (
        "connections",
        r#"sum by (job) (rabbitmq_connections{namespace="SHOP",job="NAME"})"#,
    ),
];

const CONTAINER: [(&str, &str); 3] = [
    (
        "CPU, of limit",
        r#"max by (container) (rate(container_cpu_usage_seconds_total{namespace="SHOP",container="NAME"}[15s])) / max by (container) (kube_pod_container_resource_limits{namespace="SHOP",container="NAME",resource="cpu"})"#,
    ),
    (
        "memory, of limit",
        r#"max by (container) (container_memory_working_set_bytes{namespace="SHOP",container="NAME"}) / max by (container) (kube_pod_container_resource_limits{namespace="SHOP",container="NAME",resource="memory"})"#,
    ),
    (
        "restarts",
        r#"sum by (container) (kube_pod_container_status_restarts_total{namespace="SHOP",container="NAME"})"#,
    ),
];

impl Dashboard {
    /// What the panel with `query` shows; nothing before its first answer.
    pub(crate) fn shown(&self, query: &str) -> Option<&Shown> {
        self.shown.get(query)
    }

    /// The queries of `panels` that are to be asked for `range`: those that are
    /// not answered yet are not asked again. What belongs to other panels is
    /// forgotten.
    pub(crate) fn begin(&mut self, panels: &[Panel], range: TimeRange) -> Vec<String> {
        self.asked = range.to;
        let known = |query: &str| panels.iter().any(|panel| panel.query == query);
        self.shown.retain(|query, _| known(query));
        let queries = panels.iter().map(|panel| panel.query.clone());
        queries
            .filter(|query| self.waiting.insert((query.clone(), range.length())))
            .collect()
    }

    /// The answer to a panel's query. What is older than what is shown is dropped.
    pub(crate) fn end(&mut self, query: String, range: TimeRange, answer: Result<Matrix, String>) {
        self.waiting.remove(&(query.clone(), range.length()));
        let shown = self.shown.entry(query).or_default();
        match answer {
            _ if shown
                .data
                .as_ref()
                .is_some_and(|(newer, _)| newer.to > range.to) => {}
            Ok(matrix) => {
                shown.data = Some((range, matrix));
                shown.trouble = None;
            }
            Err(why) => shown.trouble = Some(why),
        }
    }
}

impl State {
    /// The service of the dashboard.
    pub(crate) fn dashboard_service(&self) -> Option<&ServiceName> {
        self.facts.services.get(self.metrics.dashboard.service)
    }

    /// The panels of the dashboard.
    pub(crate) fn panels(&self) -> Vec<Panel> {
        let Some(service) = self.dashboard_service() else {
            return Vec::new();
        };
        let deployments = &self.cluster.snapshot.deployments;
        let found = deployments.iter().find(|row| row.name == service.as_str());
        let part = found.map_or(Part::Service, |row| Part::of_image(&row.image));
        part.panels(self.facts.scenario.shop.as_str(), service.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Part;

    #[test]
    fn a_part_is_told_by_its_image_and_has_panels_of_its_own() {
        for (image, part, panels) in [
            ("shoplab/sock-shop/orders:v1.0.0", Part::Service, 6),
            ("postgres:16", Part::Postgres, 7),
            ("docker.io/library/redis@sha256:0", Part::Redis, 7),
            ("rabbitmq", Part::Rabbitmq, 7),
            ("shoplab/rabbitmq-watch:1", Part::Service, 6),
        ] {
            assert_eq!(Part::of_image(image), part, "{image}");
            let built = part.panels("sock-shop", "x-db");
            assert_eq!(built.len(), panels, "{image}");
            for panel in built {
                assert!(
                    panel.query.contains(r#"namespace="sock-shop""#),
                    "{panel:?}"
                );
                assert!(!panel.query.contains("SHOP") && !panel.query.contains("NAME"));
            }
        }
    }
}
