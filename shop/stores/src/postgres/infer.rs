//! Types of expressions, as PostgreSQL derives them.

use std::collections::HashMap;

use pgwire::api::Type;

use super::casts::type_at;
use super::columns::{select_list, split_alias};
use super::lexer::{Kind, Token, closing, split_commas};
use super::translate::last_top_level;

/// What names in a statement stand for.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// Types of columns, as `column` and as `table.column`; aliases too.
    pub(super) columns: HashMap<String, Type>,
    /// Types of the parameters, first one first.
    pub(super) params: Vec<Type>,
}

/// Without parentheses that hold the whole of it.
pub(super) fn unwrapped(mut body: &[Token]) -> &[Token] {
    while body.len() > 2 && body[0].is_mark("(") && closing(body, 0) == body.len() - 1 {
        body = &body[1..body.len() - 1];
    }
    body
}

/// The operator that binds least, outside of parentheses and CASE: where it is, and its rank.
pub(super) fn operator(body: &[Token]) -> Option<(usize, u8)> {
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

/// Tokens of an expression whose type is looked for. Each operator of `1 + 1 + 1` goes one deeper,
/// and the stack is finite.
const MAX_TOKENS: usize = 500;

/// The type of an expression, when it can be told.
pub(super) fn type_of(body: &[Token], scope: &Scope) -> Option<Type> {
    let body = unwrapped(body);
    if body.len() > MAX_TOKENS && !body.first()?.is_word("select") {
        return None;
    }
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
    fn an_expression_of_many_operators_does_not_take_all_of_the_stack() {
        for (sql, expected) in [
            (vec!["1"; 200].join("+"), Some(Type::INT4)),
            (vec!["1"; 100_000].join("+"), None),
            ("- ".repeat(100_000) + "1", None),
        ] {
            let tokens = statements(&sql).unwrap().concat();
            assert_eq!(type_of(&tokens, &Scope::default()), expected);
        }
    }
}
