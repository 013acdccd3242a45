//! Filters that are not finished yet, as editors send them to have tags completed.

use super::ast::Query;
use super::lexer::{Kind, Token, lex};
use super::parser::{ParseError, parse};

/// Reads a query of which comparisons may lack their value, and operators between them a side:
/// what is not finished is left out. `None` if nothing of it can be read.
///
/// # Errors
/// [`ParseError::Meaning`] if it can be read but has no meaning.
pub fn parse_unfinished(text: &str) -> Result<Option<Query>, ParseError> {
    match parse(text) {
        Ok(query) => return Ok(Some(query)),
        Err(error @ ParseError::Meaning(_)) => return Err(error),
        Err(ParseError::Syntax { .. }) => {}
    }
    let tokens: Vec<Token> = lex(text).into_iter().map_while(Result::ok).collect();
    let inner = tokens
        .into_iter()
        .skip_while(|token| token.text != "{")
        .skip(1);
    let inner: Vec<Token> = inner
        .take_while(|token| token.text != "}" && token.kind != Kind::End)
        .collect();
    let mut out = String::from("{ ");
    let mut joint = "";
    for part in inner.split(|token| matches!(token.text.as_str(), "&&" | "||")) {
        let text = written(part);
        let operator = inner.iter().any(|token| token.text == "||");
        if parse(&format!("{{ {text} }}")).is_err() || text.is_empty() {
            continue;
        }
        out.push_str(joint);
        out.push_str(&text);
        joint = if operator { " || " } else { " && " };
    }
    out.push_str(" }");
    if joint.is_empty() {
        return Ok(None);
    }
    parse(&out).map(Some)
}

/// Words as a query has them.
fn written(tokens: &[Token]) -> String {
    let mut out = String::new();
    for token in tokens {
        match &token.kind {
            Kind::Literal(crate::traces::Value::Text(text)) => out.push_str(&format!("{text:?}")),
            Kind::Attribute => {
                let name = token.text.replace('\\', "\\\\").replace('"', "\\\"");
                out.push_str(&format!("\"{name}\""));
            }
            _ => out.push_str(&token.text),
        }
        let is_scope = token.kind == Kind::Sign && token.text.ends_with(['.', ':']);
        if !is_scope {
            out.push(' ');
        }
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unfinished_is_left_out() {
        for (text, stages) in [
            ("{ name = \"a\" && }", Some("{ name = `a` }")),
            ("{ name = \"a\" && span.b = }", Some("{ name = `a` }")),
            (
                "{ span.\"x y\" = 1 && .c",
                Some("{ (span.\"x y\" = 1) && .c }"),
            ),
            ("{ .a = }", None),
            ("", None),
        ] {
            let query = parse_unfinished(text).expect("a meaning");
            let shown = query.map(|query| query.pipeline[0].to_string());
            assert_eq!(shown.as_deref(), stages, "{text}");
        }
    }
}
