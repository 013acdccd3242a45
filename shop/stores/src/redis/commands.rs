//! The table of commands: how many arguments they take, whether they write, who runs them.

use bytes::Bytes;

use super::data::Keyspace;
use super::resp::Reply;
use super::{hashes, strings};

pub(super) const WRONG_TYPE: &str =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
pub(super) const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
pub(super) const SYNTAX: &str = "ERR syntax error";

/// What a command works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// The session or the server.
    Session,
    Text,
    Key,
    Hash,
}

/// What a command does to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Reads,
    /// It changes data, and may need less memory after.
    Changes,
    /// It changes data, and may need more memory: refused when there is none.
    Grows,
}

/// One command.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) name: &'static str,
    /// Count of arguments with the name; negative for "at least".
    pub(super) arity: i64,
    pub(super) group: Group,
    pub(super) effect: Effect,
}

const fn command(name: &'static str, arity: i64, group: Group, effect: Effect) -> Command {
    Command {
        name,
        arity,
        group,
        effect,
    }
}

use Effect::{Changes, Grows, Reads};
use Group::{Hash, Key, Session, Text};

/// All commands, as COMMAND lists them.
pub(super) const COMMANDS: &[Command] = &[
    command("PING", -1, Session, Reads),
    command("ECHO", 2, Session, Reads),
    command("AUTH", -2, Session, Reads),
    command("HELLO", -1, Session, Reads),
    command("SELECT", 2, Session, Reads),
    command("CLIENT", -2, Session, Reads),
    command("QUIT", -1, Session, Reads),
    command("RESET", 1, Session, Reads),
    command("COMMAND", -1, Session, Reads),
    command("CONFIG", -2, Session, Reads),
    command("INFO", -1, Session, Reads),
    command("TIME", 1, Session, Reads),
    command("ROLE", 1, Session, Reads),
    command("DBSIZE", 1, Session, Reads),
    command("FLUSHALL", -1, Session, Changes),
    command("FLUSHDB", -1, Session, Changes),
    command("MULTI", 1, Session, Reads),
    command("EXEC", 1, Session, Reads),
    command("DISCARD", 1, Session, Reads),
    command("SET", -3, Text, Grows),
    command("GET", 2, Text, Reads),
    command("GETEX", -2, Text, Changes),
    command("GETDEL", 2, Text, Changes),
    command("MGET", -2, Text, Reads),
    command("MSET", -3, Text, Grows),
    command("SETEX", 4, Text, Grows),
    command("PSETEX", 4, Text, Grows),
    command("SETNX", 3, Text, Grows),
    command("INCR", 2, Text, Grows),
    command("INCRBY", 3, Text, Grows),
    command("DECR", 2, Text, Grows),
    command("DECRBY", 3, Text, Grows),
    command("STRLEN", 2, Text, Reads),
    command("DEL", -2, Key, Changes),
    command("UNLINK", -2, Key, Changes),
    command("EXISTS", -2, Key, Reads),
    command("TYPE", 2, Key, Reads),
    command("TTL", 2, Key, Reads),
    command("PTTL", 2, Key, Reads),
    command("PERSIST", 2, Key, Changes),
    command("EXPIRE", 3, Key, Changes),
    command("PEXPIRE", 3, Key, Changes),
    command("EXPIREAT", 3, Key, Changes),
    command("PEXPIREAT", 3, Key, Changes),
    command("KEYS", 2, Key, Reads),
    command("SCAN", -2, Key, Reads),
    command("HSET", -4, Hash, Grows),
    command("HMSET", -4, Hash, Grows),
    command("HGET", 3, Hash, Reads),
    command("HMGET", -3, Hash, Reads),
    command("HGETALL", 2, Hash, Reads),
    command("HKEYS", 2, Hash, Reads),
    command("HVALS", 2, Hash, Reads),
    command("HLEN", 2, Hash, Reads),
    command("HEXISTS", 3, Hash, Reads),
    command("HDEL", -3, Hash, Changes),
    command("HINCRBY", 4, Hash, Grows),
];

/// The command that a client means, with the right count of arguments.
///
/// # Errors
/// An unknown command or a wrong count, as Redis words it.
pub(super) fn find(args: &[Bytes]) -> Result<&'static Command, Reply> {
    let name = args.first().map_or(String::new(), |name| upper(name));
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        let given = args.first().map_or(String::new(), |name| text(name));
        let rest: String = args
            .iter()
            .skip(1)
            .map(|arg| format!("'{}' ", text(arg)))
            .collect();
        return Err(Reply::Error(format!(
            "ERR unknown command '{given}', with args beginning with: {rest}"
        )));
    };
    let count = args.len() as i64;
    if (command.arity >= 0 && count != command.arity) || count < -command.arity {
        return Err(Reply::Error(format!(
            "ERR wrong number of arguments for '{}' command",
            name.to_lowercase()
        )));
    }
    Ok(command)
}

/// Runs a command on the data.
pub(super) fn run(command: &Command, keys: &mut Keyspace, db: usize, args: &[Bytes]) -> Reply {
    let reply = match (command.group, command.name) {
        (Text, "SET") => strings::set(keys, db, args),
        (Text, name) => strings::string(keys, db, name, args),
        (Key, name) => strings::key(keys, db, name, args),
        (Hash, name) => hashes::hash(keys, db, name, args),
        (Session, name) => Err(Reply::Error(format!(
            "ERR '{name}' is not a command on data"
        ))),
    };
    reply.unwrap_or_else(|error| error)
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn upper(bytes: &[u8]) -> String {
    text(bytes).to_ascii_uppercase()
}

pub(super) fn integer(bytes: &[u8]) -> Result<i64, Reply> {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Reply::error(NOT_AN_INTEGER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(keys: &mut Keyspace, line: &str) -> Reply {
        let args: Vec<Bytes> = line
            .split(' ')
            .map(|word| Bytes::copy_from_slice(word.as_bytes()))
            .collect();
        find(&args).map_or_else(|error| error, |command| run(command, keys, 0, &args))
    }

    #[test]
    fn commands_answer_as_redis_does() {
        let mut keys = Keyspace::default();
        for (line, expected) in [
            ("SET a 1", Reply::OK),
            ("SET a 2 NX", Reply::Nil),
            ("SET a 2 GET", Reply::text("1")),
            ("SET b 1 XX", Reply::Nil),
            ("SET a 1 NX XX", Reply::error(SYNTAX)),
            (
                "SET a 1 EX 0",
                Reply::error("ERR invalid expire time in 'set' command"),
            ),
            ("INCRBY a 40", Reply::Int(42)),
            ("HSET a f 1", Reply::error(WRONG_TYPE)),
            ("HSET h f 1 g 2", Reply::Int(2)),
            ("HINCRBY h f 4", Reply::Int(5)),
            ("HDEL h f g x", Reply::Int(2)),
            ("EXISTS h a a", Reply::Int(2)),
            ("SET a x", Reply::OK),
            ("INCR a", Reply::error(NOT_AN_INTEGER)),
            ("TTL a", Reply::Int(-1)),
            ("EXPIRE a 100", Reply::Int(1)),
            ("TTL a", Reply::Int(100)),
            ("SET a y KEEPTTL", Reply::OK),
            ("TTL a", Reply::Int(100)),
            ("EXPIRE a -1", Reply::Int(1)),
            ("TTL a", Reply::Int(-2)),
            (
                "GET",
                Reply::error("ERR wrong number of arguments for 'get' command"),
            ),
            (
                "NOPE x",
                Reply::error("ERR unknown command 'NOPE', with args beginning with: 'x' "),
            ),
        ] {
            assert_eq!(play(&mut keys, line), expected, "{line}");
        }
    }
}
