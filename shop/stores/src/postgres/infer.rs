//! Names and types of a query's result columns, where SQLite does not know them.

use std::collections::HashMap;

use pgwire::api::Type;

use super::lexer::{Kind, Token, closing, split_commas};
use super::translate::{last_top_level, type_at};

/// What names in a statement stand for.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Types of columns, as `column` and as `table.column`; aliases too.
    pub(super) columns: HashMap<String, Type>,
    /// Types of the parameters, first one first.
    pub(super) params: Vec<Type>,
}

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
fn select_list(tokens: &[Token]) -> Option<&[Token]> {
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

fn split_alias(item: &[Token]) -> (&[Token], Option<&str>) {
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

/// Without parentheses that hold the whole of it.
fn unwrapped(mut body: &[Token]) -> &[Token] {
    while body.len() > 2 && body[0].is_mark("(") && closing(body, 0) == body.len() - 1 {
        body = &body[1..body.len() - 1];
    }
    body
}

/// The operator that binds least, outside of parentheses and CASE: where it is, and its rank.
fn operator(body: &[Token]) -> Option<(usize, u8)> {
    let mut depth = 0_usize;
    let mut found: Option<(usize, u8)> = None;
    let mut between = false;
    for (at, token) in body.iter().enumerate() {
        let word = token.kind == Kind::Word;
        let mark = token.kind == Kind::Mark;
        if (mark && token.text == "(") || (word && token.text == "case") {
            depth += 1;
        } else if (mark && token.text == ")") || (word && token.text == "end") {
            depth = depth.saturating_sub(1);
        }
        if depth > 0 || !(word || mark) {
            continue;
        }
        let unary = at == 0 || (body[at - 1].kind == Kind::Mark && !body[at - 1].is_mark(")"));
        let rank = match token.text.as_str() {
            "or" => 0,
            "and" if !between => 0,
            "not" => 1,
            "=" | "<" | ">" | "<=" | ">=" | "<>" | "!=" | "is" | "in" | "like" | "ilike"
            | "between" | "~" | "~*" | "!~" | "@>" => 2,
            "||" | "->" | "->>" | "#>" | "#>>" => 3,
            "+" | "-" if !unary => 4,
            "*" | "/" | "%" if !unary => 5,
            _ => continue,
        };
        between = token.is_word("between") || (between && !token.is_word("and"));
        if found.is_none_or(|(_, lowest)| rank <= lowest) {
            found = Some((at, rank));
        }
    }
    found
}

/// The type of an expression, when it can be told.
pub(super) fn type_of(body: &[Token], scope: &Scope) -> Option<Type> {
    let body = unwrapped(body);
    let first = body.first()?;
    if first.is_word("select") {
        let list = select_list(body)?;
        return type_of(split_alias(split_commas(list).into_iter().next()?).0, scope);
    }
    if let Some((at, rank)) = operator(body) {
        return operation(body, at, rank, scope);
    }
    if let Some(at) = body.iter().rposition(|token| token.is_mark("::"))
        && let Some((ty, end, _)) = type_at(body, at + 1)
        && end >= body.len()
    {
        return ty;
    }
    if first.is_mark("-") || first.is_mark("+") {
        return type_of(&body[1..], scope);
    }
    if first.is_word("case") {
        return case(body, scope);
    }
    if body.len() >= 2 && first.is_name() && body[1].is_mark("(") {
        return function(&first.text, &body[2..closing(body, 1)], scope);
    }
    if let [table, dot, column] = body
        && dot.is_mark(".")
    {
        let qualified = format!("{}.{}", table.text, column.text);
        return scope
            .columns
            .get(&qualified)
            .or_else(|| scope.columns.get(&column.text))
            .cloned();
    }
    let [one] = body else { return None };
    match one.kind {
        Kind::Number if one.text.contains(['.', 'e', 'E']) => Some(Type::NUMERIC),
        Kind::Number => Some(if one.text.parse::<i32>().is_ok() {
            Type::INT4
        } else {
            Type::INT8
        }),
        Kind::Text => Some(Type::TEXT),
        Kind::Param => scope
            .params
            .get(one.text.parse::<usize>().ok()?.checked_sub(1)?)
            .cloned(),
        Kind::Word if matches!(one.text.as_str(), "true" | "false") => Some(Type::BOOL),
        Kind::Word if one.text == "current_timestamp" => Some(Type::TIMESTAMPTZ),
        Kind::Word if one.text == "current_date" => Some(Type::DATE),
        Kind::Word | Kind::Quoted => scope.columns.get(&one.text).cloned(),
        Kind::Mark => None,
    }
}

fn operation(body: &[Token], at: usize, rank: u8, scope: &Scope) -> Option<Type> {
    let left = &body[..at];
    let right = body.get(at + 1..).unwrap_or_default();
    match rank {
        0..=2 => Some(Type::BOOL),
        3 if body[at].is_mark("->") || body[at].is_mark("#>") => type_of(left, scope)
            .filter(|ty| *ty == Type::JSON)
            .or(Some(Type::JSONB)),
        3 => Some(Type::TEXT),
        _ => {
            if right.first().is_some_and(|token| token.is_word("interval")) {
                return type_of(left, scope).or(Some(Type::TIMESTAMPTZ));
            }
            let (left, right) = (type_of(left, scope), type_of(right, scope));
            match (left, right) {
                (Some(left), Some(right)) => Some(wider(left, right)),
                (one, other) => one.or(other),
            }
        }
    }
}

/// The type of arithmetic on two types.
fn wider(left: Type, right: Type) -> Type {
    let rank = |ty: &Type| match *ty {
        Type::INT2 => 0,
        Type::INT4 => 1,
        Type::INT8 => 2,
        Type::NUMERIC => 3,
        Type::FLOAT4 => 4,
        Type::FLOAT8 => 5,
        _ => 6,
    };
    match (&left, &right) {
        (&Type::FLOAT4, other) | (other, &Type::FLOAT4)
            if *other != Type::FLOAT4 && rank(other) < 6 =>
        {
            Type::FLOAT8
        }
        _ if rank(&left) >= rank(&right) => left,
        _ => right,
    }
}

fn case(body: &[Token], scope: &Scope) -> Option<Type> {
    let mut depth = 0_usize;
    let mut start = None;
    for (at, token) in body.iter().enumerate() {
        if token.is_mark("(") || token.is_word("case") {
            depth += 1;
        } else if token.is_mark(")") {
            depth = depth.saturating_sub(1);
        }
        let stops = ["when", "else", "end"]
            .iter()
            .any(|word| token.is_word(word));
        if depth == 1
            && stops
            && let Some(start) = start.take()
            && let Some(ty) = type_of(&body[start..at], scope)
        {
            return Some(ty);
        }
        if depth == 1 && (token.is_word("then") || token.is_word("else")) {
            start = Some(at + 1);
        }
        if token.is_word("end") {
            depth = depth.saturating_sub(1);
        }
    }
    None
}

fn function(name: &str, inner: &[Token], scope: &Scope) -> Option<Type> {
    let args = split_commas(inner);
    let first = || {
        args.iter().find_map(|arg| {
            let arg = arg
                .split_first()
                .filter(|(word, _)| word.is_word("distinct"))
                .map_or(*arg, |(_, rest)| rest);
            type_of(arg, scope).filter(|_| !arg.first().is_some_and(|token| token.is_word("null")))
        })
    };
    Some(match name {
        "cast" => {
            return last_top_level(inner, "as")
                .and_then(|at| type_at(inner, at + 1))
                .and_then(|(ty, _, _)| ty);
        }
        "count"
        | "row_number"
        | "rank"
        | "dense_rank"
        | "pg_database_size"
        | "pg_total_relation_size" => Type::INT8,
        "sum" => match first()? {
            Type::INT2 | Type::INT4 => Type::INT8,
            Type::INT8 => Type::NUMERIC,
            other => other,
        },
        "avg" => match first()? {
            Type::FLOAT4 | Type::FLOAT8 => Type::FLOAT8,
            _ => Type::NUMERIC,
        },
        // There is no max(varchar): PostgreSQL takes the one for text.
        "max" | "min" => first().map(|ty| if ty == Type::VARCHAR { Type::TEXT } else { ty })?,
        "coalesce" | "nullif" | "greatest" | "least" | "abs" | "lag" | "lead" | "first_value"
        | "last_value" => {
            return first();
        }
        "round" | "floor" | "ceil" | "ceiling" | "trunc" => match first()? {
            Type::NUMERIC => Type::NUMERIC,
            _ => Type::FLOAT8,
        },
        "mod" => return first(),
        "random" | "sqrt" | "power" | "pow" | "exp" | "ln" => Type::FLOAT8,
        "length" | "char_length" | "strpos" | "ascii" | "jsonb_array_length"
        | "json_array_length" | "octet_length" => Type::INT4,
        "now" | "clock_timestamp" | "to_timestamp" | "date_trunc" | "transaction_timestamp" => {
            Type::TIMESTAMPTZ
        }
        "extract" => Type::NUMERIC,
        "date_part" => Type::FLOAT8,
        "exists"
        | "bool_or"
        | "bool_and"
        | "every"
        | "starts_with"
        | "pg_try_advisory_lock"
        | "pg_table_is_visible"
        | "pg_is_in_recovery" => Type::BOOL,
        "gen_random_uuid" => Type::UUID,
        "json_build_object" | "json_build_array" | "json_agg" | "row_to_json" => Type::JSON,
        "jsonb_build_object" | "jsonb_build_array" | "jsonb_agg" | "to_jsonb" | "jsonb_set" => {
            Type::JSONB
        }
        "pg_backend_pid" => Type::INT4,
        "current_database" | "current_schema" | "current_user" => Type::NAME,
        _ => Type::TEXT,
    })
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
