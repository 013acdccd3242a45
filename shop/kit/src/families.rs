//! Families of metrics that a shop words itself: beside the standard ones, or in their place.

mod summary;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use instrument::MetricsError;
use prometheus::{Encoder, HistogramOpts, HistogramVec, Registry, TextEncoder};

pub use summary::Summaries;

/// A request that was served, as families of durations see it.
#[derive(Clone, Copy, Debug)]
pub struct ServedRequest<'a> {
    /// The service that served it.
    pub service: &'a str,
    /// The method, such as `GET`.
    pub method: &'a str,
    /// The template of the route, such as `/orders/{id}`.
    pub route: &'a str,
    /// The answer's status.
    pub status: u16,
}

/// A family of histograms of what requests took, in seconds. One that has the name of a
/// standard family takes its place.
#[derive(Clone, Copy, Debug)]
pub struct Durations {
    /// The family's name.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// Upper bounds of the buckets, in seconds.
    pub buckets: &'static [f64],
    /// The values of the labels, in their order; `None` leaves the request out.
    pub values: fn(&ServedRequest<'_>) -> Option<Vec<String>>,
}

/// The families of one process that are not standard; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Families(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    registry: Registry,
    timed: RwLock<Vec<(Durations, HistogramVec)>>,
}

impl Families {
    /// Measures requests in this family from now on.
    ///
    /// # Errors
    /// When its name is malformed or taken by another one of these.
    pub fn time_requests(&self, durations: Durations) -> Result<(), MetricsError> {
        let options = HistogramOpts::new(durations.name, durations.help);
        let options = options.buckets(durations.buckets.to_vec());
        let family = HistogramVec::new(options, durations.labels)?;
        self.0.registry.register(Box::new(family.clone()))?;
        let mut timed = self.0.timed.write().unwrap_or_else(PoisonError::into_inner);
        timed.push((durations, family));
        Ok(())
    }

    /// A further family of summaries.
    ///
    /// # Errors
    /// When its name is malformed or taken by another one of these.
    pub fn summaries(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<Summaries, MetricsError> {
        let family = Summaries::new(name, help, labels)?;
        self.0.registry.register(Box::new(family.clone()))?;
        Ok(family)
    }

    pub(crate) fn served(&self, request: &ServedRequest<'_>, elapsed: Duration) {
        let timed = self.0.timed.read().unwrap_or_else(PoisonError::into_inner);
        for (durations, family) in &*timed {
            if let Some(values) = (durations.values)(request) {
                let values: Vec<_> = values.iter().map(String::as_str).collect();
                family
                    .with_label_values(&values)
                    .observe(elapsed.as_secs_f64());
            }
        }
    }

    /// The standard families' text without those that are replaced, and these families.
    pub(crate) fn beside(&self, standard: &str) -> String {
        let timed = self.0.timed.read().unwrap_or_else(PoisonError::into_inner);
        let replaced = |line: &&str| {
            let family = family_of(line);
            !timed.iter().any(|(durations, _)| durations.name == family)
        };
        let kept = standard.lines().filter(replaced);
        let mut text: String = kept.flat_map(|line| [line, "\n"]).collect();
        let mut own = Vec::new();
        // Writing to memory fails only for a family without metrics, which is left out.
        drop(TextEncoder::new().encode(&self.0.registry.gather(), &mut own));
        text.push_str(&String::from_utf8_lossy(&own));
        text
    }
}

/// The family that a line of the text format belongs to.
fn family_of(line: &str) -> &str {
    let comment = ["# HELP ", "# TYPE "]
        .iter()
        .find_map(|start| line.strip_prefix(start));
    let name = comment.unwrap_or(line).split(['{', ' ']).next();
    let name = name.unwrap_or_default();
    let parts = ["_bucket", "_sum", "_count"];
    let family = parts.iter().find_map(|part| name.strip_suffix(part));
    family.unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use instrument::Metrics;

    use super::*;

    const WORDED: Durations = Durations {
        name: "request_duration_seconds",
        help: "In the shop's words.",
        labels: &["method", "path"],
        buckets: &[0.075, 7.5],
        values: |request| {
            let path = request.route.strip_prefix("/things")?;
            Some(vec![request.method.to_lowercase(), format!("things{path}")])
        },
    };

    #[test]
    fn a_family_takes_the_place_of_the_standard_one_and_the_others_stay() {
        let metrics = Metrics::new("toy").expect("well-formed families");
        let families = Families::default();
        families.time_requests(WORDED).expect("a free name");
        let elapsed = Duration::from_millis(80);
        let shown = |route| {
            metrics.served("GET", route, 200, elapsed);
            let request = ServedRequest {
                service: "toy",
                method: "GET",
                route,
                status: 200,
            };
            families.served(&request, elapsed);
            families.beside(&metrics.render())
        };
        let text = shown("/other");
        assert!(!text.contains("\nrequest_duration_seconds"), "{text}");
        let text = shown("/things/{id}");
        for line in [
            r#"request_duration_seconds_bucket{method="get",path="things/{id}",le="0.075"} 0"#,
            r#"request_duration_seconds_bucket{method="get",path="things/{id}",le="7.5"} 1"#,
            r#"http_request_duration_seconds_count{method="GET",route="/other",service="toy",status_code="200"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let kinds = text.matches("# TYPE request_duration_seconds ");
        assert_eq!(kinds.count(), 1, "{text}");
        assert!(families.time_requests(WORDED).is_err(), "the name is taken");
    }
}
