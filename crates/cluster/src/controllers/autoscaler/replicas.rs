//! How many replicas a metric asks for: Kubernetes' horizontal pod autoscaling algorithm. Pure.
//!
//! <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details>, and for the parts
//! that it leaves open `replica_calculator.go`.

/// Ratios this near to 1 change nothing.
const TOLERANCE: f64 = 0.1;

/// What a metric is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Target {
    /// A percentage of what the Pods request.
    Utilization(i64),
    /// An average over the Pods, in cores or bytes.
    Average(f64),
}

/// One Pod of those that are scaled. Pods that have failed or are on their way out are not among them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    /// What its containers request together; or the name of a container that requests nothing.
    pub(super) request: Result<f64, String>,
    /// What it uses; nothing when it is not known.
    pub(super) usage: Option<f64>,
    /// Whether its usage says something about its work: it is pending or has never been ready.
    pub(super) starting: bool,
}

/// What a metric says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reading {
    /// How many replicas it asks for.
    pub(super) replicas: i64,
    /// The average over the Pods that count.
    pub(super) average: f64,
    /// The same in percent of the requests.
    pub(super) utilization: Option<i64>,
}

/// Why a metric says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReadingError {
    /// There is no usage of any Pod.
    #[error("no metrics returned from resource metrics API")]
    Unknown,
    /// All usage is of Pods that are starting.
    #[error("did not receive metrics for targeted pods (pods might be unready)")]
    Unready,
    /// Utilization without a request.
    #[error("missing request for {resource} in container {container}")]
    Unrequested {
        /// The resource.
        resource: String,
        /// The container.
        container: String,
    },
}

/// What a metric asks for when `current` replicas are wanted now.
pub(super) fn read(
    resource: &str,
    target: Target,
    current: i64,
    samples: &[Sample],
) -> Result<Reading, ReadingError> {
    if !samples.iter().any(|sample| sample.usage.is_some()) {
        return Err(ReadingError::Unknown);
    }
    let mut pods = Vec::new();
    for sample in samples {
        let request = match (&sample.request, target) {
            (Ok(request), _) => *request,
            (Err(_), Target::Average(_)) => 0.0,
            (Err(container), Target::Utilization(_)) => {
                return Err(ReadingError::Unrequested {
                    resource: resource.to_owned(),
                    container: container.clone(),
                });
            }
        };
        let usage = sample.usage.filter(|_| !sample.starting);
        pods.push((usage, request, sample.starting));
    }
    let known: Vec<(f64, f64)> = pods
        .iter()
        .filter_map(|(usage, request, _)| Some(((*usage)?, *request)))
        .collect();
    if known.is_empty() {
        return Err(ReadingError::Unready);
    }
    let ratio = ratio(target, &known);
    let mut reading = Reading {
        replicas: current,
        average: mean(&known),
        utilization: utilization(&known).filter(|_| matches!(target, Target::Utilization(_))),
    };
    // Pods of which nothing is known are taken to use little when the others ask for more, and much when they ask for
    // less; starting ones use nothing when the others ask for more, and do not count otherwise.
    let filled: Vec<(f64, f64)> = pods
        .iter()
        .filter_map(|(usage, request, starting)| match usage {
            Some(usage) => Some((*usage, *request)),
            None if *starting => (ratio > 1.0).then_some((0.0, *request)),
            None if ratio < 1.0 => Some((all_of(target, *request), *request)),
            None if ratio > 1.0 => Some((0.0, *request)),
            None => None,
        })
        .collect();
    let careful = self::ratio(target, &filled);
    let turned = (ratio < 1.0 && careful > 1.0) || (ratio > 1.0 && careful < 1.0);
    // What stands exactly at the tolerance changes nothing, whatever the last bit of a float says.
    if (careful - 1.0).abs() <= TOLERANCE + 1e-9 || turned {
        return Ok(reading);
    }
    let wanted = (careful * filled.len() as f64 - 1e-9).ceil() as i64;
    let against = (careful < 1.0 && wanted > current) || (careful > 1.0 && wanted < current);
    if !against {
        reading.replicas = wanted;
    }
    Ok(reading)
}

fn mean(pods: &[(f64, f64)]) -> f64 {
    pods.iter().map(|(usage, _)| usage).sum::<f64>() / pods.len().max(1) as f64
}

/// Whole percents, as Kubernetes counts them.
fn utilization(pods: &[(f64, f64)]) -> Option<i64> {
    let requested: f64 = pods.iter().map(|(_, request)| request).sum();
    let used: f64 = pods.iter().map(|(usage, _)| usage).sum();
    (requested > 0.0).then(|| (used * 100.0 / requested + 1e-9) as i64)
}

fn ratio(target: Target, pods: &[(f64, f64)]) -> f64 {
    match target {
        Target::Utilization(percent) => {
            utilization(pods).unwrap_or(0) as f64 / percent.max(1) as f64
        }
        Target::Average(value) => mean(pods) / value.max(f64::MIN_POSITIVE),
    }
}

/// What a Pod is taken to use that may use everything.
fn all_of(target: Target, request: f64) -> f64 {
    match target {
        Target::Utilization(percent) => request * percent.max(100) as f64 / 100.0,
        Target::Average(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(usage: f64) -> Sample {
        Sample {
            request: Ok(100.0),
            usage: Some(usage),
            starting: false,
        }
    }

    const MISSING: Sample = Sample {
        request: Ok(100.0),
        usage: None,
        starting: false,
    };

    fn starting(usage: f64) -> Sample {
        Sample {
            starting: true,
            ..known(usage)
        }
    }

    #[test]
    fn the_documented_algorithm_decides() {
        let half = Target::Utilization(50);
        let cases: &[(&str, Target, i64, &[Sample], i64)] = &[
            ("twice the target doubles", half, 1, &[known(100.0)], 2),
            (
                "half the target halves",
                half,
                4,
                &[known(25.0), known(25.0), known(25.0), known(25.0)],
                2,
            ),
            (
                "within ten percent nothing changes",
                half,
                2,
                &[known(55.0), known(55.0)],
                2,
            ),
            (
                "beyond ten percent it does",
                half,
                2,
                &[known(56.0), known(56.0)],
                3,
            ),
            (
                "the average counts, not one Pod",
                half,
                2,
                &[known(90.0), known(10.0)],
                2,
            ),
            (
                "parts of a Pod are rounded up",
                half,
                3,
                &[known(70.0), known(70.0), known(70.0)],
                5,
            ),
            (
                "an idle workload asks for none",
                half,
                3,
                &[known(0.0), known(0.0), known(0.0)],
                0,
            ),
            (
                "a missing Pod is idle when more are wanted",
                half,
                2,
                &[known(120.0), MISSING],
                3,
            ),
            (
                "which may leave nothing to do",
                half,
                2,
                &[known(100.0), MISSING],
                2,
            ),
            (
                "and full when fewer are wanted",
                half,
                3,
                &[known(0.0), known(0.0), MISSING],
                2,
            ),
            (
                "which never turns the direction round",
                half,
                2,
                &[known(10.0), MISSING],
                2,
            ),
            (
                "a starting Pod is idle when more are wanted",
                half,
                2,
                &[known(150.0), starting(500.0)],
                3,
            ),
            (
                "and does not count when fewer are",
                half,
                2,
                &[known(20.0), starting(500.0)],
                1,
            ),
            (
                "a value is compared with the average",
                Target::Average(50.0),
                2,
                &[known(100.0), known(100.0)],
                4,
            ),
            (
                "a missing Pod has the value when fewer are wanted",
                Target::Average(50.0),
                4,
                &[known(5.0), known(5.0), MISSING, MISSING],
                3,
            ),
        ];
        for (name, target, current, samples, expected) in cases {
            let reading = read("cpu", *target, *current, samples).unwrap();
            assert_eq!(reading.replicas, *expected, "{name}: {reading:?}");
        }
    }

    #[test]
    fn what_is_shown_is_of_the_pods_that_are_known() {
        let samples = [known(30.0), known(10.0), MISSING, starting(400.0)];
        let reading = read("cpu", Target::Utilization(50), 4, &samples).unwrap();
        assert_eq!((reading.average, reading.utilization), (20.0, Some(20)));
        let reading = read("memory", Target::Average(20.0), 4, &samples).unwrap();
        assert_eq!(reading.utilization, None);
    }

    #[test]
    fn a_metric_that_says_nothing_says_why() {
        let bare = Sample {
            request: Err("web".to_owned()),
            ..known(1.0)
        };
        for (samples, expected) in [
            (vec![], "no metrics returned from resource metrics API"),
            (
                vec![MISSING],
                "no metrics returned from resource metrics API",
            ),
            (
                vec![starting(1.0)],
                "did not receive metrics for targeted pods (pods might be unready)",
            ),
            (vec![bare], "missing request for cpu in container web"),
        ] {
            let error = read("cpu", Target::Utilization(50), 1, &samples).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }
}
