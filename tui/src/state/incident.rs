//! The incident as its responder sees it: alerts, SLOs, customers.

use std::collections::VecDeque;

use model::{AlertName, Check, CheckName, ServiceName, Severity, Timestamp};

/// How many measurements of an SLO are kept: two minutes at one in two seconds.
const KEPT: usize = 60;

/// An alert that fires.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Firing {
    pub(crate) alert: AlertName,
    pub(crate) severity: Severity,
    pub(crate) service: Option<ServiceName>,
    pub(crate) summary: String,
    pub(crate) runbook: String,
    pub(crate) since: Timestamp,
}

/// An SLO and what was measured of it, newest last.
#[derive(Clone, Debug)]
pub(crate) struct Slo {
    pub(crate) check: Check,
    pub(crate) values: VecDeque<Option<f64>>,
}

impl Slo {
    /// The newest value, and whether the SLO holds; `None` before the first.
    pub(crate) fn now(&self) -> Option<(Option<f64>, bool)> {
        let value = *self.values.back()?;
        Some((
            value,
            value.is_some_and(|value| self.check.bound.holds(value)),
        ))
    }
}

/// A request that a customer was not happy with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) at: Timestamp,
    pub(crate) step: String,
    pub(crate) seen: String,
    pub(crate) trace_id: String,
}

/// The incident as its responder sees it.
#[derive(Clone, Debug)]
pub(crate) struct Incident {
    pub(crate) firing: Vec<Firing>,
    pub(crate) slos: Vec<Slo>,
    pub(crate) complaints: Vec<Complaint>,
    pub(crate) trouble: Option<String>,
    pub(crate) hint: Option<engine::HintOffer>,
    pub(crate) selected: usize,
}

impl Incident {
    pub(crate) fn new(checks: &[Check]) -> Self {
        let slos = checks.iter().map(|check| Slo {
            check: check.clone(),
            values: VecDeque::new(),
        });
        Self {
            firing: Vec::new(),
            slos: slos.collect(),
            complaints: Vec::new(),
            trouble: None,
            hint: None,
            selected: 0,
        }
    }

    /// Takes new measurements.
    pub(crate) fn measure(&mut self, measured: Vec<(CheckName, Option<f64>)>) {
        for (name, value) in measured {
            if let Some(slo) = self.slos.iter_mut().find(|slo| slo.check.name == name) {
                slo.values.push_back(value);
                while slo.values.len() > KEPT {
                    slo.values.pop_front();
                }
            }
        }
    }
}
