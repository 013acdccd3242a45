//! Commands on strings and on keys as such.

use bytes::Bytes;

use super::commands::{NOT_AN_INTEGER, SYNTAX, WRONG_TYPE, integer, text, upper};
use super::data::{Keyspace, Value, glob, now};
use super::resp::Reply;

/// GET, or `None` where the key holds something else.
fn get(keys: &mut Keyspace, db: usize, key: &[u8]) -> Result<Option<Bytes>, Reply> {
    match keys.read(db, key) {
        None => Ok(None),
        Some(Value::Text(value)) => Ok(Some(value.clone())),
        Some(Value::Hash(_)) => Err(Reply::error(WRONG_TYPE)),
    }
}

fn bulk(value: Option<Bytes>) -> Reply {
    value.map_or(Reply::Nil, Reply::Bulk)
}

/// SET key value [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL] [NX | XX] [GET]
pub(super) fn set(keys: &mut Keyspace, db: usize, args: &[Bytes]) -> Result<Reply, Reply> {
    let (key, value) = (&args[1], &args[2]);
    let mut expires = None;
    let (mut keep, mut returns) = (false, false);
    let mut condition = None;
    let mut options = args[3..].iter();
    while let Some(option) = options.next() {
        match upper(option).as_str() {
            "KEEPTTL" => keep = true,
            "GET" => returns = true,
            "NX" if condition != Some(true) => condition = Some(false),
            "XX" if condition != Some(false) => condition = Some(true),
            unit @ ("EX" | "PX" | "EXAT" | "PXAT") if expires.is_none() => {
                let amount = options.next().ok_or_else(|| Reply::error(SYNTAX))?;
                expires = Some(moment(unit, amount, "set")?);
            }
            _ => return Err(Reply::error(SYNTAX)),
        }
    }
    let old = if returns {
        Some(get(keys, db, key)?)
    } else {
        None
    };
    let exists = keys.peek(db, key).is_some();
    if condition.is_some_and(|wanted| wanted != exists) {
        return Ok(old.map_or(Reply::Nil, bulk));
    }
    let expires = if keep {
        keys.expiry(db, key).flatten()
    } else {
        expires
    };
    keys.write(
        db,
        key.clone(),
        Value::Text(Bytes::copy_from_slice(value)),
        expires,
    );
    Ok(old.map_or(Reply::OK, bulk))
}

/// The time that an option such as `EX 10` names, in milliseconds since 1970.
fn moment(unit: &str, amount: &Bytes, command: &str) -> Result<u64, Reply> {
    let amount = integer(amount)?;
    let invalid = || Reply::Error(format!("ERR invalid expire time in '{command}' command"));
    let amount = u64::try_from(amount)
        .ok()
        .filter(|amount| *amount > 0)
        .ok_or_else(invalid)?;
    let millis = if unit.starts_with('P') {
        Some(amount)
    } else {
        amount.checked_mul(1000)
    };
    let at = if unit.ends_with("AT") {
        millis
    } else {
        millis.and_then(|millis| millis.checked_add(now()))
    };
    at.ok_or_else(invalid)
}

pub(super) fn string(
    keys: &mut Keyspace,
    db: usize,
    name: &str,
    args: &[Bytes],
) -> Result<Reply, Reply> {
    let key = &args[1];
    Ok(match name {
        "GET" => bulk(get(keys, db, key)?),
        "GETDEL" => {
            let value = get(keys, db, key)?;
            keys.remove(db, key);
            bulk(value)
        }
        "GETEX" => {
            let value = get(keys, db, key)?;
            match args.get(2).map(|option| upper(option)).as_deref() {
                Some("PERSIST") => {
                    keys.set_expiry(db, key, None);
                }
                Some(unit @ ("EX" | "PX" | "EXAT" | "PXAT")) => {
                    let amount = args.get(3).ok_or_else(|| Reply::error(SYNTAX))?;
                    let at = moment(unit, amount, "getex")?;
                    keys.set_expiry(db, key, Some(at));
                }
                Some(_) => return Err(Reply::error(SYNTAX)),
                None => {}
            }
            bulk(value)
        }
        "MGET" => Reply::Array(
            args[1..]
                .iter()
                .map(|key| get(keys, db, key).map_or(Reply::Nil, bulk))
                .collect(),
        ),
        "MSET" => {
            if args.len().is_multiple_of(2) {
                return Err(Reply::error(
                    "ERR wrong number of arguments for 'mset' command",
                ));
            }
            for pair in args[1..].chunks(2) {
                keys.write(
                    db,
                    pair[0].clone(),
                    Value::Text(Bytes::copy_from_slice(&pair[1])),
                    None,
                );
            }
            Reply::OK
        }
        "SETEX" | "PSETEX" => {
            let unit = if name == "SETEX" { "EX" } else { "PX" };
            let at = moment(unit, &args[2], &name.to_lowercase())?;
            keys.write(
                db,
                key.clone(),
                Value::Text(Bytes::copy_from_slice(&args[3])),
                Some(at),
            );
            Reply::OK
        }
        "SETNX" => {
            let absent = keys.peek(db, key).is_none();
            if absent {
                keys.write(
                    db,
                    key.clone(),
                    Value::Text(Bytes::copy_from_slice(&args[2])),
                    None,
                );
            }
            Reply::Int(i64::from(absent))
        }
        "INCR" => add(keys, db, key, 1)?,
        "DECR" => add(keys, db, key, -1)?,
        "INCRBY" => add(keys, db, key, integer(&args[2])?)?,
        "DECRBY" => add(
            keys,
            db,
            key,
            integer(&args[2])?
                .checked_neg()
                .ok_or_else(|| Reply::error(NOT_AN_INTEGER))?,
        )?,
        "STRLEN" => Reply::Int(get(keys, db, key)?.map_or(0, |value| value.len() as i64)),
        _ => Reply::error("ERR not implemented"),
    })
}

fn add(keys: &mut Keyspace, db: usize, key: &Bytes, by: i64) -> Result<Reply, Reply> {
    let old = match get(keys, db, key)? {
        Some(value) => integer(&value)?,
        None => 0,
    };
    let new = old
        .checked_add(by)
        .ok_or_else(|| Reply::error("ERR increment or decrement would overflow"))?;
    let expires = keys.expiry(db, key).flatten();
    keys.write(
        db,
        key.clone(),
        Value::Text(new.to_string().into()),
        expires,
    );
    Ok(Reply::Int(new))
}

pub(super) fn key(
    keys: &mut Keyspace,
    db: usize,
    name: &str,
    args: &[Bytes],
) -> Result<Reply, Reply> {
    Ok(match name {
        "DEL" | "UNLINK" => {
            Reply::Int(args[1..].iter().filter(|key| keys.remove(db, key)).count() as i64)
        }
        "EXISTS" => Reply::Int(
            args[1..]
                .iter()
                .filter(|key| keys.peek(db, key).is_some())
                .count() as i64,
        ),
        "TYPE" => Reply::Simple(keys.peek(db, &args[1]).map_or("none", Value::type_name)),
        "TTL" | "PTTL" => Reply::Int(match keys.expiry(db, &args[1]) {
            None => -2,
            Some(None) => -1,
            Some(Some(at)) => {
                let left = i64::try_from(at.saturating_sub(now())).unwrap_or(i64::MAX);
                if name == "TTL" {
                    (left + 500) / 1000
                } else {
                    left
                }
            }
        }),
        "PERSIST" => {
            let expires = keys.expiry(db, &args[1]).flatten().is_some();
            Reply::Int(i64::from(expires && keys.set_expiry(db, &args[1], None)))
        }
        "EXPIRE" | "PEXPIRE" | "EXPIREAT" | "PEXPIREAT" => {
            let amount = integer(&args[2])?;
            let millis = if name.starts_with('P') {
                amount
            } else {
                amount.saturating_mul(1000)
            };
            let base = if name.ends_with("AT") {
                0
            } else {
                i64::try_from(now()).unwrap_or(i64::MAX)
            };
            let at = u64::try_from(base.saturating_add(millis)).unwrap_or(0);
            Reply::Int(i64::from(keys.set_expiry(db, &args[1], Some(at))))
        }
        "KEYS" => Reply::Array(
            keys.keys(db)
                .into_iter()
                .filter(|key| glob(&args[1], key))
                .map(Reply::Bulk)
                .collect(),
        ),
        "SCAN" => scan(keys, db, args)?,
        _ => Reply::error("ERR not implemented"),
    })
}

/// SCAN cursor [MATCH glob] [COUNT n] [TYPE t]; the cursor is a place in the sorted keys.
fn scan(keys: &mut Keyspace, db: usize, args: &[Bytes]) -> Result<Reply, Reply> {
    let cursor = text(&args[1])
        .parse::<usize>()
        .map_err(|_| Reply::error("ERR invalid cursor"))?;
    let (mut pattern, mut count, mut kind) = (Bytes::from_static(b"*"), 10, None);
    for option in args[2..].chunks(2) {
        let [name, value] = option else {
            return Err(Reply::error(SYNTAX));
        };
        match upper(name).as_str() {
            "MATCH" => pattern = value.clone(),
            "COUNT" => {
                count = usize::try_from(integer(value)?)
                    .map_err(|_| Reply::error(SYNTAX))?
                    .max(1);
            }
            "TYPE" => kind = Some(text(value).to_lowercase()),
            _ => return Err(Reply::error(SYNTAX)),
        }
    }
    let all = keys.keys(db);
    let next = match cursor.saturating_add(count) {
        next if next < all.len() => next,
        _ => 0,
    };
    let wanted = |keys: &mut Keyspace, key: &Bytes| {
        glob(&pattern, key)
            && kind.as_ref().is_none_or(|kind| {
                keys.peek(db, key)
                    .is_some_and(|value| value.type_name() == kind)
            })
    };
    let page: Vec<Reply> = all
        .into_iter()
        .skip(cursor)
        .take(count)
        .filter(|key| wanted(keys, key))
        .map(Reply::Bulk)
        .collect();
    Ok(Reply::Array(vec![
        Reply::text(&next.to_string()),
        Reply::Array(page),
    ]))
}
