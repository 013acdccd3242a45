//! The parser's part for labels that stages set: those that parsers take, and `label_format`.

use super::ast::{PathPart, Picked, Renamed, Stage};
use super::lexer::{Kind, Token};
use super::parser::{ParseError, Parser};
use crate::logs::labels::quote;
use crate::logs::template::Template;

impl Parser {
    /// `a, b="expression"` after a parser; nothing if no name follows.
    pub(super) fn picked(
        &mut self,
        parser: &str,
        path: impl Fn(&str) -> Result<Vec<PathPart>, String>,
    ) -> Result<Vec<Picked>, ParseError> {
        let mut written: Vec<(String, String)> = Vec::new();
        if self.peek().kind != Kind::Ident {
            return Ok(Vec::new());
        }
        loop {
            let name = self.ident(&["IDENTIFIER"])?;
            let source = if self.eat("=") {
                self.string(&["STRING"])?
            } else {
                name.clone()
            };
            written.push((name, source));
            if !self.eat(",") {
                break;
            }
        }
        let stage = || format!("| {parser} {}", assignments(&written));
        let mut picked = Vec::with_capacity(written.len());
        for (name, source) in &written {
            let path = path(source).map_err(|message| {
                let message = format!("cannot parse expression [{source}]: {message}");
                ParseError::stage(&stage(), &message)
            })?;
            picked.push(Picked {
                path,
                name: name.clone(),
                source: source.clone(),
            });
        }
        Ok(picked)
    }

    pub(super) fn label_format(&mut self) -> Result<Stage, ParseError> {
        let mut written: Vec<(String, Token)> = Vec::new();
        loop {
            let name = self.ident(&["IDENTIFIER"])?;
            self.expect("=", &["="])?;
            match self.peek().kind {
                Kind::Ident | Kind::Str => written.push((name, self.take())),
                _ => return Err(self.unexpected(&["IDENTIFIER", "STRING"])),
            }
            if !self.eat(",") {
                break;
            }
        }
        let texts: Vec<String> = written
            .iter()
            .map(|(name, value)| match value.kind {
                Kind::Str => format!("{name}={}", quote(&value.text)),
                _ => format!("{name}={}", value.text),
            })
            .collect();
        let fault = |message: String| {
            ParseError::stage(&format!("| label_format {}", texts.join(",")), &message)
        };
        let mut formats: Vec<(String, Renamed)> = Vec::new();
        for (name, value) in &written {
            if name == "__error__" {
                return Err(fault(format!("{name} cannot be formatted")));
            }
            if formats.iter().any(|(known, _)| known == name) {
                return Err(fault(format!(
                    "multiple label name '{name}' not allowed in a single format operation"
                )));
            }
            let format = match value.kind {
                Kind::Str => Renamed::Template(
                    Template::parse("label", &value.text)
                        .map_err(|m| fault(format!("invalid template for label '{name}': {m}")))?,
                ),
                _ => Renamed::Label(value.text.clone()),
            };
            formats.push((name.clone(), format));
        }
        Ok(Stage::LabelFormat(formats))
    }
}

/// `a="x",b="y"`.
fn assignments(written: &[(String, String)]) -> String {
    let texts: Vec<String> = written
        .iter()
        .map(|(name, source)| format!("{name}={}", quote(source)))
        .collect();
    texts.join(",")
}
