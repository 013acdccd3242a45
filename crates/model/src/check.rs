//! What is expected of a healthy shop, and what was seen.

use serde::{Deserialize, Serialize};

use crate::{CheckName, Period, Ratio};

/// A query with a bound: an SLO, or any other statement that can hold or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Check {
    /// Its name, unique within a shop.
    pub name: CheckName,
    /// What it promises to a customer, in one line.
    pub title: String,
    /// PromQL that gives one number. No sample at all counts as not held.
    pub query: String,
    /// When it holds.
    pub bound: Bound,
}

/// The bound of a [`Check`], authored as a one-key map: `at-least: 99%`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// Holds while the share is this large or larger.
    AtLeast(Ratio),
    /// Holds while the seconds measured are this long or shorter.
    Within(Period),
    /// Holds while the number is this or smaller.
    AtMost(f64),
}

impl Bound {
    /// Whether `value` (a share, seconds or a number, as the bound says) holds.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(ratio) => value >= ratio.value() - 1e-9,
            Self::Within(period) => value <= period.as_secs_f64(),
            Self::AtMost(number) => value <= number,
        }
    }

    /// `value` in the bound's own unit, for people.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::AtLeast(_) => format!("{:.1}%", value * 100.0),
            Self::Within(_) if value < 1.0 => format!("{:.0}ms", value * 1_000.0),
            Self::Within(_) => format!("{value:.2}s"),
            Self::AtMost(_) => format!("{value:.1}"),
        }
    }
}

/// What a [`Check`] showed at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The check that was evaluated.
    pub check: CheckName,
    /// What it measured; `None` where no sample came.
    pub value: Option<f64>,
    /// Whether the bound held.
    pub holds: bool,
}
