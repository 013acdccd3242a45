//! Types as SQL writes them, and casts to them.

use pgwire::api::Type;

use super::lexer::{Kind, Token, closing};
use super::translate::last_top_level;
use super::types::{self, declared};

/// A type at `at`: the type, where it ends, and its first length such as the 40 of `varchar(40)`.
pub(super) fn type_at(
    tokens: &[Token],
    at: usize,
) -> Option<(Option<Type>, usize, Option<String>)> {
    let first = tokens.get(at).filter(|token| token.is_name())?;
    let word = |offset: usize, text: &str| {
        tokens
            .get(at + offset)
            .is_some_and(|token| token.is_word(text))
    };
    let mut name = first.text.clone();
    let mut end = at + 1;
    if (name == "double" && word(1, "precision"))
        || (matches!(name.as_str(), "character" | "char") && word(1, "varying"))
    {
        name = if name == "double" {
            "double precision"
        } else {
            "varchar"
        }
        .to_owned();
        end += 1;
    }
    let mut length = None;
    if tokens.get(end).is_some_and(|token| token.is_mark("(")) {
        length = tokens
            .get(end + 1)
            .filter(|token| token.kind == Kind::Number)
            .map(|token| token.text.clone());
        end = (closing(tokens, end) + 1).min(tokens.len());
    }
    if name.starts_with("time") {
        let zone = |at: usize, first: &str| {
            ["time", "zone"]
                .iter()
                .enumerate()
                .all(|(i, w)| tokens.get(at + 1 + i).is_some_and(|t| t.is_word(w)))
                && tokens.get(at).is_some_and(|t| t.is_word(first))
        };
        if zone(end, "with") {
            name = format!("{name} with time zone");
            end += 3;
        } else if zone(end, "without") {
            end += 3;
        }
    }
    while tokens.get(end).is_some_and(|token| token.is_mark("[")) {
        end += 2;
    }
    Some((types::named(&name), end, length))
}

/// `x::type` and `CAST(x AS type)` become calls that cast as PostgreSQL does.
pub(super) fn casts(tokens: &[Token]) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        if token.is_mark("::") {
            let Some((ty, end, length)) = type_at(tokens, at + 1) else {
                out.push(token.clone());
                at += 1;
                continue;
            };
            let start = operand_start(&out);
            let operand = out.split_off(start);
            out.extend(cast(operand, ty.as_ref(), length.as_deref()));
            at = end;
        } else if token.is_word("cast")
            && tokens.get(at + 1).is_some_and(|token| token.is_mark("("))
        {
            let end = closing(tokens, at + 1);
            let inner = &tokens[at + 2..end];
            let as_at = last_top_level(inner, "as");
            let cast_to = as_at.and_then(|as_at| Some((as_at, type_at(inner, as_at + 1)?)));
            match cast_to {
                Some((as_at, (ty, _, length))) => {
                    out.extend(cast(casts(&inner[..as_at]), ty.as_ref(), length.as_deref()));
                    at = end + 1;
                }
                None => {
                    out.push(token.clone());
                    at += 1;
                }
            }
        } else {
            out.push(token.clone());
            at += 1;
        }
    }
    out
}

fn cast(operand: Vec<Token>, ty: Option<&Type>, length: Option<&str>) -> Vec<Token> {
    let function = match ty {
        Some(
            &Type::INT2 | &Type::INT4 | &Type::INT8 | &Type::BOOL | &Type::FLOAT4 | &Type::FLOAT8,
        ) => "pg_cast",
        Some(
            &Type::NUMERIC
            | &Type::JSON
            | &Type::JSONB
            | &Type::TIMESTAMPTZ
            | &Type::TIMESTAMP
            | &Type::DATE,
        ) => "pg_cast",
        Some(&Type::BYTEA) => "pg_cast",
        Some(&Type::OID) => "pg_oid",
        _ => "",
    };
    let mut out = Vec::with_capacity(operand.len() + 6);
    if function.is_empty() {
        let varying = length.is_some() && ty == Some(&Type::VARCHAR);
        let open = if varying { "substr" } else { "cast" };
        out.extend([Token::word(open), Token::mark("(")]);
        out.extend(operand);
        match length.filter(|_| varying) {
            Some(length) => out.extend([
                Token::mark(","),
                Token::word("1"),
                Token::mark(","),
                Token::word(length),
            ]),
            None => out.extend([Token::word("as"), Token::word("text")]),
        }
    } else {
        out.extend([Token::word(function), Token::mark("(")]);
        out.extend(operand);
        out.extend([Token::mark(","), Token::text(ty.map_or("TEXT", declared))]);
    }
    out.push(Token::mark(")"));
    out
}

/// Where the operand begins that stands at the end of `out`: a literal, a name, a call or a parenthesis.
pub(super) fn operand_start(out: &[Token]) -> usize {
    let Some(mut at) = out.len().checked_sub(1) else {
        return 0;
    };
    if out[at].is_mark(")") {
        let mut depth = 0_usize;
        loop {
            if out[at].is_mark(")") {
                depth += 1;
            } else if out[at].is_mark("(") {
                depth -= 1;
            }
            if depth == 0 || at == 0 {
                break;
            }
            at -= 1;
        }
        let called = at > 0 && out[at - 1].is_name() && !is_operator_word(&out[at - 1].text);
        if !called {
            return at;
        }
        at -= 1;
    }
    while at >= 2 && out[at - 1].is_mark(".") && out[at].is_name() {
        at -= 2;
    }
    at
}

fn is_operator_word(word: &str) -> bool {
    matches!(
        word,
        "and"
            | "or"
            | "not"
            | "in"
            | "like"
            | "ilike"
            | "between"
            | "when"
            | "then"
            | "else"
            | "select"
            | "where"
            | "on"
            | "values"
            | "returning"
            | "by"
            | "as"
            | "is"
            | "having"
            | "from"
            | "set"
            | "using"
            | "limit"
            | "offset"
    )
}
