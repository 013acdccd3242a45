//! How fast an autoscaler follows its metrics: stabilisation and scaling policies. Pure.
//!
//! <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#configurable-scaling-behavior>

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::objects::meta;

/// The longest window that the API accepts; older memories are useless.
const LONGEST: Duration = Duration::from_secs(3_600);

/// Both directions' rules.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Behavior {
    up: Rules,
    down: Rules,
}

#[derive(Clone, Debug, PartialEq)]
struct Rules {
    /// How long recommendations are remembered.
    window: Duration,
    select: Select,
    policies: Vec<Policy>,
}

/// Which policy counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Select {
    /// The one that allows the most change.
    Max,
    /// The one that allows the least.
    Min,
    /// None: this direction is off.
    Disabled,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Policy {
    amount: Amount,
    period: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Amount {
    Pods(i64),
    Percent(i64),
}

/// What an autoscaler remembers between its looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    recommended: Vec<(Instant, i64)>,
    /// How many replicas were added (above 0) or taken away.
    rescaled: Vec<(Instant, i64)>,
}

/// What became of a recommendation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    /// How many replicas there are to be.
    pub(super) size: i64,
    /// Why it does not follow the metrics at once, as reason and message of the condition `AbleToScale`.
    pub(super) held: Option<(&'static str, &'static str)>,
    /// What bounds it, as reason and message of the condition `ScalingLimited`.
    pub(super) limit: Option<(&'static str, &'static str)>,
}

const STABILIZED_UP: (&str, &str) = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
);
const STABILIZED_DOWN: (&str, &str) = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
);
const TOO_MANY: (&str, &str) = (
    "TooManyReplicas",
    "the desired replica count is more than the maximum replica count",
);
const TOO_FEW: (&str, &str) = (
    "TooFewReplicas",
    "the desired replica count is less than the minimum replica count",
);
const UP_LIMIT: (&str, &str) = (
    "ScaleUpLimit",
    "the desired replica count is increasing faster than the maximum scale rate",
);
const DOWN_LIMIT: (&str, &str) = (
    "ScaleDownLimit",
    "the desired replica count is decreasing faster than the maximum scale rate",
);

impl Behavior {
    /// The behaviour in an autoscaler's spec, with the API's defaults.
    pub(super) fn read(spec: &Value) -> Self {
        let quarter = Duration::from_secs(15);
        let policy = |amount| Policy {
            amount,
            period: quarter,
        };
        let up = Rules {
            window: Duration::ZERO,
            select: Select::Max,
            policies: vec![policy(Amount::Pods(4)), policy(Amount::Percent(100))],
        };
        let down = Rules {
            window: Duration::from_secs(300),
            select: Select::Max,
            policies: vec![policy(Amount::Percent(100))],
        };
        Self {
            up: up.with(&spec["behavior"]["scaleUp"]),
            down: down.with(&spec["behavior"]["scaleDown"]),
        }
    }

    /// What is done about `wanted` replicas while there are `current`, within `least` and `most`.
    pub(super) fn decide(
        &self,
        memory: &mut Memory,
        (least, most): (i64, i64),
        current: i64,
        wanted: i64,
        now: Instant,
    ) -> Decision {
        let stable = self.stabilize(memory, current, wanted, now);
        let held = (stable != wanted).then_some(if wanted >= current {
            STABILIZED_UP
        } else {
            STABILIZED_DOWN
        });
        let (size, limit) = if stable > current {
            let rate = self.up.most(memory, current, now);
            let bound = most.min(rate);
            let why = if most <= rate { TOO_MANY } else { UP_LIMIT };
            (stable.min(bound), (stable > bound).then_some(why))
        } else if stable < current {
            let rate = self.down.least(memory, current, now);
            let bound = least.max(rate);
            let why = if least >= rate { TOO_FEW } else { DOWN_LIMIT };
            (stable.max(bound), (stable < bound).then_some(why))
        } else {
            (current, None)
        };
        Decision { size, held, limit }
    }

    fn stabilize(&self, memory: &mut Memory, current: i64, wanted: i64, now: Instant) -> i64 {
        // A new autoscaler takes what it finds for its first recommendation.
        if memory.recommended.is_empty() {
            memory.recommended.push((now, current));
        }
        let within = |window: Duration| {
            let recent = memory.recommended.iter();
            recent
                .filter(move |(at, _)| now.duration_since(*at) < window)
                .map(|(_, size)| *size)
        };
        let lowest = within(self.up.window).fold(wanted, i64::min);
        let highest = within(self.down.window).fold(wanted, i64::max);
        memory
            .recommended
            .retain(|(at, _)| now.duration_since(*at) < LONGEST);
        memory.recommended.push((now, wanted));
        current.max(lowest).min(highest)
    }
}

impl Memory {
    /// Notes that the size changed.
    pub(super) fn rescaled(&mut self, change: i64, now: Instant) {
        self.rescaled
            .retain(|(at, _)| now.duration_since(*at) < LONGEST);
        self.rescaled.push((now, change));
    }

    /// How many replicas there were `period` ago.
    fn before(&self, current: i64, period: Duration, now: Instant) -> i64 {
        let recent = self.rescaled.iter();
        let changed: i64 = recent
            .filter(|(at, _)| now.duration_since(*at) < period)
            .map(|(_, change)| change)
            .sum();
        current - changed
    }
}

impl Rules {
    fn with(mut self, said: &Value) -> Self {
        if let Some(seconds) = meta::number(said, "/stabilizationWindowSeconds") {
            self.window = Duration::from_secs(u64::try_from(seconds).unwrap_or(0)).min(LONGEST);
        }
        match meta::text(said, "/selectPolicy") {
            "Min" => self.select = Select::Min,
            "Disabled" => self.select = Select::Disabled,
            _ => {}
        }
        let policies: Vec<_> = meta::items(said, "/policies")
            .iter()
            .filter_map(Policy::read)
            .collect();
        if !policies.is_empty() {
            self.policies = policies;
        }
        self
    }

    fn most(&self, memory: &Memory, current: i64, now: Instant) -> i64 {
        let allowed = self.policies.iter().map(|policy| {
            let before = memory.before(current, policy.period, now);
            match policy.amount {
                Amount::Pods(count) => before + count,
                Amount::Percent(percent) => before + (before * percent + 99) / 100,
            }
        });
        self.pick(allowed, current, i64::max, i64::min).max(current)
    }

    fn least(&self, memory: &Memory, current: i64, now: Instant) -> i64 {
        let allowed = self.policies.iter().map(|policy| {
            let before = memory.before(current, policy.period, now);
            match policy.amount {
                Amount::Pods(count) => before - count,
                Amount::Percent(percent) => before * (100 - percent) / 100,
            }
        });
        self.pick(allowed, current, i64::min, i64::max).min(current)
    }

    fn pick(
        &self,
        allowed: impl Iterator<Item = i64>,
        current: i64,
        boldest: fn(i64, i64) -> i64,
        meekest: fn(i64, i64) -> i64,
    ) -> i64 {
        match self.select {
            Select::Max => allowed.reduce(boldest),
            Select::Min => allowed.reduce(meekest),
            Select::Disabled => None,
        }
        .unwrap_or(current)
    }
}

impl Policy {
    fn read(value: &Value) -> Option<Self> {
        let amount = meta::number(value, "/value")?;
        let seconds = meta::number(value, "/periodSeconds")?;
        Some(Self {
            amount: match meta::text(value, "/type") {
                "Pods" => Amount::Pods(amount),
                "Percent" => Amount::Percent(amount),
                _ => return None,
            },
            period: Duration::from_secs(u64::try_from(seconds).ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Seconds since the start, replicas now, replicas wanted by the metrics, replicas that come out.
    type Step = (u64, i64, i64, i64);

    #[test]
    fn the_size_follows_the_metrics_within_the_rules() {
        let slow_up = json!({ "behavior": { "scaleUp": { "policies": [{ "type": "Pods", "value": 1, "periodSeconds": 60 }] } } });
        let least = json!({ "behavior": { "scaleUp": { "selectPolicy": "Min",
            "policies": [{ "type": "Pods", "value": 1, "periodSeconds": 60 }, { "type": "Percent", "value": 100, "periodSeconds": 60 }] } } });
        let never_down = json!({ "behavior": { "scaleDown": { "selectPolicy": "Disabled" } } });
        let tenth_down = json!({ "behavior": { "scaleDown": { "stabilizationWindowSeconds": 0,
            "policies": [{ "type": "Percent", "value": 10, "periodSeconds": 60 }] } } });
        let calm_up = json!({ "behavior": { "scaleUp": { "stabilizationWindowSeconds": 30 } } });
        let cases: &[(&str, Value, &[Step])] = &[
            (
                "up at once, at most to four more or twice as many",
                json!({}),
                &[(0, 2, 9, 6), (5, 6, 20, 6), (15, 6, 20, 12)],
            ),
            (
                "down after five minutes",
                json!({}),
                &[(0, 4, 1, 4), (299, 4, 1, 4), (300, 4, 1, 1)],
            ),
            (
                "down to the highest of the last five minutes",
                json!({}),
                &[(0, 4, 4, 4), (100, 4, 3, 4), (300, 4, 1, 3), (400, 3, 1, 1)],
            ),
            ("never above the most", json!({}), &[(0, 12, 30, 20)]),
            (
                "a policy of one Pod a minute",
                slow_up,
                &[(0, 2, 9, 3), (30, 3, 9, 3), (60, 3, 9, 4)],
            ),
            ("the smaller of two policies", least, &[(0, 4, 9, 5)]),
            (
                "a direction that is off",
                never_down,
                &[(0, 4, 1, 4), (4_000, 4, 1, 4)],
            ),
            (
                "down by a tenth a minute",
                tenth_down,
                &[(0, 10, 1, 9), (30, 9, 1, 9), (60, 9, 1, 8)],
            ),
            (
                "up only when it lasts",
                calm_up,
                &[(0, 2, 4, 2), (29, 2, 4, 2), (30, 2, 5, 4)],
            ),
        ];
        for (name, spec, steps) in cases {
            let start = Instant::now();
            let behavior = Behavior::read(spec);
            let mut memory = Memory::default();
            for step @ (at, current, wanted, expected) in *steps {
                let now = start + Duration::from_secs(*at);
                let made = behavior.decide(&mut memory, (1, 20), *current, *wanted, now);
                assert_eq!(made.size, *expected, "{name}: {step:?} {made:?}");
                if made.size != *current {
                    memory.rescaled(made.size - current, now);
                }
            }
        }
    }

    #[test]
    fn what_holds_it_back_is_said() {
        let now = Instant::now();
        let free = json!({ "behavior": { "scaleDown": { "stabilizationWindowSeconds": 0 } } });
        for (spec, current, wanted, held, limit) in [
            (json!({}), 2, 2, None, None),
            (json!({}), 2, 1, Some("ScaleDownStabilized"), None),
            (json!({}), 2, 15, None, Some("ScaleUpLimit")),
            (json!({}), 9, 15, None, Some("TooManyReplicas")),
            (free, 4, 0, None, Some("TooFewReplicas")),
        ] {
            let decision =
                Behavior::read(&spec).decide(&mut Memory::default(), (1, 10), current, wanted, now);
            let reasons = (
                decision.held.map(|(reason, _)| reason),
                decision.limit.map(|(reason, _)| reason),
            );
            assert_eq!(reasons, (held, limit), "{current} -> {wanted}");
        }
    }
}
