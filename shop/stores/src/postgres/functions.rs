//! PostgreSQL's functions and catalogue on a SQLite connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use pgwire::api::Type;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Error, Result};

use super::types::{of_declaration, of_text, spoken};
use super::{VERSION, time};

/// What functions tell about the session.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) user: String,
    pub(super) database: String,
    /// When the transaction began, in microseconds since 2000.
    pub(super) now: Arc<AtomicI64>,
}

/// Registers the functions.
pub(super) fn register(conn: &Connection, identity: &Identity) -> Result<()> {
    let stable = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_INNOCUOUS;
    let pure = stable | FunctionFlags::SQLITE_DETERMINISTIC;
    let now = identity.now.clone();
    conn.create_scalar_function("now", 0, stable, move |_| {
        Ok(time::render(now.load(Ordering::Relaxed), true))
    })?;
    conn.create_scalar_function("clock_timestamp", 0, stable, |_| {
        Ok(time::render(time::now(), true))
    })?;
    conn.create_scalar_function("pg_today", 0, stable, |_| {
        Ok(time::render(time::now(), false)[..10].to_owned())
    })?;
    conn.create_scalar_function("gen_random_uuid", 0, stable, |_| {
        Ok(uuid::Uuid::new_v4().to_string())
    })?;
    conn.create_scalar_function("pg_random", 0, stable, |_| Ok(rand::random::<f64>()))?;
    for name in ["pg_user", "current_database", "current_schema"] {
        let text = match name {
            "pg_user" => identity.user.clone(),
            "current_database" => identity.database.clone(),
            _ => "public".to_owned(),
        };
        conn.create_scalar_function(name, 0, stable, move |_| Ok(text.clone()))?;
    }
    let user = identity.user.clone();
    conn.create_scalar_function("pg_get_userbyid", 1, stable, move |_| Ok(user.clone()))?;
    conn.create_scalar_function("version", 0, stable, |_| {
        Ok(format!(
            "PostgreSQL {VERSION} (shoplab) on SQLite {}",
            rusqlite::version()
        ))
    })?;
    conn.create_scalar_function("pg_backend_pid", 0, stable, |_| Ok(std::process::id()))?;
    conn.create_scalar_function("pg_is_in_recovery", 0, stable, |_| Ok(0))?;
    conn.create_scalar_function("pg_table_is_visible", 1, stable, |_| Ok(1))?;
    for (name, arguments) in [
        ("pg_advisory_lock", 1),
        ("pg_advisory_unlock", 1),
        ("pg_advisory_xact_lock", 1),
        ("obj_description", 2),
    ] {
        conn.create_scalar_function(name, arguments, stable, |_| Ok(rusqlite::types::Null))?;
    }
    conn.create_scalar_function("pg_try_advisory_lock", 1, stable, |_| Ok(1))?;
    conn.create_scalar_function("current_setting", 1, stable, |ctx| {
        Ok(super::settings::default_of(&ctx.get::<String>(0)?).unwrap_or_default())
    })?;
    conn.create_scalar_function("pg_cast", 2, pure, cast)?;
    conn.create_scalar_function("pg_oid", 2, pure, |ctx| Ok(owned(ctx.get_raw(0))))?;
    conn.create_scalar_function("pg_shift", 3, pure, shift)?;
    conn.create_scalar_function("pg_extract", 2, pure, extract)?;
    conn.create_scalar_function("date_part", 2, pure, extract)?;
    conn.create_scalar_function("date_trunc", 2, pure, truncate)?;
    conn.create_scalar_function("to_timestamp", 1, pure, |ctx| {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "seconds become whole microseconds"
        )]
        let micros = (ctx.get::<f64>(0)? * 1e6).round() as i64;
        Ok(time::render(time::from_unix(micros), true))
    })?;
    // `a LIKE b` is SQLite's own; REGEXP is ILIKE and MATCH is ~ here. Both are called as f(pattern, text).
    conn.create_scalar_function("regexp", 2, pure, |ctx| matches(ctx, ilike))?;
    conn.create_scalar_function("match", 2, pure, |ctx| matches(ctx, regular))?;
    for (name, apply) in [
        ("floor", f64::floor as fn(f64) -> f64),
        ("ceil", f64::ceil),
        ("ceiling", f64::ceil),
        ("sqrt", f64::sqrt),
    ] {
        conn.create_scalar_function(name, 1, pure, move |ctx| {
            Ok(ctx.get::<Option<f64>>(0)?.map(apply))
        })?;
    }
    conn.create_scalar_function("mod", 2, pure, |ctx| {
        let (a, b) = (ctx.get::<i64>(0)?, ctx.get::<i64>(1)?);
        a.checked_rem(b)
            .ok_or_else(|| refused("22012", "division by zero"))
    })?;
    conn.create_scalar_function("split_part", 3, pure, |ctx| {
        let (text, by, nth) = (
            ctx.get::<String>(0)?,
            ctx.get::<String>(1)?,
            usize::try_from(ctx.get::<i64>(2)?).unwrap_or(1),
        );
        Ok(text
            .split(&by)
            .nth(nth.saturating_sub(1))
            .unwrap_or_default()
            .to_owned())
    })
}

/// A message that `errors` turns into an error with this code.
fn refused(code: &str, message: &str) -> Error {
    Error::UserFunctionError(format!("{code}|{message}").into())
}

fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
    }
}

/// `pg_cast(value, declaration)`.
fn cast(ctx: &Context<'_>) -> Result<Value> {
    let ty = of_declaration(&ctx.get::<String>(1)?);
    let bound = match ty {
        Type::INT2 => i64::from(i16::MAX),
        Type::INT4 => i64::from(i32::MAX),
        _ => i64::MAX,
    };
    let value = match (&ty, ctx.get_raw(0)) {
        (&Type::INT2 | &Type::INT4 | &Type::INT8, ValueRef::Real(real)) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a cast to an integer rounds"
            )]
            let rounded = real.round_ties_even() as i64;
            Value::Integer(rounded)
        }
        #[expect(clippy::cast_precision_loss, reason = "a cast to a float rounds")]
        (&Type::FLOAT4 | &Type::FLOAT8, ValueRef::Integer(integer)) => Value::Real(integer as f64),
        (&Type::BOOL, ValueRef::Integer(integer)) => Value::Integer(i64::from(integer != 0)),
        (_, ValueRef::Text(text)) => {
            let text = String::from_utf8_lossy(text);
            of_text(&ty, &text).map_err(|_| {
                refused(
                    "22P02",
                    &format!("invalid input syntax for type {}: \"{text}\"", spoken(&ty)),
                )
            })?
        }
        (_, value) => owned(value),
    };
    match value {
        Value::Integer(integer) if integer.unsigned_abs() > bound.unsigned_abs() => {
            Err(refused("22003", &format!("{} out of range", spoken(&ty))))
        }
        value => Ok(value),
    }
}

/// `pg_shift(timestamp, sign, interval)`.
fn shift(ctx: &Context<'_>) -> Result<Option<String>> {
    let Some(text) = ctx.get::<Option<String>>(0)? else {
        return Ok(None);
    };
    let interval = ctx.get::<String>(2)?;
    let by = time::interval(&interval).ok_or_else(|| {
        refused(
            "22007",
            &format!("invalid input syntax for type interval: \"{interval}\""),
        )
    })?;
    let at = time::parse(&text).ok_or_else(|| {
        refused(
            "22007",
            &format!("invalid input syntax for type timestamp: \"{text}\""),
        )
    })?;
    Ok(Some(time::render(
        if ctx.get::<String>(1)? == "-" {
            at - by
        } else {
            at + by
        },
        true,
    )))
}

/// `pg_extract(field, timestamp)`.
fn extract(ctx: &Context<'_>) -> Result<Option<f64>> {
    let Some(text) = ctx.get::<Option<String>>(1)? else {
        return Ok(None);
    };
    let at = time::parse(&text).ok_or_else(|| {
        refused(
            "22007",
            &format!("invalid input syntax for type timestamp: \"{text}\""),
        )
    })?;
    let part = |range: std::ops::Range<usize>| {
        time::render(at, true)
            .get(range)
            .and_then(|text| text.parse::<f64>().ok())
            .unwrap_or_default()
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of this century fit a float's 53 bits"
    )]
    let seconds = time::to_unix(at) as f64 / 1e6;
    Ok(Some(match ctx.get::<String>(0)?.as_str() {
        "epoch" => seconds,
        "year" => part(0..4),
        "month" => part(5..7),
        "day" => part(8..10),
        "hour" => part(11..13),
        "minute" => part(14..16),
        "second" => seconds.rem_euclid(60.0),
        other => {
            return Err(refused(
                "22023",
                &format!("unit \"{other}\" not recognized for type timestamp with time zone"),
            ));
        }
    }))
}

/// `date_trunc(field, timestamp)`.
fn truncate(ctx: &Context<'_>) -> Result<Option<String>> {
    let Some(text) = ctx.get::<Option<String>>(1)? else {
        return Ok(None);
    };
    let at = time::parse(&text).ok_or_else(|| {
        refused(
            "22007",
            &format!("invalid input syntax for type timestamp: \"{text}\""),
        )
    })?;
    let unit = ctx.get::<String>(0)?;
    let whole = |seconds: i64| at - at.rem_euclid(seconds * 1_000_000);
    Ok(Some(match unit.as_str() {
        "second" => time::render(whole(1), true),
        "minute" => time::render(whole(60), true),
        "hour" => time::render(whole(3600), true),
        "day" => time::render(whole(86_400), true),
        "month" => format!("{}-01 00:00:00+00", &time::render(at, true)[..7]),
        "year" => format!("{}-01-01 00:00:00+00", &time::render(at, true)[..4]),
        other => {
            return Err(refused(
                "22023",
                &format!("unit \"{other}\" not recognized for type timestamp with time zone"),
            ));
        }
    }))
}

fn matches(ctx: &Context<'_>, test: fn(&str, &str) -> Result<bool>) -> Result<Option<bool>> {
    let (pattern, text) = (ctx.get::<Option<String>>(0)?, ctx.get::<Option<String>>(1)?);
    match (pattern, text) {
        (Some(pattern), Some(text)) => test(&pattern, &text).map(Some),
        _ => Ok(None),
    }
}

/// LIKE without regard to case: `%` is any text, `_` any character, `\` escapes.
fn ilike(pattern: &str, text: &str) -> Result<bool> {
    let mut expression = String::from("(?is)^");
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => expression.push_str(".*"),
            '_' => expression.push('.'),
            '\\' => expression.push_str(&regex::escape(&chars.next().unwrap_or('\\').to_string())),
            c => expression.push_str(&regex::escape(&c.to_string())),
        }
    }
    expression.push('$');
    regular(&expression, text)
}

fn regular(pattern: &str, text: &str) -> Result<bool> {
    let compiled = regex::Regex::new(pattern)
        .map_err(|error| refused("2201B", &format!("invalid regular expression: {error}")))?;
    Ok(compiled.is_match(text))
}

/// The views that stand for PostgreSQL's catalogue; made anew at each start.
pub(super) const CATALOG: &str = "
DROP VIEW IF EXISTS pg_class; DROP VIEW IF EXISTS pg_namespace; DROP VIEW IF EXISTS pg_am; DROP VIEW IF EXISTS pg_tables;
DROP VIEW IF EXISTS pg_database; DROP VIEW IF EXISTS pg_stat_activity;
DROP VIEW IF EXISTS information_schema_tables; DROP VIEW IF EXISTS information_schema_columns;
CREATE VIEW pg_class AS SELECT rowid AS oid, name AS relname, 2200 AS relnamespace, 10 AS relowner, 2 AS relam,
  CASE type WHEN 'table' THEN 'r' WHEN 'index' THEN 'i' ELSE 'v' END AS relkind, 'p' AS relpersistence, 0 AS reltuples
  FROM sqlite_schema WHERE name NOT LIKE 'sqlite~_%' ESCAPE '~' AND name NOT LIKE 'pg~_%' ESCAPE '~'
  AND name NOT LIKE 'information~_schema~_%' ESCAPE '~';
CREATE VIEW pg_namespace AS SELECT 2200 AS oid, 'public' AS nspname, 10 AS nspowner;
CREATE VIEW pg_am AS SELECT 2 AS oid, 'heap' AS amname;
CREATE VIEW pg_tables AS SELECT 'public' AS schemaname, relname AS tablename, pg_user() AS tableowner FROM pg_class WHERE relkind = 'r';
CREATE VIEW pg_database AS SELECT 16384 AS oid, current_database() AS datname, 10 AS datdba;
CREATE VIEW information_schema_tables AS SELECT current_database() AS table_catalog, 'public' AS table_schema, relname AS table_name,
  CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'BASE TABLE' END AS table_type FROM pg_class WHERE relkind IN ('r', 'v');
CREATE VIEW information_schema_columns AS SELECT current_database() AS table_catalog, 'public' AS table_schema, c.relname AS table_name,
  i.name AS column_name, i.cid + 1 AS ordinal_position, i.dflt_value AS column_default,
  CASE i.\"notnull\" WHEN 1 THEN 'NO' ELSE 'YES' END AS is_nullable, lower(i.type) AS data_type
  FROM pg_class c, pragma_table_info(c.relname) i WHERE c.relkind IN ('r', 'v');
";
