//! The answer form: closed vocabularies, so that nobody has to judge a text.

use model::{Diagnosis, FailureMode, Response, RowId, ServiceName, Severity};

use super::Facts;
use crate::effect::Effect;

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Cause,
    Mode,
    Impact,
    Severity,
}

impl Field {
    pub(crate) const ALL: [Self; 4] = [Self::Cause, Self::Mode, Self::Impact, Self::Severity];
}

/// The answer form.
#[derive(Clone, Debug)]
pub(crate) struct AnswerForm {
    pub(crate) field: usize,
    /// `None` means that nothing is wrong.
    pub(crate) causes: Vec<Option<ServiceName>>,
    pub(crate) impacts: Vec<Option<RowId>>,
    pub(crate) cause: usize,
    pub(crate) mode: usize,
    pub(crate) impact: usize,
    pub(crate) severity: usize,
    pub(crate) submitted: Option<Diagnosis>,
}

/// The severities, in the form's order.
pub(crate) const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Ticket, Severity::Page];

impl AnswerForm {
    pub(crate) fn new(facts: &Facts) -> Self {
        let services = facts.services.iter().cloned().map(Some);
        let rows = facts.rows.iter().map(|row| Some(row.id.clone()));
        Self {
            field: 0,
            causes: std::iter::once(None).chain(services).collect(),
            impacts: std::iter::once(None).chain(rows).collect(),
            cause: 0,
            mode: 0,
            impact: 0,
            severity: 0,
            submitted: None,
        }
    }

    /// Goes `step` fields down.
    pub(crate) fn go(&mut self, step: isize) {
        let last = Field::ALL.len() as isize - 1;
        self.field = (self.field as isize + step).clamp(0, last) as usize;
    }

    /// Changes the field by `step`.
    pub(crate) fn turn(&mut self, step: isize) {
        let (value, count) = match Field::ALL[self.field] {
            Field::Cause => (&mut self.cause, self.causes.len()),
            Field::Mode => (&mut self.mode, FailureMode::ALL.len()),
            Field::Impact => (&mut self.impact, self.impacts.len()),
            Field::Severity => (&mut self.severity, SEVERITIES.len()),
        };
        *value = (*value as isize + step).rem_euclid(count.max(1) as isize) as usize;
    }

    /// What the form says.
    pub(crate) fn diagnosis(&self) -> Diagnosis {
        Diagnosis {
            cause: self.causes.get(self.cause).cloned().flatten(),
            mode: FailureMode::ALL[self.mode],
            impact: self.impacts.get(self.impact).cloned().flatten(),
        }
    }

    /// Submits the form.
    pub(crate) fn submit(&mut self) -> Vec<Effect> {
        let diagnosis = self.diagnosis();
        self.submitted = Some(diagnosis.clone());
        vec![
            Effect::Respond(Response::Declare(self.severity())),
            Effect::Respond(Response::Diagnose(diagnosis)),
        ]
    }

    /// The severity that the form declares.
    pub(crate) fn severity(&self) -> Severity {
        SEVERITIES[self.severity]
    }
}
