//! What the answers of a probe mean: thresholds, and nothing else. No I/O, no clock.

use super::spec::Probe;

/// Which of a container's probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Startup,
    Liveness,
    Readiness,
}

impl Kind {
    /// As kubelet writes it at the start of a sentence.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Liveness => "Liveness",
            Self::Readiness => "Readiness",
        }
    }
}

/// What one probe answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The container is well.
    Success,
    /// It is not, and why, in kubelet's words.
    Failure(String),
    /// The probe itself could not be made; it counts for nothing.
    Error(String),
}

/// What a container is held for after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// As before.
    Unchanged,
    /// The success threshold was reached.
    Passed,
    /// The failure threshold was reached.
    Failed,
}

/// Counts the answers of one probe for one instance of a container
/// (`kubelet/prober.worker`).
#[derive(Clone, Debug)]
pub(crate) struct Thresholds {
    success: u32,
    failure: u32,
    last: Option<bool>,
    run: u32,
    held: Option<bool>,
}

impl Thresholds {
    /// Nothing answered yet. Readiness starts as failed, liveness as passed,
    /// startup as neither.
    pub(crate) fn new(kind: Kind, probe: &Probe) -> Self {
        Self {
            success: probe.success_threshold.max(1),
            failure: probe.failure_threshold.max(1),
            last: None,
            run: 0,
            held: match kind {
                Kind::Startup => None,
                Kind::Liveness => Some(true),
                Kind::Readiness => Some(false),
            },
        }
    }

    /// Counts an answer.
    pub(crate) fn observe(&mut self, answer: &Answer) -> Verdict {
        let good = match answer {
            Answer::Success => true,
            Answer::Failure(_) => false,
            Answer::Error(_) => return Verdict::Unchanged,
        };
        if self.last == Some(good) {
            self.run += 1;
        } else {
            self.last = Some(good);
            self.run = 1;
        }
        let threshold = if good { self.success } else { self.failure };
        if self.run < threshold || self.held == Some(good) {
            return Verdict::Unchanged;
        }
        self.held = Some(good);
        self.run = 0;
        self.last = None;
        if good {
            Verdict::Passed
        } else {
            Verdict::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(kind: Kind, success: u32, failure: u32, answers: &str) -> String {
        let probe = Probe {
            success_threshold: success,
            failure_threshold: failure,
            ..Probe::default()
        };
        let mut thresholds = Thresholds::new(kind, &probe);
        answers
            .chars()
            .map(|answer| {
                let answer = match answer {
                    '+' => Answer::Success,
                    '-' => Answer::Failure("no".into()),
                    _ => Answer::Error("odd".into()),
                };
                match thresholds.observe(&answer) {
                    Verdict::Unchanged => '.',
                    Verdict::Passed => 'P',
                    Verdict::Failed => 'F',
                }
            })
            .collect()
    }

    #[test]
    fn an_answer_counts_only_when_its_threshold_is_reached_in_a_row() {
        for (kind, success, failure, answers, verdicts) in [
            (Kind::Readiness, 1, 3, "-+--+---+", ".P.....FP"),
            (Kind::Readiness, 2, 1, "+-++-", "...PF"),
            (Kind::Liveness, 1, 3, "+--+---", "......F"),
            (Kind::Startup, 1, 3, "--+", "..P"),
            (Kind::Startup, 1, 3, "---", "..F"),
            (Kind::Liveness, 1, 2, "-?-", "..F"),
        ] {
            assert_eq!(
                run(kind, success, failure, answers),
                verdicts,
                "{kind:?} {answers}"
            );
        }
    }
}
