//! What goes into a statement and comes out of a row.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::DbError;

/// A value bound to a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// TEXT.
    Text(String),
    /// TEXT or NULL.
    MaybeText(Option<String>),
    /// BIGINT.
    Int(i64),
    /// DOUBLE PRECISION.
    Float(f64),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::MaybeText(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

/// A row of an answer.
#[derive(Debug)]
pub struct Row {
    peer: &'static str,
    row: PgRow,
}

impl Row {
    pub(super) fn new(peer: &'static str, row: PgRow) -> Self {
        Self { peer, row }
    }

    /// The TEXT in a column.
    ///
    /// # Errors
    /// When there is no such column of that type, or it is NULL.
    pub fn text(&self, column: &str) -> Result<String, DbError> {
        self.row.try_get(column).map_err(|error| self.error(&error))
    }

    /// The TEXT in a column, or `None` for NULL.
    ///
    /// # Errors
    /// When there is no such column of that type.
    pub fn maybe_text(&self, column: &str) -> Result<Option<String>, DbError> {
        self.row.try_get(column).map_err(|error| self.error(&error))
    }

    /// The BIGINT in a column.
    ///
    /// # Errors
    /// When there is no such column of that type, or it is NULL.
    pub fn int(&self, column: &str) -> Result<i64, DbError> {
        self.row.try_get(column).map_err(|error| self.error(&error))
    }

    /// The DOUBLE PRECISION in a column.
    ///
    /// # Errors
    /// When there is no such column of that type, or it is NULL.
    pub fn float(&self, column: &str) -> Result<f64, DbError> {
        self.row.try_get(column).map_err(|error| self.error(&error))
    }

    fn error(&self, error: &sqlx::Error) -> DbError {
        DbError::Refused {
            peer: self.peer,
            reason: error.to_string(),
        }
    }
}
