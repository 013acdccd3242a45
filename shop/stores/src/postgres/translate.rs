//! Rewrites expressions and queries of PostgreSQL's dialect into SQLite's.

use super::casts::{casts, operand_start};
use super::lexer::{Kind, Token, closing};

/// Rewrites what differs anywhere in a statement.
pub(super) fn rewrite(tokens: &[Token]) -> Vec<Token> {
    let tokens = strip_schemas(tokens);
    let tokens = casts(&tokens);
    let tokens = intervals(&tokens);
    let tokens = words(&tokens);
    let tokens = upsert_of_select(without_locks(tokens));
    offset_without_limit(order_nulls(&tokens))
}

/// SQL text for SQLite.
pub(super) fn render(tokens: &[Token]) -> String {
    let mut sql = String::new();
    for token in tokens {
        if !sql.is_empty() {
            sql.push(' ');
        }
        sql.push_str(&token.sqlite());
    }
    sql
}

/// `pg_catalog.x` and `public.x` are `x`; `information_schema.x` is a view of ours; `OPERATOR(pg_catalog.~)` is `~`.
fn strip_schemas(tokens: &[Token]) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        let dotted = tokens.get(at + 1).is_some_and(|token| token.is_mark("."));
        if dotted && (token.is_word("pg_catalog") || token.is_word("public")) {
            at += 2;
        } else if dotted && token.is_word("information_schema") {
            let name = tokens.get(at + 2).map_or("", |token| token.text.as_str());
            out.push(Token::word(&format!("information_schema_{name}")));
            at += 3;
        } else if token.is_word("operator")
            && tokens.get(at + 1).is_some_and(|token| token.is_mark("("))
        {
            let end = closing(tokens, at + 1);
            out.extend(
                tokens[at + 2..end]
                    .iter()
                    .filter(|token| token.kind == Kind::Mark && token.text != ".")
                    .cloned(),
            );
            at = end + 1;
        } else if token.is_word("collate") {
            at += 2;
            while tokens.get(at).is_some_and(|token| token.is_mark(".")) {
                at += 2;
            }
        } else {
            out.push(token.clone());
            at += 1;
        }
    }
    out
}

/// The last place of a word outside of parentheses.
pub(super) fn last_top_level(tokens: &[Token], word: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut found = None;
    for (at, token) in tokens.iter().enumerate() {
        if token.is_mark("(") {
            depth += 1;
        } else if token.is_mark(")") {
            depth = depth.saturating_sub(1);
        } else if depth == 0 && token.is_word(word) {
            found = Some(at);
        }
    }
    found
}

/// `x + INTERVAL '5 minutes'` is a call, since timestamps are text in SQLite.
fn intervals(tokens: &[Token]) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let sign = tokens[at].kind == Kind::Mark && matches!(tokens[at].text.as_str(), "+" | "-");
        let interval = tokens
            .get(at + 1)
            .is_some_and(|token| token.is_word("interval"));
        let amount = tokens.get(at + 2).filter(|token| token.kind == Kind::Text);
        if let (true, true, Some(amount)) = (sign, interval, amount) {
            let start = operand_start(&out);
            let operand = out.split_off(start);
            out.extend([Token::word("pg_shift"), Token::mark("(")]);
            out.extend(operand);
            out.extend([
                Token::mark(","),
                Token::text(&tokens[at].text),
                Token::mark(","),
                amount.clone(),
                Token::mark(")"),
            ]);
            at += 3;
        } else {
            out.push(tokens[at].clone());
            at += 1;
        }
    }
    out
}

/// Functions and operators that have another name in SQLite.
fn words(tokens: &[Token]) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let token = &tokens[at];
        let called = tokens.get(at + 1).is_some_and(|token| token.is_mark("("));
        at += 1;
        if token.kind == Kind::Mark {
            match token.text.as_str() {
                "~" => out.push(Token::word("match")),
                "!~" => out.extend([Token::word("not"), Token::word("match")]),
                "~~" => out.push(Token::word("like")),
                "!~~" => out.extend([Token::word("not"), Token::word("like")]),
                "~~*" => out.push(Token::word("regexp")),
                _ => out.push(token.clone()),
            }
            continue;
        }
        if token.kind != Kind::Word {
            out.push(token.clone());
            continue;
        }
        let word = token.text.as_str();
        if called && word == "extract" {
            let end = closing(tokens, at);
            out.extend([Token::word("pg_extract"), Token::mark("(")]);
            out.extend(tokens.get(at + 1).map(|field| Token::text(&field.text)));
            out.push(Token::mark(","));
            out.extend(words(tokens.get(at + 3..end).unwrap_or_default()));
            at = end;
            continue;
        }
        match word {
            "ilike" => out.push(Token::word("regexp")),
            "current_timestamp" | "localtimestamp" => out.extend(call("now")),
            "current_date" => out.extend(call("pg_today")),
            "current_user" | "session_user" | "user" if !called && !after_dot(&out) => {
                out.extend(call("pg_user"));
            }
            "current_catalog" if !called => out.extend(call("current_database")),
            // Words that SQLite reserves and PostgreSQL does not.
            "nothing" if !follows(&out, &["do"]) => out.push(token.as_quoted()),
            "index" if !follows(&out, &["create", "unique", "drop"]) => out.push(token.as_quoted()),
            "transaction" => out.push(token.as_quoted()),
            _ if called => out.push(Token::word(renamed(word))),
            _ => out.push(token.clone()),
        }
    }
    out
}

fn call(function: &str) -> [Token; 3] {
    [Token::word(function), Token::mark("("), Token::mark(")")]
}

fn follows(out: &[Token], words: &[&str]) -> bool {
    out.last()
        .is_some_and(|last| words.iter().any(|word| last.is_word(word)))
}

fn after_dot(out: &[Token]) -> bool {
    out.last().is_some_and(|token| token.is_mark("."))
}

fn renamed(function: &str) -> &str {
    match function {
        "char_length" | "character_length" => "length",
        "strpos" => "instr",
        "greatest" => "max",
        "least" => "min",
        "bool_or" => "max",
        "bool_and" | "every" => "min",
        "random" => "pg_random",
        "json_build_object" | "jsonb_build_object" => "json_object",
        "json_build_array" | "jsonb_build_array" => "json_array",
        "json_agg" | "jsonb_agg" => "json_group_array",
        "json_object_agg" | "jsonb_object_agg" => "json_group_object",
        "jsonb_array_length" => "json_array_length",
        "jsonb_typeof" | "json_typeof" => "json_type",
        "string_agg" => "group_concat",
        "transaction_timestamp" | "statement_timestamp" => "now",
        other => other,
    }
}

/// Drops `FOR UPDATE` and its like: a transaction here holds the one write lock already.
fn without_locks(tokens: Vec<Token>) -> Vec<Token> {
    let Some(at) = last_top_level(&tokens, "for") else {
        return tokens;
    };
    let locks = tokens.get(at + 1).is_some_and(|token| {
        ["update", "share", "no", "key"]
            .iter()
            .any(|word| token.is_word(word))
    });
    if locks { tokens[..at].to_vec() } else { tokens }
}

/// SQLite takes the ON after `INSERT ... SELECT ... FROM t` for that of a join, unless a WHERE stands before it.
fn upsert_of_select(mut tokens: Vec<Token>) -> Vec<Token> {
    let conflict = last_top_level(&tokens, "conflict").and_then(|at| at.checked_sub(1));
    let select = last_top_level(&tokens, "select");
    if let (Some(on), Some(select)) = (conflict, select)
        && select < on
        && last_top_level(&tokens[select..on], "where").is_none()
    {
        tokens.splice(on..on, [Token::word("where"), Token::word("true")]);
    }
    tokens
}

/// PostgreSQL sorts nulls as the largest values, SQLite as the smallest.
fn order_nulls(tokens: &[Token]) -> Vec<Token> {
    const ENDS: [&str; 9] = [
        "limit",
        "offset",
        "fetch",
        "for",
        "union",
        "intersect",
        "except",
        "rows",
        "range",
    ];
    let mut out = Vec::with_capacity(tokens.len());
    // Depths at which an ORDER BY is being read, innermost last.
    let mut open: Vec<usize> = Vec::new();
    let mut depth = 0_usize;
    let mut item = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        let here = open.last() == Some(&depth);
        let ends = here
            && (token.is_mark(")")
                || (token.kind == Kind::Word && ENDS.contains(&token.text.as_str())));
        if ends || (here && token.is_mark(",")) {
            nulls_of(&mut out, item);
            item = out.len() + 1;
        }
        if ends {
            open.pop();
        }
        if token.is_mark("(") {
            depth += 1;
        } else if token.is_mark(")") {
            depth = depth.saturating_sub(1);
        }
        out.push(token.clone());
        if token.is_word("by") && at > 0 && tokens[at - 1].is_word("order") {
            open.push(depth);
            item = out.len();
        }
    }
    if !open.is_empty() {
        nulls_of(&mut out, item);
    }
    out
}

fn nulls_of(out: &mut Vec<Token>, item: usize) {
    let item = out.get(item..).unwrap_or_default();
    if item.is_empty() || item.iter().any(|token| token.is_word("nulls")) {
        return;
    }
    let descending = item.last().is_some_and(|token| token.is_word("desc"));
    out.extend([
        Token::word("nulls"),
        Token::word(if descending { "first" } else { "last" }),
    ]);
}

/// SQLite knows OFFSET only after LIMIT.
fn offset_without_limit(mut tokens: Vec<Token>) -> Vec<Token> {
    let offset = last_top_level(&tokens, "offset");
    let limit = last_top_level(&tokens, "limit");
    match (offset, limit) {
        (Some(offset), None) => {
            tokens.splice(offset..offset, [Token::word("limit"), Token::word("-1")]);
        }
        (Some(offset), Some(limit)) if offset < limit => {
            let skipped: Vec<Token> = tokens.drain(offset..limit).collect();
            tokens.extend(skipped);
        }
        _ => {}
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::super::lexer::statements;
    use super::*;

    #[test]
    fn postgresql_becomes_sqlite() {
        for (sql, expected) in [
            (
                "SELECT $1::int + a.b::text",
                "select pg_cast ( ?1 , 'INT4' ) + cast ( a . b as text )",
            ),
            (
                "SELECT CAST(sum(x) AS BIGINT)",
                "select pg_cast ( sum ( x ) , 'INT8' )",
            ),
            (
                "select lower(a)::varchar(4)",
                "select substr ( lower ( a ) , 1 , 4 )",
            ),
            (
                "select a from t where b ilike '%x' for update",
                "select a from t where b regexp '%x'",
            ),
            (
                "select 1 from pg_catalog.pg_class c where c.relname OPERATOR(pg_catalog.~) '^a'",
                "select 1 from pg_class c where c . relname match '^a'",
            ),
            (
                "select now() - interval '5 min'",
                "select pg_shift ( now ( ) , '-' , '5 min' )",
            ),
            (
                "select extract(epoch from at) from t",
                "select pg_extract ( 'epoch' , at ) from t",
            ),
            (
                "select a from t order by a, b desc offset 3",
                "select a from t order by a nulls last , b desc nulls first limit -1 offset 3",
            ),
            (
                "select (select b from u order by b limit 1) from t",
                "select ( select b from u order by b nulls last limit 1 ) from t",
            ),
        ] {
            let tokens = statements(sql).unwrap().concat();
            assert_eq!(render(&rewrite(&tokens)), expected, "{sql}");
        }
    }
}
