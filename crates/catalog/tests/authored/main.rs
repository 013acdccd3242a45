//! Authored files as their authors meet them: read, refused, explained.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod broken;
mod documents;
mod mutations;
mod scenarios;
mod schemas;
mod templates;
mod vocabulary;
