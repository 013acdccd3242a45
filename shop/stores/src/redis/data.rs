//! The keys and values, when they expire, and how much memory they take.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;

/// How many databases SELECT can choose from.
pub(super) const DATABASES: usize = 16;
/// What an entry takes besides its key and value, roughly.
const OVERHEAD: u64 = 64;
/// Keys that are compared when one is to be evicted.
const SAMPLE: usize = 16;

/// What a key holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(Bytes),
    Hash(BTreeMap<Bytes, Bytes>),
}

impl Value {
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Hash(_) => "hash",
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Hash(fields) => fields
                .iter()
                .map(|(field, value)| field.len() as u64 + value.len() as u64 + OVERHEAD / 2)
                .sum(),
        }
    }
}

#[derive(Debug)]
struct Entry {
    value: Value,
    /// Milliseconds since 1970.
    expires: Option<u64>,
    /// When it was last used, by the keyspace's own count.
    used: u64,
    size: u64,
}

/// One database.
#[derive(Debug, Default)]
struct Database {
    entries: HashMap<Bytes, Entry>,
}

/// All databases, and what is counted about them.
#[derive(Debug)]
pub(super) struct Keyspace {
    databases: Vec<Database>,
    uses: u64,
    /// Bytes that keys and values take, by estimate.
    pub(super) memory: u64,
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) expired: u64,
    pub(super) evicted: u64,
}

impl Default for Keyspace {
    fn default() -> Self {
        let databases = (0..DATABASES).map(|_| Database::default()).collect();
        Self {
            databases,
            uses: 0,
            memory: 0,
            hits: 0,
            misses: 0,
            expired: 0,
            evicted: 0,
        }
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Keyspace {
    /// A key's value, counted as a hit or a miss.
    pub(super) fn read(&mut self, database: usize, key: &[u8]) -> Option<&Value> {
        self.expire(database, key);
        self.uses += 1;
        let uses = self.uses;
        let found = self.databases[database].entries.get_mut(key);
        match &found {
            Some(_) => self.hits += 1,
            None => self.misses += 1,
        }
        found.map(|entry| {
            entry.used = uses;
            &entry.value
        })
    }

    /// A key's value, not counted.
    pub(super) fn peek(&mut self, database: usize, key: &[u8]) -> Option<&Value> {
        self.expire(database, key);
        self.databases[database]
            .entries
            .get(key)
            .map(|entry| &entry.value)
    }

    /// When a key expires: `None` without the key, `Some(None)` for never.
    pub(super) fn expiry(&mut self, database: usize, key: &[u8]) -> Option<Option<u64>> {
        self.expire(database, key);
        self.databases[database]
            .entries
            .get(key)
            .map(|entry| entry.expires)
    }

    /// Sets a key; the time it expires goes with the old value.
    pub(super) fn write(
        &mut self,
        database: usize,
        key: Bytes,
        value: Value,
        expires: Option<u64>,
    ) {
        self.remove(database, &key);
        self.uses += 1;
        let size = key.len() as u64 + value.size() + OVERHEAD;
        self.memory += size;
        // A copy, so that the key does not keep the whole message in memory.
        let key = Bytes::copy_from_slice(&key);
        self.databases[database].entries.insert(
            key,
            Entry {
                value,
                expires,
                used: self.uses,
                size,
            },
        );
    }

    /// Changes when a key expires; a time that has passed removes it. Whether there was such a key.
    pub(super) fn set_expiry(&mut self, database: usize, key: &[u8], expires: Option<u64>) -> bool {
        self.expire(database, key);
        let Some(entry) = self.databases[database].entries.get_mut(key) else {
            return false;
        };
        entry.expires = expires;
        self.expire(database, key);
        true
    }

    /// Removes a key; whether there was one.
    pub(super) fn remove(&mut self, database: usize, key: &[u8]) -> bool {
        self.expire(database, key);
        self.drop_entry(database, key)
    }

    fn drop_entry(&mut self, database: usize, key: &[u8]) -> bool {
        match self.databases[database].entries.remove(key) {
            Some(entry) => {
                self.memory = self.memory.saturating_sub(entry.size);
                true
            }
            None => false,
        }
    }

    fn expire(&mut self, database: usize, key: &[u8]) {
        let passed = |entry: &Entry| entry.expires.is_some_and(|expires| expires <= now());
        if self.databases[database]
            .entries
            .get(key)
            .is_some_and(passed)
        {
            self.drop_entry(database, key);
            self.expired += 1;
        }
    }

    /// Removes all that has expired.
    pub(super) fn expire_all(&mut self) {
        let now = now();
        for database in 0..DATABASES {
            let gone: Vec<Bytes> = self.databases[database]
                .entries
                .iter()
                .filter(|(_, entry)| entry.expires.is_some_and(|expires| expires <= now))
                .map(|(key, _)| key.clone())
                .collect();
            for key in gone {
                self.drop_entry(database, &key);
                self.expired += 1;
            }
        }
    }

    /// Evicts until at most `bound` bytes are in use; whether that succeeded.
    pub(super) fn evict_to(&mut self, bound: u64) -> bool {
        while self.memory > bound {
            let candidates = self
                .databases
                .iter()
                .enumerate()
                .flat_map(|(at, database)| {
                    database
                        .entries
                        .iter()
                        .take(SAMPLE)
                        .map(move |(key, entry)| (entry.used, at, key.clone()))
                });
            let Some((_, database, key)) = candidates.min() else {
                return false;
            };
            self.drop_entry(database, &key);
            self.evicted += 1;
        }
        true
    }

    pub(super) fn keys(&mut self, database: usize) -> Vec<Bytes> {
        let now = now();
        let live = |entry: &Entry| entry.expires.is_none_or(|expires| expires > now);
        let mut keys: Vec<Bytes> = self.databases[database]
            .entries
            .iter()
            .filter(|(_, entry)| live(entry))
            .map(|(key, _)| key.clone())
            .collect();
        keys.sort();
        keys
    }

    /// Keys in a database, and those among them that expire.
    pub(super) fn size(&self, database: usize) -> (usize, usize) {
        let entries = &self.databases[database].entries;
        (
            entries.len(),
            entries
                .values()
                .filter(|entry| entry.expires.is_some())
                .count(),
        )
    }

    pub(super) fn clear(&mut self, database: Option<usize>) {
        for (at, one) in self.databases.iter_mut().enumerate() {
            if database.is_none_or(|database| database == at) {
                self.memory = self
                    .memory
                    .saturating_sub(one.entries.values().map(|entry| entry.size).sum());
                one.entries.clear();
            }
        }
    }
}

/// Whether a text matches a glob with `*`, `?`, `[a-c]`, `[^x]` and `\`.
pub(super) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // What follows the last `*`, and the text from where it was tried: only the last one has to be
    // tried again, so that no pattern takes exponential time.
    let mut tried: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', rest @ ..] = pattern {
            tried = Some((rest, text));
            pattern = rest;
        } else if pattern.is_empty() && text.is_empty() {
            return true;
        } else if let Some(rest) = one_byte(pattern, text) {
            (pattern, text) = rest;
        } else {
            let Some((rest, [_, later @ ..])) = tried else {
                return false;
            };
            tried = Some((rest, later));
            (pattern, text) = (rest, later);
        }
    }
}

/// What is left of a pattern and a text of which the first byte is as the pattern wants it.
fn one_byte<'a>(pattern: &'a [u8], text: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (first, text) = text.split_first()?;
    match pattern {
        [] => None,
        [b'?', rest @ ..] => Some((rest, text)),
        [b'[', rest @ ..] => {
            let end = rest.iter().position(|byte| *byte == b']')?;
            one_of(&rest[..end], *first).then_some((&rest[end + 1..], text))
        }
        [b'\\', c, rest @ ..] | [c, rest @ ..] => (c == first).then_some((rest, text)),
    }
}

fn one_of(set: &[u8], byte: u8) -> bool {
    let (negated, mut set) = match set {
        [b'^', rest @ ..] => (true, rest),
        set => (false, set),
    };
    let mut found = false;
    while let Some(first) = set.first() {
        if let [from, b'-', to, ..] = set {
            found |= (*from..=*to).contains(&byte);
            set = &set[3..];
        } else {
            found |= *first == byte;
            set = &set[1..];
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back() {
        let mut keys = Keyspace::default();
        keys.write(0, "a".into(), Value::Text("12345".into()), None);
        keys.write(0, "a".into(), Value::Text("1".into()), None);
        keys.write(1, "b".into(), Value::Text("1".into()), Some(1));
        keys.expire_all();
        assert_eq!((keys.memory, keys.expired), (2 + OVERHEAD, 1));
        assert!(keys.evict_to(0));
        assert_eq!((keys.memory, keys.evicted), (0, 1));
    }

    #[test]
    fn globs_match_as_in_redis() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("sess:*", "sess:1", true),
            ("h?llo", "hllo", false),
            ("h[a-e]llo", "hello", true),
            ("h[^e]llo", "hello", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbxc", false),
            ("*[ab", "a", false),
            ("**", "", true),
            ("?", "", false),
        ] {
            assert_eq!(
                glob(pattern.as_bytes(), text.as_bytes()),
                expected,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn no_glob_takes_all_of_the_stack_or_of_time() {
        let text = vec![b'a'; 1 << 20];
        let stars = [b"*a".repeat(50), b"b".to_vec()].concat();
        assert!(!glob(&stars, &text[..1_000]));
        assert!(glob(&text, &text));
        assert!(!glob(&text[1..], &text));
    }
}
