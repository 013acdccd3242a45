//! The answer form, filled in by a line: `cause=payment mode=hang impact=M06 severity=page`.

use model::FailureMode;

use super::status::severity_word;
use crate::state::{AnswerForm, Field, SEVERITIES};

/// The form with what `words` say. What they leave out stays as it was submitted last; the
/// first answer says everything.
pub(super) fn filled(form: &AnswerForm, words: &str) -> Result<AnswerForm, String> {
    let mut form = form.clone();
    let mut said = Vec::new();
    for word in words.split_whitespace() {
        let (name, value) = word
            .split_once('=')
            .ok_or_else(|| format!("`{word}` is not written as {}", usage()))?;
        let field = Field::ALL.into_iter().find(|field| name_of(*field) == name);
        let field = field.ok_or_else(|| format!("`{name}` is no field; write {}", usage()))?;
        let values = values(&form, field);
        let place = values
            .iter()
            .position(|known| known.eq_ignore_ascii_case(value));
        let place = place.ok_or_else(|| {
            format!(
                "`{value}` is no {name}; it is one of: {}",
                values.join(", ")
            )
        })?;
        match field {
            Field::Cause => form.cause = place,
            Field::Mode => form.mode = place,
            Field::Impact => form.impact = place,
            Field::Severity => form.severity = place,
        }
        said.push(field);
    }
    let missing: Vec<&str> = Field::ALL
        .into_iter()
        .filter(|field| form.submitted.is_none() && !said.contains(field))
        .map(name_of)
        .collect();
    if missing.is_empty() {
        Ok(form)
    } else {
        Err(format!(
            "the first answer names all fields, {} too: {}",
            missing.join(" and "),
            usage()
        ))
    }
}

fn usage() -> &'static str {
    "answer cause=SERVICE mode=MODE impact=ROW severity=SEVERITY (`answer` alone lists what they can be)"
}

fn name_of(field: Field) -> &'static str {
    match field {
        Field::Cause => "cause",
        Field::Mode => "mode",
        Field::Impact => "impact",
        Field::Severity => "severity",
    }
}

/// What a field can say, in the form's order.
fn values(form: &AnswerForm, field: Field) -> Vec<String> {
    let none = || "none".to_owned();
    match field {
        Field::Cause => {
            let causes = form.causes.iter();
            causes
                .map(|cause| cause.as_ref().map_or_else(none, ToString::to_string))
                .collect()
        }
        Field::Mode => FailureMode::ALL.map(|mode| mode.to_string()).to_vec(),
        Field::Impact => {
            let impacts = form.impacts.iter();
            impacts
                .map(|row| row.as_ref().map_or_else(none, ToString::to_string))
                .collect()
        }
        Field::Severity => SEVERITIES
            .map(|severity| severity_word(severity).to_owned())
            .to_vec(),
    }
}
