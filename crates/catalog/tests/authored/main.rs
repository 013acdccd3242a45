//! Authored files as their authors meet them: read, refused, explained.

mod broken;
mod documents;
mod mutations;
mod scenarios;
mod schemas;
mod templates;
mod vocabulary;
