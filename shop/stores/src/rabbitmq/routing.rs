//! Exchanges: where a message goes by its routing key.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How an exchange compares routing keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Direct,
    Fanout,
    Topic,
}

impl Kind {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "direct" => Some(Self::Direct),
            "fanout" => Some(Self::Fanout),
            "topic" => Some(Self::Topic),
            _ => None,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::Topic => "topic",
        }
    }
}

/// One exchange and its bindings.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) kind: Kind,
    pub(super) durable: bool,
    pub(super) auto_delete: bool,
    /// Pairs of routing key and queue.
    pub(super) bindings: BTreeSet<(String, String)>,
}

impl Exchange {
    pub(super) fn new(kind: Kind, durable: bool, auto_delete: bool) -> Self {
        Self {
            kind,
            durable,
            auto_delete,
            bindings: BTreeSet::new(),
        }
    }

    /// The queues that a message goes to, each once.
    pub(super) fn route(&self, key: &str) -> BTreeSet<&str> {
        let takes = |pattern: &str| match self.kind {
            Kind::Direct => pattern == key,
            Kind::Fanout => true,
            Kind::Topic => topic(pattern, key),
        };
        self.bindings
            .iter()
            .filter(|(pattern, _)| takes(pattern))
            .map(|(_, queue)| queue.as_str())
            .collect()
    }
}

/// Whether a key such as `stock.eur.nyse` matches a pattern: `*` stands for one word, `#` for any number.
fn topic(pattern: &str, key: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('.').collect();
    let key: Vec<&str> = match key {
        "" => Vec::new(),
        key => key.split('.').collect(),
    };
    let (mut pattern, mut key) = (pattern.as_slice(), key.as_slice());
    // What follows the last `#`, and the words from where it was tried: only the last one has to be
    // tried again, so that no pattern takes exponential time.
    let mut tried: Option<(&[&str], &[&str])> = None;
    loop {
        match (pattern, key) {
            ([], []) => return true,
            (["#", rest @ ..], _) => {
                tried = Some((rest, key));
                pattern = rest;
            }
            ([wanted, rest @ ..], [word, later @ ..]) if *wanted == "*" || wanted == word => {
                (pattern, key) = (rest, later);
            }
            _ => {
                let Some((rest, [_, later @ ..])) = tried else {
                    return false;
                };
                tried = Some((rest, later));
                (pattern, key) = (rest, later);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_match_words() {
        for (pattern, key, expected) in [
            ("shipping.*", "shipping.task", true),
            ("shipping.*", "shipping.task.done", false),
            ("#", "", true),
            ("shipping.#", "shipping", true),
            ("#.done", "shipping.task.done", true),
            ("*.done", "done", false),
            ("#.a.#.b", "x.a.y.a.b", true),
            ("#.a.#.b", "x.a.y.b.c", false),
            ("#.#", "", true),
        ] {
            assert_eq!(topic(pattern, key), expected, "{pattern} {key}");
        }
        // As many words as a routing key can have.
        let (pattern, key) = ("#.a.".repeat(40) + "b", vec!["a"; 128].join("."));
        assert!(!topic(&pattern, &key));
    }

    #[test]
    fn a_queue_gets_a_message_once() {
        let mut exchange = Exchange::new(Kind::Fanout, false, false);
        exchange.bindings.extend([
            ("a".to_owned(), "q".to_owned()),
            ("b".to_owned(), "q".to_owned()),
        ]);
        assert_eq!(exchange.route("any").len(), 1);
    }
}
