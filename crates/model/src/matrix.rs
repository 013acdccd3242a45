//! The failure matrix: what the documents promise about each failure.

use serde::{Deserialize, Serialize};

use crate::{JourneyName, Period, RowId, ServiceName, ShopName};

/// The documented failures of a shop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FailureMatrix {
    /// Its rows, in the documents' order.
    pub rows: Vec<MatrixRow>,
}

impl FailureMatrix {
    /// The row called `id`.
    pub fn row(&self, id: &RowId) -> Option<&MatrixRow> {
        self.rows.iter().find(|row| row.id == *id)
    }
}

/// One documented failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MatrixRow {
    /// Stable id, such as `M06`.
    pub id: RowId,
    /// The shop it speaks of.
    pub shop: ShopName,
    /// The service or store that fails.
    pub failed: ServiceName,
    /// What stops working.
    pub impact: String,
    /// What the user sees, in the shop's own words.
    pub experience: String,
    /// The journeys of customers that fail.
    #[serde(default)]
    pub journeys: Vec<JourneyName>,
    /// What the shop really shows them: each text that a customer may meet
    /// says the documented experience.
    #[serde(default)]
    pub shows: Vec<String>,
    /// How soon after the first user impact monitoring must have noticed.
    pub detect: Period,
    /// How it recovers.
    pub recovery: Recovery,
}

/// How a documented failure recovers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recovery {
    /// The platform recovers alone, within this time where one is documented.
    Itself(Option<Period>),
    /// Somebody has to restart the service.
    ManualRestart,
    /// Critical: somebody has to intervene.
    ManualIntervention,
}
