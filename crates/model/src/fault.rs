//! What can be broken. The set of faults is open: `chaos` registers them, and
//! describes each with a [`FaultSpec`] so that authors get exact errors.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// Its value when it is left out, as authored; `None` where it is required.
    pub default: Option<&'static str>,
    /// One line of help, with the unit.
    pub help: &'static str,
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
    /// Any text, such as an image tag.
    Text,
}
