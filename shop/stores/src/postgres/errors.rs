//! Errors with PostgreSQL's codes and words, and what SQLite's errors mean in them.

use pgwire::error::{ErrorInfo, PgWireError};
use rusqlite::{Connection, ErrorCode, ffi};

use super::lexer::{self, Token};

/// An error of a statement: the session goes on.
pub(super) fn refuse(code: &str, message: &str) -> PgWireError {
    of(info("ERROR", code, message))
}

/// An error that ends the session.
pub(super) fn fatal(code: &str, message: &str) -> PgWireError {
    of(info("FATAL", code, message))
}

/// Whether an error means that a client was kept out or a server fault, which an operator wants to read.
pub(super) fn is_notable(code: &str) -> bool {
    ["53", "57", "58", "28", "25006", "3D", "XX"]
        .iter()
        .any(|class| code.starts_with(class))
}

fn info(severity: &str, code: &str, message: &str) -> ErrorInfo {
    let mut info = ErrorInfo::new(severity.to_owned(), code.to_owned(), message.to_owned());
    info.severity_nonlocalized = Some(severity.to_owned());
    info
}

fn of(info: ErrorInfo) -> PgWireError {
    PgWireError::UserError(Box::new(info))
}

/// The statement that failed, as far as its error needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed<'a> {
    /// Its first word.
    pub(super) verb: &'a str,
    /// The table that it writes.
    pub(super) table: Option<&'a str>,
}

/// What PostgreSQL says where SQLite said `error`.
pub(super) fn translate(
    error: &rusqlite::Error,
    failed: Failed<'_>,
    conn: &Connection,
) -> PgWireError {
    match error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            let message = message.as_deref().unwrap_or_default();
            of_failure(*failure, message, failed, conn)
        }
        rusqlite::Error::SqlInputError { error, msg, .. } => of_failure(*error, msg, failed, conn),
        rusqlite::Error::InvalidParameterCount(given, wanted) => refuse(
            "08P01",
            &format!(
                "bind message supplies {given} parameters, but prepared statement \"\" requires {wanted}"
            ),
        ),
        other => refuse("XX000", &other.to_string()),
    }
}

fn of_failure(
    failure: ffi::Error,
    message: &str,
    failed: Failed<'_>,
    conn: &Connection,
) -> PgWireError {
    match failure.code {
        ErrorCode::ConstraintViolation => constraint(failure.extended_code, message, failed, conn),
        ErrorCode::DiskFull => {
            let mut full = info(
                "ERROR",
                "53100",
                "could not extend file \"base/16384/16385\": No space left on device",
            );
            full.hint = Some("Check free disk space.".to_owned());
            of(full)
        }
        ErrorCode::ReadOnly => {
            let verb = failed.verb.to_uppercase();
            refuse(
                "25006",
                &format!("cannot execute {verb} in a read-only transaction"),
            )
        }
        ErrorCode::OperationInterrupted => {
            refuse("57014", "canceling statement due to statement timeout")
        }
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => {
            refuse("58030", &format!("could not access file: {message}"))
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => refuse(
            "XX001",
            "invalid page in block 0 of relation base/16384/16385",
        ),
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            refuse("55P03", "canceling statement due to lock timeout")
        }
        ErrorCode::OutOfMemory => refuse("53200", "out of memory"),
        _ => of_message(message),
    }
}

fn constraint(code: i32, message: &str, failed: Failed<'_>, conn: &Connection) -> PgWireError {
    let about = message.split_once(": ").map_or("", |(_, about)| about);
    match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => {
            unique(about, code != ffi::SQLITE_CONSTRAINT_UNIQUE, conn)
        }
        ffi::SQLITE_CONSTRAINT_NOTNULL => {
            let (table, column) = about.split_once('.').unwrap_or(("", about));
            let mut error = info(
                "ERROR",
                "23502",
                &format!(
                    "null value in column \"{column}\" of relation \"{table}\" violates not-null constraint"
                ),
            );
            error.schema = Some("public".to_owned());
            error.table = Some(table.to_owned());
            error.column = Some(column.to_owned());
            of(error)
        }
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY | ffi::SQLITE_CONSTRAINT_TRIGGER => {
            foreign_key(failed, conn)
        }
        ffi::SQLITE_CONSTRAINT_CHECK => check(about, failed),
        // A function of ours refused a value: its message begins with the code.
        _ => of_message(message),
    }
}

fn check(name: &str, failed: Failed<'_>) -> PgWireError {
    if let Some(length) = name.strip_prefix("pg_varchar_") {
        return refuse(
            "22001",
            &format!("value too long for type character varying({length})"),
        );
    }
    if name == "pg_int4" {
        return refuse("22003", "integer out of range");
    }
    let table = failed.table.unwrap_or_default();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let name = if plain {
        name.to_owned()
    } else {
        format!("{table}_check")
    };
    let mut error = info(
        "ERROR",
        "23514",
        &format!("new row for relation \"{table}\" violates check constraint \"{name}\""),
    );
    error.schema = Some("public".to_owned());
    error.table = Some(table.to_owned());
    error.constraint = Some(name);
    of(error)
}

/// `about` is `t.a, t.b`, or `index 'name'`.
fn unique(about: &str, primary: bool, conn: &Connection) -> PgWireError {
    let indexed = about
        .strip_prefix("index '")
        .map(|rest| rest.trim_end_matches('\''));
    let columns: Vec<&str> = about
        .split(", ")
        .filter_map(|column| column.split_once('.'))
        .map(|(_, c)| c)
        .collect();
    let table = about.split_once('.').map_or("", |(table, _)| table);
    let name = match indexed {
        Some(name) => name.to_owned(),
        None if primary => format!("{table}_pkey"),
        None => unique_name(table, &columns, conn),
    };
    let mut error = info(
        "ERROR",
        "23505",
        &format!("duplicate key value violates unique constraint \"{name}\""),
    );
    if !columns.is_empty() {
        error.detail = Some(format!("Key ({}) already exists.", columns.join(", ")));
    }
    error.schema = Some("public".to_owned());
    error.table = Some(table.to_owned());
    error.constraint = Some(name);
    of(error)
}

/// The name of the constraint or index that makes these columns unique.
fn unique_name(table: &str, columns: &[&str], conn: &Connection) -> String {
    let plain = format!("{table}_{}_key", columns.join("_"));
    let found = conn.query_row(
        "SELECT l.name, l.origin FROM pragma_index_list(?1) l WHERE l.\"unique\" \
         AND (SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno)) = ?2",
        (table, columns.join(", ")),
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
    );
    match found {
        Ok((name, origin)) if origin == "c" => name,
        Ok((_, origin)) if origin == "pk" => format!("{table}_pkey"),
        _ => named_constraint(table, columns, conn).unwrap_or(plain),
    }
}

/// The name after CONSTRAINT in the table's definition, where these columns were made unique by a named one.
fn named_constraint(table: &str, columns: &[&str], conn: &Connection) -> Option<String> {
    let sql: String = conn
        .query_row(
            "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1",
            [table],
            |row| row.get(0),
        )
        .ok()?;
    let tokens = lexer::statements(&sql).ok()?.into_iter().next()?;
    tokens.iter().enumerate().find_map(|(at, token)| {
        let after = tokens.get(at + 2)?;
        if !token.is_word("constraint") || !after.is_word("unique") {
            return None;
        }
        let open = at + 3;
        let same = if tokens.get(open).is_some_and(|token| token.is_mark("(")) {
            let inner = &tokens[open + 1..lexer::closing(&tokens, open)];
            let listed: Vec<&str> = inner
                .iter()
                .filter(|token| token.is_name())
                .map(|token| token.text.as_str())
                .collect();
            listed == columns
        } else {
            column_of(&tokens, at) == columns.first().copied() && columns.len() == 1
        };
        same.then(|| tokens[at + 1].text.clone())
    })
}

/// The column whose definition the token at `at` belongs to.
fn column_of(tokens: &[Token], at: usize) -> Option<&str> {
    let start = (0..at)
        .rev()
        .find(|before| tokens[*before].is_mark(",") || tokens[*before].is_mark("("))?;
    tokens.get(start + 1).map(|token| token.text.as_str())
}

fn foreign_key(failed: Failed<'_>, conn: &Connection) -> PgWireError {
    let table = failed.table.unwrap_or_default();
    let removing = failed.verb == "delete";
    let query = if removing {
        "SELECT m.name, f.\"from\" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f \
         WHERE m.type = 'table' AND f.\"table\" = ?1 LIMIT 1"
    } else {
        "SELECT ?1, f.\"from\" FROM pragma_foreign_key_list(?1) f LIMIT 1"
    };
    let (owner, column) = conn
        .query_row(query, [table], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
        .unwrap_or_else(|_| (table.to_owned(), String::from("id")));
    let name = format!("{owner}_{column}_fkey");
    let message = if removing {
        format!(
            "update or delete on table \"{table}\" violates foreign key constraint \"{name}\" on table \"{owner}\""
        )
    } else {
        format!("insert or update on table \"{table}\" violates foreign key constraint \"{name}\"")
    };
    let mut error = info("ERROR", "23503", &message);
    error.schema = Some("public".to_owned());
    error.table = Some(owner);
    error.constraint = Some(name);
    of(error)
}

/// Errors that SQLite tells apart by their text alone.
fn of_message(message: &str) -> PgWireError {
    let after = |prefix: &str| message.strip_prefix(prefix).map(str::trim);
    if let Some((code, text)) = message.split_once('|').filter(|(code, _)| code.len() == 5) {
        return refuse(code, text);
    }
    if let Some(table) = after("no such table: ") {
        return refuse(
            "42P01",
            &format!(
                "relation \"{}\" does not exist",
                table.trim_start_matches("main.")
            ),
        );
    }
    if let Some(index) = after("no such index: ") {
        return refuse("42704", &format!("index \"{index}\" does not exist"));
    }
    if let Some(column) = after("no such column: ") {
        let column = column
            .split(" - ")
            .next()
            .unwrap_or_default()
            .trim_matches('"');
        let shown = if column.contains('.') {
            column.to_owned()
        } else {
            format!("\"{column}\"")
        };
        return refuse("42703", &format!("column {shown} does not exist"));
    }
    if let Some((table, column)) =
        after("table ").and_then(|rest| rest.split_once(" has no column named "))
    {
        return refuse(
            "42703",
            &format!("column \"{column}\" of relation \"{table}\" does not exist"),
        );
    }
    if let Some(column) = after("ambiguous column name: ") {
        return refuse(
            "42702",
            &format!("column reference \"{column}\" is ambiguous"),
        );
    }
    if let Some(column) = after("duplicate column name: ") {
        return refuse(
            "42701",
            &format!("column \"{column}\" specified more than once"),
        );
    }
    if let Some(name) = message.strip_suffix(" already exists") {
        let name = name.rsplit(' ').next().unwrap_or(name).trim_matches('"');
        return refuse("42P07", &format!("relation \"{name}\" already exists"));
    }
    if let Some(name) = after("no such function: ") {
        return refuse("42883", &format!("function {name}() does not exist"));
    }
    if let Some(name) = after("wrong number of arguments to function ") {
        return refuse("42883", &format!("function {name} does not exist"));
    }
    if let Some(rest) = after("near ") {
        let near = rest
            .rsplit_once(": syntax error")
            .map_or(rest, |(near, _)| near);
        return refuse("42601", &format!("syntax error at or near {near}"));
    }
    if message == "incomplete input" {
        return refuse("42601", "syntax error at end of input");
    }
    if message.contains(" values for ") || message.contains(" values were supplied") {
        return refuse("42601", "INSERT has more expressions than target columns");
    }
    if message.contains("ON CONFLICT clause does not match") {
        return refuse(
            "42P10",
            "there is no unique or exclusion constraint matching the ON CONFLICT specification",
        );
    }
    if message.contains("misuse of aggregate") {
        return refuse("42803", "aggregate functions are not allowed here");
    }
    refuse("42601", message)
}
