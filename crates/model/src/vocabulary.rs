//! The names that an author may use: what exists.

use std::collections::BTreeMap;

use crate::{
    AlertName, Backend, Check, FailureMatrix, FaultSpec, JourneyName, ServiceName, ShopName,
};

/// Says what is wrong with a query in the language of a backend.
pub type QueryCheck = fn(Backend, &str) -> Result<(), String>;

/// Everything that a scenario can name.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// The shops and their parts.
    pub shops: BTreeMap<ShopName, ShopVocabulary>,
    /// The registered faults.
    pub faults: Vec<FaultSpec>,
    /// The documented failures.
    pub matrix: FailureMatrix,
    /// Checks queries; without it any text is taken for one.
    pub check_query: Option<QueryCheck>,
}

/// The parts of one shop.
#[derive(Clone, Debug, Default)]
pub struct ShopVocabulary {
    /// Its services and stores, from its manifests.
    pub services: Vec<ServiceName>,
    /// Its alerts, from the rule files.
    pub alerts: Vec<AlertName>,
    /// Its customers' journeys, from the load generator.
    pub journeys: Vec<JourneyName>,
    /// Its SLOs and other checks.
    pub checks: Vec<Check>,
}
