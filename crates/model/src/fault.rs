//! What can be broken. The set of faults is open: `chaos` registers them, and
//! describes each with a [`FaultSpec`] so that authors get exact errors.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Period;

/// What is to be broken: a registered kind with its arguments, checked against
/// that kind's [`FaultSpec`]. Authored as a one-key map: `hang: { service: payment }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The registered kind, such as `hang`.
    pub kind: String,
    /// Its arguments by name, as authored: text, numbers, periods as text.
    pub args: Map<String, Value>,
}

/// What a kind of fault is called, does, and takes.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultSpec {
    /// The kind, in kebab case.
    pub kind: &'static str,
    /// One sentence: what breaks, and what its victims notice.
    pub summary: &'static str,
    /// What a responder can do that ends it, in one sentence.
    pub recovery: &'static str,
    /// The arguments that it takes, required ones first.
    pub args: &'static [ArgSpec],
}

/// One argument of a kind of fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArgSpec {
    /// Its name, in kebab case.
    pub name: &'static str,
    /// What it holds.
    pub kind: ArgKind,
    /// Its value when it is left out, as authored; `None` where it is required,
    /// `""` where nothing stands for it then.
    pub default: Option<&'static str>,
    /// One line of help, with the unit.
    pub help: &'static str,
}

impl ArgSpec {
    /// Whether nothing stands for the argument where it is left out.
    pub fn may_be_absent(&self) -> bool {
        self.default == Some("") && self.kind != ArgKind::Text
    }
}

/// What an argument holds, and its bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ArgKind {
    /// The name of a service or store of the scenario's shop.
    Service,
    /// A length of time between two bounds, in milliseconds.
    Period {
        /// Shortest accepted, in milliseconds.
        min_ms: u64,
        /// Longest accepted, in milliseconds.
        max_ms: u64,
    },
    /// A share between 0% and 100%.
    Ratio,
    /// A whole number between two bounds.
    Count {
        /// Smallest accepted.
        min: u64,
        /// Largest accepted.
        max: u64,
    },
    /// A whole number between two bounds with its unit behind it, such as `64Mi`.
    Amount {
        /// The unit as it is written.
        unit: &'static str,
        /// Smallest accepted.
        min: u64,
        /// Largest accepted.
        max: u64,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any text, such as an image tag.
    Text,
}

impl ArgKind {
    /// The number of an [`ArgKind::Amount`] that is written in its unit and within
    /// its bounds; `None` for anything else.
    pub fn amount(self, text: &str) -> Option<u64> {
        let Self::Amount { unit, min, max } = self else {
            return None;
        };
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        (min..=max).contains(&number).then_some(number)
    }

    /// What is accepted, in one phrase: `a length of time from 1ms to 2m`.
    pub fn expected(self) -> String {
        match self {
            Self::Service => "a service or store of the shop".to_owned(),
            Self::Period { min_ms, max_ms } => {
                let (min, max) = (Period::from_millis(min_ms), Period::from_millis(max_ms));
                format!("a length of time from {min} to {max}")
            }
            Self::Ratio => "a share from 0% to 100%".to_owned(),
            Self::Count { min, max } => format!("a whole number from {min} to {max}"),
            Self::Amount { unit, min, max } => {
                format!("a whole number with its unit, from {min}{unit} to {max}{unit}")
            }
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Text => "text".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_a_number_within_its_bounds_with_its_unit() {
        let memory = ArgKind::Amount {
            unit: "Mi",
            min: 8,
            max: 512,
        };
        for (text, amount) in [
            ("64Mi", Some(64)),
            ("512Mi", Some(512)),
            ("7Mi", None),
            ("513Mi", None),
            ("64", None),
            ("64M", None),
            ("-64Mi", None),
            ("Mi", None),
        ] {
            assert_eq!(memory.amount(text), amount, "{text}");
        }
        assert_eq!(ArgKind::Text.amount("64Mi"), None);
    }

    #[test]
    fn what_is_accepted_is_said_with_its_bounds() {
        let minutes = ArgKind::Period {
            min_ms: 1,
            max_ms: 120_000,
        };
        for (kind, expected) in [
            (minutes, "a length of time from 1ms to 2m"),
            (ArgKind::Choice(&["cpu", "memory"]), "one of cpu, memory"),
            (
                ArgKind::Count { min: 1, max: 9 },
                "a whole number from 1 to 9",
            ),
        ] {
            assert_eq!(kind.expected(), expected);
        }
    }
}
