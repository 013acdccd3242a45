//! Summaries: counts, sums and quantiles of what was observed lately.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType, Quantile, Summary};
use tokio::time::Instant;

/// The quantiles that are shown.
const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];
/// How long an observation counts for the quantiles.
const LATELY: Duration = Duration::from_secs(600);
/// Observations that count for the quantiles at most; the newest ones.
const KEPT: usize = 500;

/// A family of summaries; clones share it.
#[derive(Clone, Debug)]
pub struct Summaries {
    desc: Desc,
    observed: Arc<Mutex<BTreeMap<Vec<String>, Observed>>>,
}

#[derive(Debug, Default)]
struct Observed {
    count: u64,
    sum: f64,
    lately: VecDeque<(Instant, f64)>,
}

impl Summaries {
    pub(super) fn new(name: &str, help: &str, labels: &[&str]) -> Result<Self, prometheus::Error> {
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        Ok(Self {
            desc: Desc::new(name.to_owned(), help.to_owned(), labels, Default::default())?,
            observed: Arc::default(),
        })
    }

    /// Observes a value; `labels` are the values of the labels, in their order.
    pub fn observe(&self, labels: &[&str], value: f64) {
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        let mut all = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        let observed = all.entry(labels).or_default();
        observed.count += 1;
        observed.sum += value;
        if observed.lately.len() == KEPT {
            observed.lately.pop_front();
        }
        observed.lately.push_back((Instant::now(), value));
    }
}

impl Observed {
    fn summary(&self) -> Summary {
        let lately = self.lately.iter();
        let mut values: Vec<_> = lately
            .filter(|(at, _)| at.elapsed() < LATELY)
            .map(|(_, value)| *value)
            .collect();
        values.sort_by(f64::total_cmp);
        let quantiles = QUANTILES.map(|rank| {
            let mut quantile = Quantile::default();
            quantile.set_quantile(rank);
            quantile.set_value(nearest(&values, rank));
            quantile
        });
        let mut summary = Summary::default();
        summary.set_sample_count(self.count);
        summary.set_sample_sum(self.sum);
        summary.set_quantile(quantiles.to_vec());
        summary
    }
}

/// The value at `rank` of sorted values, by the nearest rank; not a number without any.
fn nearest(values: &[f64], rank: f64) -> f64 {
    let at = (rank * values.len() as f64).ceil() as usize;
    let value = values.get(at.saturating_sub(1));
    value.copied().unwrap_or(f64::NAN)
}

impl Collector for Summaries {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let all = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        let metrics = all.iter().map(|(values, observed)| {
            let pairs = self.desc.variable_labels.iter().zip(values);
            let pairs = pairs.map(|(name, value)| {
                let mut pair = LabelPair::default();
                pair.set_name(name.clone());
                pair.set_value(value.clone());
                pair
            });
            let mut metric = Metric::default();
            metric.set_label(pairs.collect());
            metric.set_summary(observed.summary());
            metric
        });
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(MetricType::SUMMARY);
        family.set_metric(metrics.collect());
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    use crate::families::Families;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_summary_counts_everything_and_has_the_quantiles_of_lately() {
        let families = Families::default();
        let took = families.summaries("took_seconds", "How long.", &["method"]);
        let took = took.expect("a free name");
        assert!(!families.beside("").contains("took_seconds"));
        for hundredth in 1..=100 {
            took.observe(&["login"], f64::from(hundredth));
        }
        let text = families.beside("");
        for line in [
            "# TYPE took_seconds summary",
            r#"took_seconds{method="login",quantile="0.5"} 50"#,
            r#"took_seconds{method="login",quantile="0.9"} 90"#,
            r#"took_seconds{method="login",quantile="0.99"} 99"#,
            r#"took_seconds_sum{method="login"} 5050"#,
            r#"took_seconds_count{method="login"} 100"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        tokio::time::advance(LATELY).await;
        took.observe(&["login"], 7.0);
        let text = families.beside("");
        for line in [
            r#"took_seconds{method="login",quantile="0.5"} 7"#,
            r#"took_seconds_count{method="login"} 101"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
