//! How a response is judged.

use serde::{Deserialize, Serialize};

use crate::Period;

/// How points are given: 100 in all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Rubric {
    /// Points for noticing in time: acknowledging the page.
    pub detect: u32,
    /// Points for naming the service at fault.
    pub locate: u32,
    /// Points for naming how it fails.
    pub diagnose: u32,
    /// Points for saying what users see, and how bad it is.
    pub impact: u32,
    /// Points for ending it in time.
    pub mitigate: u32,
    /// Points for queries that really showed the symptom.
    pub evidence: u32,
    /// Points for updates on their cadence.
    pub communicate: u32,
    /// Full points for acknowledging within this time after the page.
    pub acknowledge_within: Period,
    /// Full points for mitigating within this time after the page.
    pub mitigate_within: Period,
    /// An update is due at least this often.
    pub update_every: Period,
}

impl Default for Rubric {
    fn default() -> Self {
        Self {
            detect: 15,
            locate: 20,
            diagnose: 15,
            impact: 10,
            mitigate: 25,
            evidence: 10,
            communicate: 5,
            acknowledge_within: Period::from_secs(60),
            mitigate_within: Period::from_secs(300),
            update_every: Period::from_secs(300),
        }
    }
}

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Criterion {
    /// Noticed in time.
    Detect,
    /// Found the service at fault.
    Locate,
    /// Found how it fails.
    Diagnose,
    /// Understood what it means to customers.
    Impact,
    /// Ended it, in time, for good.
    Mitigate,
    /// Looked before acting.
    Evidence,
    /// Kept others informed.
    Communicate,
}

impl Criterion {
    /// Its name, in one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Locate => "locate",
            Self::Diagnose => "diagnose",
            Self::Impact => "impact",
            Self::Mitigate => "mitigate",
            Self::Evidence => "evidence",
            Self::Communicate => "communicate",
        }
    }
}

/// The points of one criterion, with their reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Score {
    /// What is judged.
    pub criterion: Criterion,
    /// Points earned, a multiple of a tenth.
    pub points: f64,
    /// Points that could be earned.
    pub of: u32,
    /// Why, in one sentence to the responder.
    pub reason: String,
    /// The Events (by `seq`) that earned or lost them.
    pub events: Vec<u64>,
}

/// Points taken away, with their reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Deduction {
    /// Points taken, a multiple of a tenth.
    pub points: f64,
    /// Why, in one sentence.
    pub reason: String,
    /// The Events (by `seq`) that cost them.
    pub events: Vec<u64>,
}

/// The judgement of one drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Grade {
    /// The scenario's name.
    pub scenario: String,
    /// 0 to 100, a multiple of a tenth.
    pub total: f64,
    /// The points at which it is passed.
    pub pass_mark: u32,
    /// Whether it is passed.
    pub passed: bool,
    /// One score a criterion, in the rubric's order.
    pub scores: Vec<Score>,
    /// What was taken away.
    pub deductions: Vec<Deduction>,
    /// The most that the total could be, where an act capped it, and why.
    pub cap: Option<(u32, String)>,
}
