//! The names that an author may use: what exists.

use std::collections::BTreeMap;

use crate::{AlertName, Check, FailureMatrix, FaultSpec, JourneyName, ServiceName, ShopName};

/// Everything that a scenario can name.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// The shops and their parts.
    pub shops: BTreeMap<ShopName, ShopVocabulary>,
    /// The registered faults.
    pub faults: Vec<FaultSpec>,
    /// The documented failures.
    pub matrix: FailureMatrix,
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
