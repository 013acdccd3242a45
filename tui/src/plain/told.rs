//! One thing that is told: as text for people, as JSON for programs, the same facts in both.

use model::Timestamp;
use serde_json::{Map, Value, json};

use super::Mode;
use crate::words::clock;

/// One thing that is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    at: Timestamp,
    kind: &'static str,
    text: String,
    rows: Vec<String>,
    facts: Map<String, Value>,
}

impl Told {
    /// Something of a `kind`, in one sentence.
    pub(super) fn new(at: Timestamp, kind: &'static str, text: impl Into<String>) -> Self {
        Self {
            at,
            kind,
            text: text.into(),
            rows: Vec::new(),
            facts: Map::new(),
        }
    }

    /// What did not work, and what would be right.
    pub(super) fn error(at: Timestamp, why: impl Into<String>) -> Self {
        let why = why.into();
        Self::new(at, "error", format!("error: {why}")).with("error", json!(why))
    }

    /// Lines under the sentence, for people.
    pub(super) fn rows(mut self, rows: impl IntoIterator<Item = String>) -> Self {
        self.rows.extend(rows);
        self
    }

    /// A fact for programs.
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.facts.insert(name.to_owned(), value);
        self
    }

    /// The line or lines that tell it, with their ends.
    pub(super) fn render(&self, mode: Mode) -> String {
        match mode {
            Mode::Plain => {
                let mut out = format!("{} {}\n", clock(self.at), tame(&self.text));
                for row in &self.rows {
                    out.push_str(&format!("  {}\n", tame(row)));
                }
                out
            }
            Mode::Json => {
                let mut all = Map::new();
                all.insert("at".to_owned(), json!(self.at.as_millis()));
                all.insert("kind".to_owned(), json!(self.kind));
                all.insert("text".to_owned(), json!(self.text));
                all.extend(self.facts.clone());
                format!("{}\n", Value::Object(all))
            }
        }
    }
}

/// `text` in one line and without what would move a cursor or change a colour: it may be
/// what a service logged.
fn tame(text: &str) -> String {
    let tame = |c: char| if c.is_control() { ' ' } else { c };
    text.chars()
        .map(tame)
        .collect::<String>()
        .trim_end()
        .to_owned()
}
