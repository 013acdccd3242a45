//! From a statement's tokens to what is to be done, and what its rows look like.

use pgwire::api::Type;
use pgwire::error::PgWireResult;
use rusqlite::Connection;

use super::columns as select;
use super::ddl::{self, Definition};
use super::errors::{self, Failed};
use super::infer::Scope;
use super::lexer::{self, Kind, Token};
use super::translate::{render, rewrite};
use super::types;

/// What a statement does.
#[derive(Debug)]
pub(super) enum Action {
    /// Runs SQL in SQLite.
    Run(Run),
    Define(Definition),
    Begin {
        read_only: bool,
    },
    Commit,
    Rollback,
    Savepoint(String),
    RollbackTo(String),
    Release(String),
    Set {
        name: String,
        value: String,
    },
    Reset(String),
    Show(String),
    /// `SELECT pg_sleep(seconds)`.
    Sleep(Token),
    /// Accepted, and nothing happens.
    Nothing,
}

/// SQL for SQLite.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) sql: String,
    /// It may change data, and so wants the write lock.
    pub(super) writes: bool,
}

/// One column of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) ty: Type,
}

/// A statement, understood.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) action: Action,
    /// The command tag, to which the count of rows is added where PostgreSQL adds it.
    pub(super) tag: String,
    /// Its first word.
    pub(super) verb: String,
    /// The table that it writes.
    pub(super) table: Option<String>,
    /// Types of the parameters, as the client gave them or as they were guessed.
    pub(super) params: Vec<Type>,
    /// Empty where the statement returns no rows.
    pub(super) columns: Vec<Column>,
}

impl Plan {
    pub(super) fn failed(&self) -> Failed<'_> {
        Failed {
            verb: &self.verb,
            table: self.table.as_deref(),
        }
    }

    /// Whether it is allowed in a transaction that has failed.
    pub(super) fn ends_failure(&self) -> bool {
        matches!(
            self.action,
            Action::Commit | Action::Rollback | Action::RollbackTo(_)
        )
    }

    pub(super) fn writes(&self) -> bool {
        match &self.action {
            Action::Run(run) => run.writes,
            Action::Define(definition) => *definition != Definition::Nothing,
            _ => false,
        }
    }
}

/// Parentheses that may be open at a time. PostgreSQL goes on until `max_stack_depth`; SQLite takes
/// expressions up to a depth of 1,000.
const MAX_DEPTH: usize = 200;

/// Statements that SQLite has and PostgreSQL has not; one of them opens any file of the machine.
const SQLITE_ALONE: [&str; 4] = ["attach", "detach", "pragma", "replace"];

/// Cuts a script into statements.
pub(super) fn split(sql: &str) -> PgWireResult<Vec<Vec<Token>>> {
    let statements = lexer::statements(sql).map_err(|error| {
        errors::refuse(
            "42601",
            &format!("unterminated {} at or near \"{}\"", error.what, error.near),
        )
    })?;
    match statements.iter().any(|tokens| deepest(tokens) > MAX_DEPTH) {
        true => Err(errors::refuse("54001", "stack depth limit exceeded")),
        false => Ok(statements),
    }
}

/// How many parentheses are open at a time.
fn deepest(tokens: &[Token]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for token in tokens {
        if token.is_mark("(") {
            depth += 1;
            deepest = deepest.max(depth);
        } else if token.is_mark(")") {
            depth = depth.saturating_sub(1);
        }
    }
    deepest
}

/// Understands one statement; `given` are the types of the parameters that the client knows.
pub(super) fn plan(
    tokens: &[Token],
    given: &[Option<Type>],
    conn: &Connection,
) -> PgWireResult<Plan> {
    let verb = tokens
        .first()
        .map_or(String::new(), |token| token.text.clone());
    let mut plan = Plan {
        action: Action::Nothing,
        tag: tag(&verb, tokens),
        verb,
        table: None,
        params: Vec::new(),
        columns: Vec::new(),
    };
    if let Some(action) = session_action(tokens) {
        if let Action::Show(name) = &action {
            plan.columns = vec![Column {
                name: name.clone(),
                ty: Type::TEXT,
            }];
        } else if matches!(action, Action::Sleep(_)) {
            plan.columns = vec![Column {
                name: "pg_sleep".to_owned(),
                ty: Type::TEXT,
            }];
            plan.params = parameters(tokens, given);
        }
        plan.action = action;
        return Ok(plan);
    }
    if SQLITE_ALONE.contains(&plan.verb.as_str()) {
        let message = format!("syntax error at or near \"{}\"", plan.verb);
        return Err(errors::refuse("42601", &message));
    }
    if matches!(plan.verb.as_str(), "create" | "alter" | "drop" | "truncate") {
        plan.action = Action::Define(ddl::define(tokens)?);
        return Ok(plan);
    }
    plan.table = written_table(tokens);
    plan.params = parameters(tokens, given);
    let sql = render(&rewrite(&explained(tokens)));
    let statement = conn
        .prepare_cached(&sql)
        .map_err(|error| errors::translate(&error, plan.failed(), conn))?;
    let writes = !statement.readonly();
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let declared: Vec<Option<Type>> = statement
        .columns()
        .map(|column| column.decl_type().map(plain_declaration))
        .collect();
    drop(statement);
    plan.columns = columns(tokens, names, declared, &plan.params, conn);
    plan.action = Action::Run(Run { sql, writes });
    Ok(plan)
}

fn plain_declaration(declaration: &str) -> Type {
    types::of_declaration(declaration.split('(').next().unwrap_or_default())
}

/// SQLite's EXPLAIN QUERY PLAN is the one that people can read.
fn explained(tokens: &[Token]) -> Vec<Token> {
    if !tokens.first().is_some_and(|token| token.is_word("explain")) {
        return tokens.to_vec();
    }
    let rest = tokens
        .iter()
        .skip(1)
        .skip_while(|token| token.is_word("analyze") || token.is_word("verbose"));
    [
        Token::word("explain"),
        Token::word("query"),
        Token::word("plan"),
    ]
    .into_iter()
    .chain(rest.cloned())
    .collect()
}

fn columns(
    tokens: &[Token],
    names: Vec<String>,
    declared: Vec<Option<Type>>,
    params: &[Type],
    conn: &Connection,
) -> Vec<Column> {
    if names.is_empty() {
        return Vec::new();
    }
    let mut scope = scope(tokens, params, conn);
    let items = select::items(tokens, &mut scope).unwrap_or_default();
    let star = items.iter().position(|item| item.name == "*");
    let total = names.len();
    names
        .into_iter()
        .zip(declared)
        .enumerate()
        .map(|(at, (name, declared))| {
            let item = match star {
                None => items.get(at),
                Some(star) if at < star => items.get(at),
                // Items after a single star are counted from the right.
                Some(star) => (items.len() + at)
                    .checked_sub(total)
                    .filter(|from| *from > star)
                    .and_then(|from| items.get(from)),
            };
            let item = item.filter(|item| item.name != "*");
            let serial = scope.columns.get(&name).filter(|ty| **ty == Type::INT4);
            let ty = match declared {
                // The row id: INTEGER in SQLite, and here the width that the table declared.
                Some(Type::INT8) => item
                    .and_then(|item| item.ty.clone())
                    .or(serial.cloned())
                    .filter(|ty| *ty == Type::INT4)
                    .unwrap_or(Type::INT8),
                Some(declared) => declared,
                None => item.and_then(|item| item.ty.clone()).unwrap_or(Type::TEXT),
            };
            Column {
                name: item.map_or(name, |item| item.name.clone()),
                ty,
            }
        })
        .collect()
}

/// What the names in a statement stand for, by the tables it names.
fn scope(tokens: &[Token], params: &[Type], conn: &Connection) -> Scope {
    let mut scope = Scope {
        columns: Default::default(),
        params: params.to_vec(),
    };
    for (table, alias) in select::tables(tokens) {
        for (column, ty) in table_columns(&table, conn).unwrap_or_default() {
            for prefix in [Some(&table), alias.as_ref()].into_iter().flatten() {
                scope
                    .columns
                    .insert(format!("{prefix}.{column}"), ty.clone());
            }
            scope.columns.entry(column).or_insert(ty);
        }
    }
    scope
}

fn table_columns(table: &str, conn: &Connection) -> rusqlite::Result<Vec<(String, Type)>> {
    let narrow: bool = conn.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = ?1 AND sql LIKE '%CONSTRAINT pg_int4 CHECK%')",
        [table],
        |row| row.get(0),
    )?;
    let mut statement = conn.prepare_cached("SELECT name, type FROM pragma_table_info(?1)")?;
    let rows = statement.query_map([table], |row| {
        let declaration: String = row.get(1)?;
        let ty = if declaration == "INTEGER" && narrow {
            Type::INT4
        } else {
            plain_declaration(&declaration)
        };
        Ok((row.get(0)?, ty))
    })?;
    rows.collect()
}

/// One type for each parameter: the client's, or that of a cast, or text.
fn parameters(tokens: &[Token], given: &[Option<Type>]) -> Vec<Type> {
    let mut highest = given.len();
    let mut guessed = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if token.kind != Kind::Param {
            continue;
        }
        let Some(index) = token
            .text
            .parse::<usize>()
            .ok()
            .and_then(|number| number.checked_sub(1))
        else {
            continue;
        };
        highest = highest.max(index + 1);
        let casts = tokens
            .get(at + 1)
            .is_some_and(|next| next.is_mark("::") || next.is_word("as"));
        if casts && let Some((Some(ty), _, _)) = super::casts::type_at(tokens, at + 2) {
            guessed.push((index, ty));
        }
    }
    (0..highest)
        .map(|index| {
            let known = given
                .get(index)
                .cloned()
                .flatten()
                .filter(|ty| *ty != Type::UNKNOWN);
            known
                .or_else(|| {
                    guessed
                        .iter()
                        .find(|(at, _)| *at == index)
                        .map(|(_, ty)| ty.clone())
                })
                .unwrap_or(Type::TEXT)
        })
        .collect()
}

fn written_table(tokens: &[Token]) -> Option<String> {
    let verb = tokens.iter().position(|token| {
        ["insert", "update", "delete"]
            .iter()
            .any(|word| token.is_word(word))
    })?;
    let after = if tokens[verb].is_word("update") {
        verb + 1
    } else {
        verb + 2
    };
    let after = if tokens
        .get(after + 1)
        .is_some_and(|token| token.is_mark("."))
    {
        after + 2
    } else {
        after
    };
    tokens.get(after).map(|token| token.text.clone())
}

fn tag(verb: &str, tokens: &[Token]) -> String {
    let second = || {
        tokens.iter().skip(1).find(|token| {
            token.kind == Kind::Word
                && !["unique", "unlogged", "temp", "temporary", "or", "replace"]
                    .contains(&token.text.as_str())
        })
    };
    match verb {
        "insert" => "INSERT 0".to_owned(),
        "create" | "drop" | "alter" | "discard" => format!(
            "{verb} {}",
            second().map_or("", |token| token.text.as_str())
        )
        .to_uppercase(),
        "truncate" | "lock" => format!("{verb} table").to_uppercase(),
        "start" => "START TRANSACTION".to_owned(),
        "end" => "COMMIT".to_owned(),
        "abort" => "ROLLBACK".to_owned(),
        "with" | "values" => {
            let written = tokens.iter().find(|token| {
                ["insert", "update", "delete"]
                    .iter()
                    .any(|word| token.is_word(word))
            });
            match written.map(|token| token.text.as_str()) {
                Some("insert") => "INSERT 0".to_owned(),
                Some(word) => word.to_uppercase(),
                None => "SELECT".to_owned(),
            }
        }
        other => other.to_uppercase(),
    }
}

/// Statements about the session, which SQLite does not see.
fn session_action(tokens: &[Token]) -> Option<Action> {
    let words: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    let name = |at: usize| {
        words
            .get(at)
            .map_or(String::new(), |word| (*word).to_owned())
    };
    Some(match words.as_slice() {
        ["begin", rest @ ..] | ["start", "transaction", rest @ ..] => Action::Begin {
            read_only: rest.windows(2).any(|pair| pair == ["read", "only"]),
        },
        ["commit", ..] | ["end", ..] => Action::Commit,
        ["rollback", "to", "savepoint", ..] => Action::RollbackTo(name(3)),
        ["rollback", "to", ..] => Action::RollbackTo(name(2)),
        ["rollback", ..] | ["abort", ..] => Action::Rollback,
        ["savepoint", ..] => Action::Savepoint(name(1)),
        ["release", "savepoint", ..] => Action::Release(name(2)),
        ["release", ..] => Action::Release(name(1)),
        ["set", "transaction", ..]
        | ["set", "session", "characteristics", ..]
        | ["set", "constraints", ..] => Action::Nothing,
        ["set", "session" | "local", ..] => set(&tokens[2..]),
        ["set", ..] => set(&tokens[1..]),
        ["reset", ..] => Action::Reset(name(1)),
        ["show", rest @ ..] => Action::Show(rest.join("_").replace("time_zone", "timezone")),
        ["select", "pg_sleep", "(", _, ")"] => Action::Sleep(tokens[3].clone()),
        ["select", "pg_catalog", ".", "pg_sleep", "(", _, ")"] => Action::Sleep(tokens[5].clone()),
        [
            "discard" | "deallocate" | "lock" | "listen" | "unlisten" | "grant" | "revoke"
            | "comment" | "vacuum" | "analyze" | "checkpoint",
            ..,
        ] => Action::Nothing,
        _ => return None,
    })
}

fn set(tokens: &[Token]) -> Action {
    let assign = tokens
        .iter()
        .position(|token| token.is_mark("=") || token.is_word("to"));
    let (name, value) = match assign {
        Some(at) => (&tokens[..at], &tokens[at + 1..]),
        None => tokens.split_at(tokens.len().saturating_sub(1)),
    };
    let join = |tokens: &[Token], by: &str| {
        tokens
            .iter()
            .map(|token| token.text.as_str())
            .collect::<Vec<_>>()
            .join(by)
    };
    Action::Set {
        name: join(name, "_")
            .replace("time_zone", "timezone")
            .replace("_._", "."),
        value: join(value, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sqlite_alone_understands_is_refused() {
        let conn = Connection::open_in_memory().unwrap();
        for verb in SQLITE_ALONE {
            let tokens = split(&format!("{verb} 'a' AS b")).unwrap().concat();
            let told = plan(&tokens, &[], &conn).unwrap_err().to_string();
            assert!(told.contains("syntax error at or near"), "{told}");
        }
    }

    #[test]
    fn a_statement_that_nests_too_deep_is_refused() {
        let nested = |n: usize| format!("SELECT {}1{}", "cast(".repeat(n), " AS int)".repeat(n));
        assert!(split(&nested(100)).is_ok());
        for sql in [nested(100_000), "SELECT ".to_owned() + &"(".repeat(100_000)] {
            let told = split(&sql).unwrap_err().to_string();
            assert!(told.contains("stack depth limit exceeded"), "{told}");
        }
    }
}
