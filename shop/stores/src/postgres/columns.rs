//! The list that makes a query's result: names and types of its columns, and the tables they come from.

use pgwire::api::Type;

use super::infer::{Scope, operator, type_of, unwrapped};
use super::lexer::{Kind, Token, closing, split_commas};
use super::translate::last_top_level;

/// What an item of a select list is called, and its type when it can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) name: String,
    pub(super) ty: Option<Type>,
}

/// The tables that a statement names, with the aliases they have in it.
pub(super) fn tables(tokens: &[Token]) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let introduces = ["from", "join", "into", "update"]
            .iter()
            .any(|word| token.is_word(word));
        if !introduces {
            continue;
        }
        let mut next = at + 1;
        loop {
            while tokens.get(next + 1).is_some_and(|token| token.is_mark(".")) {
                next += 2;
            }
            let Some(name) = tokens.get(next).filter(|token| token.is_name()) else {
                break;
            };
            next += 1;
            if tokens.get(next).is_some_and(|token| token.is_word("as")) {
                next += 1;
            }
            let alias = tokens.get(next).filter(|token| {
                token.kind == Kind::Quoted
                    || (token.kind == Kind::Word && !follows_table(&token.text))
            });
            found.push((name.text.clone(), alias.map(|token| token.text.clone())));
            next += usize::from(alias.is_some());
            if !tokens.get(next).is_some_and(|token| token.is_mark(",")) {
                break;
            }
            next += 1;
        }
    }
    found
}

fn follows_table(word: &str) -> bool {
    matches!(
        word,
        "where"
            | "join"
            | "left"
            | "right"
            | "inner"
            | "outer"
            | "full"
            | "cross"
            | "natural"
            | "on"
            | "using"
            | "group"
            | "order"
            | "limit"
            | "offset"
            | "set"
            | "values"
            | "select"
            | "returning"
            | "union"
            | "default"
            | "for"
            | "having"
            | "intersect"
            | "except"
            | "window"
            | "fetch"
    )
}

/// The items of the list that makes a statement's result: the one of SELECT, or that of RETURNING.
pub(super) fn items(tokens: &[Token], scope: &mut Scope) -> Option<Vec<Item>> {
    learn_aliases(tokens, scope);
    let list = match last_top_level(tokens, "returning") {
        Some(at) => &tokens[at + 1..],
        None => select_list(tokens)?,
    };
    Some(
        split_commas(list)
            .into_iter()
            .map(|item| describe(item, scope))
            .collect(),
    )
}

/// Names given with AS inside of subqueries and common table expressions.
fn learn_aliases(tokens: &[Token], scope: &mut Scope) {
    for at in (0..tokens.len()).rev() {
        if !tokens[at].is_word("select") {
            continue;
        }
        let Some(list) = select_list(&tokens[at..]) else {
            continue;
        };
        for item in split_commas(list) {
            let (body, alias) = split_alias(item);
            if let (Some(alias), Some(ty)) = (alias, type_of(body, scope)) {
                scope.columns.entry(alias.to_owned()).or_insert(ty);
            }
        }
    }
}

/// The tokens between the first SELECT outside of parentheses and its FROM, or the first row of VALUES.
pub(super) fn select_list(tokens: &[Token]) -> Option<&[Token]> {
    let start = top_level(tokens, 0, &["select", "values"])?;
    if tokens[start].is_word("values") {
        let end = closing(tokens, start + 1);
        return tokens.get(start + 2..end);
    }
    let mut from = start + 1;
    if tokens
        .get(from)
        .is_some_and(|token| token.is_word("distinct") || token.is_word("all"))
    {
        from += 1;
    }
    const ENDS: [&str; 11] = [
        "from",
        "where",
        "group",
        "having",
        "order",
        "limit",
        "offset",
        "union",
        "intersect",
        "except",
        "window",
    ];
    let end = top_level(tokens, from, &ENDS).unwrap_or(tokens.len());
    tokens.get(from..end)
}

/// The first of some words at `from` or later that is in no parenthesis opened after it; the end of an outer one stops the search.
fn top_level(tokens: &[Token], from: usize, words: &[&str]) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, token) in tokens.iter().enumerate().skip(from) {
        if token.is_mark("(") {
            depth += 1;
        } else if token.is_mark(")") {
            depth -= 1;
            if depth < 0 {
                return Some(at).filter(|_| from > 0);
            }
        } else if depth == 0 && token.kind == Kind::Word && words.contains(&token.text.as_str()) {
            return Some(at);
        }
    }
    None
}

/// An item without its alias, and the alias.
pub(super) fn split_alias(item: &[Token]) -> (&[Token], Option<&str>) {
    let Some((last, before)) = item.split_last() else {
        return (item, None);
    };
    let Some(previous) = before.last() else {
        return (item, None);
    };
    if !last.is_name() {
        return (item, None);
    }
    if previous.is_word("as") {
        return (&before[..before.len() - 1], Some(&last.text));
    }
    let literal = matches!(
        previous.kind,
        Kind::Quoted | Kind::Number | Kind::Text | Kind::Param
    ) || previous.is_mark(")");
    let word =
        previous.kind == Kind::Word && !is_keyword(&previous.text) || previous.is_word("end");
    let alias = (literal || word) && (last.kind == Kind::Quoted || !is_keyword(&last.text));
    if alias {
        (before, Some(&last.text))
    } else {
        (item, None)
    }
}

fn is_keyword(word: &str) -> bool {
    matches!(
        word,
        "end"
            | "null"
            | "true"
            | "false"
            | "not"
            | "and"
            | "or"
            | "is"
            | "in"
            | "like"
            | "ilike"
            | "between"
            | "case"
            | "when"
            | "then"
            | "else"
            | "over"
            | "interval"
            | "from"
            | "distinct"
            | "precision"
            | "zone"
    )
}

fn describe(item: &[Token], scope: &Scope) -> Item {
    let (body, alias) = split_alias(item);
    let name = alias.map_or_else(|| name_of(body), str::to_owned);
    Item {
        name,
        ty: type_of(body, scope),
    }
}

/// What PostgreSQL calls a column that has no alias.
fn name_of(body: &[Token]) -> String {
    let body = unwrapped(body);
    if let Some(at) = body.iter().rposition(|token| token.is_mark("::")) {
        let inner = name_of(&body[..at]);
        return if inner == "?column?" {
            body.get(at + 1).map_or(inner, |ty| plain_type(&ty.text))
        } else {
            inner
        };
    }
    let star = body.last().is_some_and(|token| token.is_mark("*"));
    if star
        && (body.len() == 1
            || body
                .get(body.len() - 2)
                .is_some_and(|token| token.is_mark(".")))
    {
        return "*".to_owned();
    }
    match body {
        [one] if one.is_name() => match one.text.as_str() {
            "true" | "false" => "bool".to_owned(),
            "null" => "?column?".to_owned(),
            name => name.to_owned(),
        },
        [.., dot, last] if dot.is_mark(".") && last.is_name() && body.len() % 2 == 1 => {
            last.text.clone()
        }
        [first, open, ..] if first.is_word("cast") && open.is_mark("(") => {
            let inner = &body[2..body.len().saturating_sub(1)];
            let at = last_top_level(inner, "as").unwrap_or(inner.len());
            match name_of(&inner[..at]) {
                unnamed if unnamed == "?column?" => {
                    inner.get(at + 1).map_or(unnamed, |ty| plain_type(&ty.text))
                }
                named => named,
            }
        }
        [first, open, ..] if first.is_name() && open.is_mark("(") && operator(body).is_none() => {
            first.text.clone()
        }
        [first, ..] if first.is_word("case") => "case".to_owned(),
        [first, ..] if first.is_word("select") => name_of_select(body),
        _ => "?column?".to_owned(),
    }
}

fn name_of_select(body: &[Token]) -> String {
    select_list(body)
        .and_then(|list| split_commas(list).into_iter().next())
        .map_or_else(
            || "?column?".to_owned(),
            |item| {
                let (body, alias) = split_alias(item);
                alias.map_or_else(|| name_of(body), str::to_owned)
            },
        )
}

fn plain_type(name: &str) -> String {
    match name {
        "int" | "integer" => "int4",
        "bigint" => "int8",
        "smallint" => "int2",
        "boolean" => "bool",
        "double" => "float8",
        "real" => "float4",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::lexer::statements;
    use super::*;

    #[test]
    fn result_columns_are_named_and_typed_as_postgresql_does() {
        let columns = [
            ("id", Type::INT8),
            ("qty", Type::INT4),
            ("price", Type::FLOAT4),
            ("name", Type::VARCHAR),
            ("paid", Type::BOOL),
        ];
        for (sql, expected) in [
            (
                "select count(*), sum(qty) as n, max(name)",
                vec![
                    ("count", Type::INT8),
                    ("n", Type::INT8),
                    ("max", Type::TEXT),
                ],
            ),
            (
                "select 1, 'x', true, 1.5 half, null is null",
                vec![
                    ("?column?", Type::INT4),
                    ("?column?", Type::TEXT),
                    ("bool", Type::BOOL),
                    ("half", Type::NUMERIC),
                    ("?column?", Type::BOOL),
                ],
            ),
            (
                "select cast(sum(id) as bigint), id::text from t",
                vec![("sum", Type::INT8), ("id", Type::TEXT)],
            ),
            (
                "select qty * price, coalesce(t.qty, 0), -qty from t",
                vec![
                    ("?column?", Type::FLOAT8),
                    ("coalesce", Type::INT4),
                    ("?column?", Type::INT4),
                ],
            ),
            (
                "select case when paid then name else '' end, exists(select 1) from t",
                vec![("case", Type::VARCHAR), ("exists", Type::BOOL)],
            ),
            (
                "insert into t (name) values ($1) returning id, $1 as given",
                vec![("id", Type::INT8), ("given", Type::TEXT)],
            ),
            (
                "with x as (select count(*) as c from t) select c, (select 1) from x",
                vec![("c", Type::INT8), ("?column?", Type::INT4)],
            ),
            (
                "select id between 1 and 2 and paid, now() - interval '1 day' as since from t",
                vec![("?column?", Type::BOOL), ("since", Type::TIMESTAMPTZ)],
            ),
        ] {
            let tokens = statements(sql).unwrap().concat();
            let mut scope = Scope {
                columns: columns
                    .iter()
                    .map(|(n, t)| ((*n).to_owned(), t.clone()))
                    .collect(),
                params: vec![Type::TEXT],
            };
            let found = items(&tokens, &mut scope).unwrap();
            let expected: Vec<Item> = expected
                .into_iter()
                .map(|(name, ty)| Item {
                    name: name.to_owned(),
                    ty: Some(ty),
                })
                .collect();
            assert_eq!(found, expected, "{sql}");
        }
    }

    #[test]
    fn tables_are_found_with_their_aliases() {
        let tokens = statements("select * from a x, b join public.c as y on true where 1 = 1")
            .unwrap()
            .concat();
        let found = tables(&tokens);
        let named = |name: &str, alias: Option<&str>| (name.to_owned(), alias.map(str::to_owned));
        assert_eq!(
            found,
            [
                named("a", Some("x")),
                named("b", None),
                named("c", Some("y"))
            ]
        );
    }
}
