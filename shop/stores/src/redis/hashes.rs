//! Commands on hashes.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::commands::{WRONG_TYPE, integer};
use super::data::{Keyspace, Value};
use super::resp::Reply;

fn read(
    keys: &mut Keyspace,
    db: usize,
    key: &[u8],
) -> Result<Option<BTreeMap<Bytes, Bytes>>, Reply> {
    match keys.read(db, key) {
        None => Ok(None),
        Some(Value::Hash(fields)) => Ok(Some(fields.clone())),
        Some(Value::Text(_)) => Err(Reply::error(WRONG_TYPE)),
    }
}

fn write(keys: &mut Keyspace, db: usize, key: &Bytes, fields: BTreeMap<Bytes, Bytes>) {
    let expires = keys.expiry(db, key).flatten();
    if fields.is_empty() {
        keys.remove(db, key);
    } else {
        keys.write(db, key.clone(), Value::Hash(fields), expires);
    }
}

pub(super) fn hash(
    keys: &mut Keyspace,
    db: usize,
    name: &str,
    args: &[Bytes],
) -> Result<Reply, Reply> {
    let key = &args[1];
    let mut fields = read(keys, db, key)?.unwrap_or_default();
    let of = |fields: &BTreeMap<Bytes, Bytes>, field: &Bytes| {
        fields.get(field).cloned().map_or(Reply::Nil, Reply::Bulk)
    };
    Ok(match name {
        "HGET" => of(&fields, &args[2]),
        "HMGET" => Reply::Array(args[2..].iter().map(|field| of(&fields, field)).collect()),
        "HGETALL" => Reply::Map(
            fields
                .into_iter()
                .map(|(field, value)| (Reply::Bulk(field), Reply::Bulk(value)))
                .collect(),
        ),
        "HKEYS" => Reply::Array(fields.into_keys().map(Reply::Bulk).collect()),
        "HVALS" => Reply::Array(fields.into_values().map(Reply::Bulk).collect()),
        "HLEN" => Reply::Int(fields.len() as i64),
        "HEXISTS" => Reply::Int(i64::from(fields.contains_key(&args[2]))),
        "HSET" | "HMSET" => {
            if args.len() % 2 == 1 {
                return Err(Reply::Error(format!(
                    "ERR wrong number of arguments for '{}' command",
                    name.to_lowercase()
                )));
            }
            let mut added = 0;
            for pair in args[2..].chunks(2) {
                let (field, value) = (
                    Bytes::copy_from_slice(&pair[0]),
                    Bytes::copy_from_slice(&pair[1]),
                );
                added += i64::from(fields.insert(field, value).is_none());
            }
            write(keys, db, key, fields);
            if name == "HSET" {
                Reply::Int(added)
            } else {
                Reply::OK
            }
        }
        "HDEL" => {
            let removed = args[2..]
                .iter()
                .filter(|field| fields.remove(*field).is_some())
                .count();
            if removed > 0 {
                write(keys, db, key, fields);
            }
            Reply::Int(removed as i64)
        }
        "HINCRBY" => {
            let old = fields.get(&args[2]).map_or(Ok(0), |value| {
                integer(value).map_err(|_| Reply::error("ERR hash value is not an integer"))
            })?;
            let new = old
                .checked_add(integer(&args[3])?)
                .ok_or_else(|| Reply::error("ERR increment or decrement would overflow"))?;
            fields.insert(Bytes::copy_from_slice(&args[2]), new.to_string().into());
            write(keys, db, key, fields);
            Reply::Int(new)
        }
        _ => Reply::error("ERR not implemented"),
    })
}
