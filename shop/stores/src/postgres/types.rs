//! PostgreSQL's types: how columns declare them in SQLite, and how values travel.

use bytes::{BufMut, BytesMut};
use pgwire::api::Type;
use pgwire::api::results::FieldFormat;
use pgwire::error::PgWireResult;
use rusqlite::types::{Value, ValueRef};

use super::errors::refuse;
use super::time;

/// The type that a word of SQL names, such as `bigint`; `None` when it is not known here.
pub(super) fn named(name: &str) -> Option<Type> {
    Some(match name {
        "smallint" | "int2" | "smallserial" => Type::INT2,
        "integer" | "int" | "int4" | "serial" | "serial4" | "mediumint" => Type::INT4,
        "bigint" | "int8" | "bigserial" | "serial8" => Type::INT8,
        "real" | "float4" => Type::FLOAT4,
        "double precision" | "float8" | "float" | "double" => Type::FLOAT8,
        "numeric" | "decimal" => Type::NUMERIC,
        "boolean" | "bool" => Type::BOOL,
        "text" | "citext" => Type::TEXT,
        "varchar" | "character varying" => Type::VARCHAR,
        "char" | "character" | "bpchar" => Type::BPCHAR,
        "name" => Type::NAME,
        "timestamptz" | "timestamp with time zone" => Type::TIMESTAMPTZ,
        "timestamp" | "timestamp without time zone" => Type::TIMESTAMP,
        "date" => Type::DATE,
        "json" => Type::JSON,
        "jsonb" => Type::JSONB,
        "uuid" => Type::UUID,
        "bytea" => Type::BYTEA,
        "oid" | "regclass" | "regtype" | "regproc" => Type::OID,
        _ => return None,
    })
}

/// How a column of a type is declared in SQLite: the name carries the type, and with it the affinity that keeps its values as they are.
pub(super) fn declared(ty: &Type) -> &'static str {
    match *ty {
        Type::INT2 => "INT2",
        Type::INT4 => "INT4",
        Type::INT8 => "INT8",
        Type::OID => "OID_INT",
        Type::FLOAT4 => "FLOAT4",
        Type::FLOAT8 => "FLOAT8",
        Type::NUMERIC => "NUMERIC",
        Type::BOOL => "BOOL",
        Type::VARCHAR => "VARCHAR",
        Type::BPCHAR => "BPCHAR_TEXT",
        Type::NAME => "NAME_TEXT",
        Type::TIMESTAMPTZ => "TIMESTAMPTZ_TEXT",
        Type::TIMESTAMP => "TIMESTAMP_TEXT",
        Type::DATE => "DATE_TEXT",
        Type::JSON => "JSON_TEXT",
        Type::JSONB => "JSONB_TEXT",
        Type::UUID => "UUID_TEXT",
        Type::BYTEA => "BYTEA_BLOB",
        _ => "TEXT",
    }
}

/// The reverse of [`declared`].
pub(super) fn of_declaration(declaration: &str) -> Type {
    match declaration {
        "INT2" => Type::INT2,
        "INT4" | "INT" => Type::INT4,
        "INT8" | "INTEGER" => Type::INT8,
        "OID_INT" => Type::OID,
        "FLOAT4" => Type::FLOAT4,
        "FLOAT8" | "REAL" => Type::FLOAT8,
        "NUMERIC" => Type::NUMERIC,
        "BOOL" => Type::BOOL,
        "VARCHAR" => Type::VARCHAR,
        "BPCHAR_TEXT" => Type::BPCHAR,
        "NAME_TEXT" => Type::NAME,
        "TIMESTAMPTZ_TEXT" => Type::TIMESTAMPTZ,
        "TIMESTAMP_TEXT" => Type::TIMESTAMP,
        "DATE_TEXT" => Type::DATE,
        "JSON_TEXT" => Type::JSON,
        "JSONB_TEXT" => Type::JSONB,
        "UUID_TEXT" => Type::UUID,
        "BYTEA_BLOB" | "BLOB" => Type::BYTEA,
        _ => Type::TEXT,
    }
}

/// The name of a type in PostgreSQL's messages.
pub(super) fn spoken(ty: &Type) -> &'static str {
    match *ty {
        Type::INT2 => "smallint",
        Type::INT4 => "integer",
        Type::INT8 => "bigint",
        Type::FLOAT4 => "real",
        Type::FLOAT8 => "double precision",
        Type::BOOL => "boolean",
        Type::NUMERIC => "numeric",
        Type::TIMESTAMPTZ => "timestamp with time zone",
        Type::TIMESTAMP => "timestamp",
        Type::DATE => "date",
        Type::JSON | Type::JSONB => "json",
        Type::UUID => "uuid",
        Type::VARCHAR => "character varying",
        _ => "text",
    }
}

/// Width of a type's binary form, as a row description says it; -1 where it varies.
pub(super) fn width(ty: &Type) -> i16 {
    match *ty {
        Type::BOOL => 1,
        Type::INT2 => 2,
        Type::INT4 | Type::FLOAT4 | Type::DATE | Type::OID => 4,
        Type::INT8 | Type::FLOAT8 | Type::TIMESTAMP | Type::TIMESTAMPTZ => 8,
        Type::UUID => 16,
        Type::NAME => 64,
        _ => -1,
    }
}

/// A parameter as a client sent it, turned into what SQLite binds.
pub(super) fn decode(ty: &Type, format: FieldFormat, raw: Option<&[u8]>) -> PgWireResult<Value> {
    let Some(raw) = raw else {
        return Ok(Value::Null);
    };
    match format {
        FieldFormat::Binary => binary(ty, raw).ok_or_else(|| {
            refuse(
                "22P03",
                &format!(
                    "incorrect binary data format for a parameter of type {}",
                    spoken(ty)
                ),
            )
        }),
        FieldFormat::Text => {
            let text = std::str::from_utf8(raw)
                .map_err(|_| refuse("22021", "invalid byte sequence for encoding \"UTF8\""))?;
            of_text(ty, text)
        }
    }
}

/// A value of a type from its text form; the error is worded as PostgreSQL words it.
pub(super) fn of_text(ty: &Type, text: &str) -> PgWireResult<Value> {
    let invalid = || {
        refuse(
            "22P02",
            &format!("invalid input syntax for type {}: \"{text}\"", spoken(ty)),
        )
    };
    Ok(match *ty {
        Type::INT2 | Type::INT4 | Type::INT8 | Type::OID => {
            Value::Integer(text.trim().parse().map_err(|_| invalid())?)
        }
        Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => {
            Value::Real(text.trim().parse().map_err(|_| invalid())?)
        }
        Type::BOOL => Value::Integer(i64::from(truth(text).ok_or_else(invalid)?)),
        Type::TIMESTAMPTZ | Type::TIMESTAMP => {
            let micros = time::parse(text).ok_or_else(invalid)?;
            Value::Text(time::render(micros, *ty == Type::TIMESTAMPTZ))
        }
        Type::BYTEA => match text.strip_prefix("\\x").map(from_hex) {
            Some(bytes) => Value::Blob(bytes.ok_or_else(invalid)?),
            None => Value::Blob(text.as_bytes().to_vec()),
        },
        Type::JSON | Type::JSONB => {
            serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|_| invalid())?;
            Value::Text(text.to_owned())
        }
        _ => Value::Text(text.to_owned()),
    })
}

fn binary(ty: &Type, raw: &[u8]) -> Option<Value> {
    Some(match *ty {
        Type::BOOL => Value::Integer(i64::from(*raw.first()? != 0)),
        Type::INT2 => Value::Integer(i16::from_be_bytes(raw.try_into().ok()?).into()),
        Type::INT4 => Value::Integer(i32::from_be_bytes(raw.try_into().ok()?).into()),
        Type::OID => Value::Integer(u32::from_be_bytes(raw.try_into().ok()?).into()),
        Type::INT8 => Value::Integer(i64::from_be_bytes(raw.try_into().ok()?)),
        Type::FLOAT4 => Value::Real(f32::from_be_bytes(raw.try_into().ok()?).into()),
        Type::FLOAT8 => Value::Real(f64::from_be_bytes(raw.try_into().ok()?)),
        Type::TIMESTAMPTZ | Type::TIMESTAMP => {
            let micros = i64::from_be_bytes(raw.try_into().ok()?);
            Value::Text(time::render(micros, *ty == Type::TIMESTAMPTZ))
        }
        Type::DATE => Value::Text(time::render_date(i32::from_be_bytes(raw.try_into().ok()?))),
        Type::UUID => Value::Text(uuid::Uuid::from_slice(raw).ok()?.to_string()),
        Type::BYTEA => Value::Blob(raw.to_vec()),
        Type::JSONB => Value::Text(
            std::str::from_utf8(raw.strip_prefix(&[1])?)
                .ok()?
                .to_owned(),
        ),
        _ => Value::Text(std::str::from_utf8(raw).ok()?.to_owned()),
    })
}

/// Appends one field of a row.
pub(super) fn encode(ty: &Type, format: FieldFormat, value: ValueRef<'_>, row: &mut BytesMut) {
    if matches!(value, ValueRef::Null) {
        row.put_i32(-1);
        return;
    }
    let at = row.len();
    row.put_i32(0);
    match format {
        FieldFormat::Text => row.put_slice(text(ty, value).as_bytes()),
        FieldFormat::Binary => encode_binary(ty, value, row),
    }
    let length = i32::try_from(row.len() - at - 4).unwrap_or(i32::MAX);
    row[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

fn encode_binary(ty: &Type, value: ValueRef<'_>, row: &mut BytesMut) {
    match *ty {
        Type::BOOL => row.put_u8(u8::from(integer(value) != 0)),
        Type::INT2 => row.put_i16(i16::try_from(integer(value)).unwrap_or(i16::MAX)),
        Type::INT4 => row.put_i32(i32::try_from(integer(value)).unwrap_or(i32::MAX)),
        Type::OID => row.put_u32(u32::try_from(integer(value)).unwrap_or(u32::MAX)),
        Type::INT8 => row.put_i64(integer(value)),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the column is declared as a float of 4 bytes"
        )]
        Type::FLOAT4 => row.put_f32(real(value) as f32),
        Type::FLOAT8 => row.put_f64(real(value)),
        Type::TIMESTAMPTZ | Type::TIMESTAMP => {
            row.put_i64(time::parse(&text(ty, value)).unwrap_or_default());
        }
        Type::DATE => row.put_i32(time::parse_date(&text(ty, value)).unwrap_or_default()),
        Type::UUID => match uuid::Uuid::parse_str(&text(ty, value)) {
            Ok(id) => row.put_slice(id.as_bytes()),
            Err(_) => row.put_slice(&[0; 16]),
        },
        Type::JSONB => {
            row.put_u8(1);
            row.put_slice(text(ty, value).as_bytes());
        }
        Type::BYTEA => match value {
            ValueRef::Blob(bytes) | ValueRef::Text(bytes) => row.put_slice(bytes),
            other => row.put_slice(text(ty, other).as_bytes()),
        },
        _ => row.put_slice(text(ty, value).as_bytes()),
    }
}

/// A value in PostgreSQL's text form.
fn text(ty: &Type, value: ValueRef<'_>) -> String {
    match (ty, value) {
        (_, ValueRef::Null) => String::new(),
        (&Type::BOOL, value) => if integer(value) != 0 { "t" } else { "f" }.to_owned(),
        (&Type::INT2 | &Type::INT4 | &Type::INT8, ValueRef::Real(_)) => integer(value).to_string(),
        (&Type::BYTEA, ValueRef::Blob(bytes) | ValueRef::Text(bytes)) => {
            let mut hex = String::from("\\x");
            for byte in bytes {
                hex.push_str(&format!("{byte:02x}"));
            }
            hex
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the column is declared as a float of 4 bytes"
        )]
        (&Type::FLOAT4, ValueRef::Real(real)) => {
            float(f64::from(real as f32), &(real as f32).to_string())
        }
        (&Type::TIMESTAMPTZ | &Type::TIMESTAMP, ValueRef::Text(bytes)) => {
            let stored = String::from_utf8_lossy(bytes);
            time::parse(&stored).map_or_else(
                || stored.to_string(),
                |at| time::render(at, *ty == Type::TIMESTAMPTZ),
            )
        }
        (_, ValueRef::Real(real)) => float(real, &real.to_string()),
        (_, ValueRef::Integer(integer)) => integer.to_string(),
        (_, ValueRef::Text(bytes) | ValueRef::Blob(bytes)) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
    }
}

fn float(value: f64, plain: &str) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
    } else {
        plain.to_owned()
    }
}

fn integer(value: ValueRef<'_>) -> i64 {
    match value {
        ValueRef::Integer(integer) => integer,
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a cast to an integer rounds"
        )]
        ValueRef::Real(real) => real.round_ties_even() as i64,
        ValueRef::Text(text) | ValueRef::Blob(text) => {
            let text = String::from_utf8_lossy(text);
            text.trim()
                .parse()
                .ok()
                .or_else(|| truth(&text).map(i64::from))
                .unwrap_or_default()
        }
        ValueRef::Null => 0,
    }
}

fn real(value: ValueRef<'_>) -> f64 {
    match value {
        ValueRef::Real(real) => real,
        #[expect(
            clippy::cast_precision_loss,
            reason = "an integer in a column of floats"
        )]
        ValueRef::Integer(integer) => integer as f64,
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text)
            .trim()
            .parse()
            .unwrap_or_default(),
        ValueRef::Null => 0.0,
    }
}

/// PostgreSQL's spellings of true and false.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "t" | "true" | "y" | "yes" | "on" | "1" => Some(true),
        "f" | "false" | "n" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_leads_back_to_its_type() {
        for name in [
            "int2", "int", "bigint", "real", "float8", "numeric", "bool", "text", "varchar", "char",
        ] {
            let ty = named(name).unwrap();
            assert_eq!(of_declaration(declared(&ty)), ty);
        }
        for ty in [
            Type::TIMESTAMPTZ,
            Type::TIMESTAMP,
            Type::DATE,
            Type::JSON,
            Type::JSONB,
            Type::UUID,
            Type::BYTEA,
        ] {
            assert_eq!(of_declaration(declared(&ty)), ty);
        }
    }

    #[test]
    fn texts_become_values_or_are_refused() {
        assert_eq!(of_text(&Type::BOOL, "yes").unwrap(), Value::Integer(1));
        assert_eq!(
            of_text(&Type::BYTEA, "\\x0aff").unwrap(),
            Value::Blob(vec![10, 255])
        );
        let error = of_text(&Type::INT4, "ten").unwrap_err();
        assert_eq!(error.code(), "22P02");
        assert!(
            error
                .to_string()
                .contains("invalid input syntax for type integer: \"ten\""),
            "{error}"
        );
    }
}
