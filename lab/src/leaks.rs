//! The leak check: nothing within a responder's reach may name the fault, the
//! scenario, or the lab's tools. The answer has to be found, not read.
//!
//! Reached is what a responder's kubeconfig and the telemetry APIs show, and
//! the files and processes of the lab's state directory. Not searched are the
//! two files that only the lab may read (mode 0600, which is checked).

mod cluster;
mod local;
mod telemetry;

use serde::Serialize;
use serde_json::Value;

use crate::error::LabError;
use crate::platform::Platform;

pub(crate) use cluster::in_cluster;
pub(crate) use local::in_files;
pub(crate) use telemetry::in_telemetry;

/// Tools of the lab, and what they do: never to be seen from outside.
const TOOLS: [&str; 13] = [
    "chaos",
    "inject",
    "injected",
    "injection",
    "injections",
    "injector",
    "toxic",
    "toxics",
    "toxiproxy",
    "hook",
    "hooks",
    "fault",
    "faults",
];

/// Kinds of faults that are also plain words of logs, metrics and manuals. They
/// are a find only where nothing else stands beside them: as a name or a value.
const PLAIN: [&str; 10] = [
    "autoscaler",
    "crash",
    "flood",
    "freeze",
    "hang",
    "latency",
    "noise",
    "refuse",
    "reset",
    "starve",
];

/// What may be there all the same, and why.
const ALLOWED: [(&str, &str); 3] = [
    (
        "default fault domain",
        "the scheduler's own word in Kubernetes' messages",
    ),
    (
        "segmentation fault",
        "the C library's word for SIGSEGV in the last words of a process",
    ),
    ("page fault", "the kernel's word in process statistics"),
];

/// Something of the answer that a responder can read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Leak {
    /// What it gives away: a word, or that it is the key.
    pub(crate) word: String,
    /// Where: an API object, a stream, a file.
    pub(crate) place: String,
    /// The text around it.
    pub(crate) text: String,
}

/// The words that must not be found.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    /// As part of any text, at word boundaries.
    anywhere: Vec<String>,
    /// As a whole name or value.
    alone: Vec<String>,
    /// As part of any text.
    key: String,
}

impl Words {
    /// The `kinds` of faults, the names of `scenarios`, the lab's tools, and
    /// its `key`.
    pub(crate) fn new<'w>(
        kinds: impl Iterator<Item = &'w str>,
        scenarios: impl Iterator<Item = &'w str>,
        key: &str,
    ) -> Self {
        let (alone, kinds): (Vec<&str>, Vec<&str>) = kinds.partition(|kind| PLAIN.contains(kind));
        let snake = kinds.iter().map(|kind| kind.replace('-', "_"));
        let mut anywhere: Vec<String> = snake.collect();
        anywhere.extend(kinds.iter().chain(&TOOLS).map(|word| (*word).to_owned()));
        anywhere.extend(scenarios.map(str::to_owned));
        anywhere.sort();
        anywhere.dedup();
        Self {
            anywhere,
            alone: alone.into_iter().map(str::to_owned).collect(),
            key: key.to_owned(),
        }
    }

    /// What `text` gives away, if anything. `text` is one name or one value.
    fn given_away(&self, text: &str) -> Option<&str> {
        if text.contains(&self.key) {
            return Some("the lab's key");
        }
        let lower = without_allowed(text);
        let alone = self.alone.iter().find(|word| is_alone(&lower, word));
        alone
            .or_else(|| self.anywhere.iter().find(|word| stands_in(&lower, word)))
            .map(String::as_str)
    }

    /// Searches `text` at `place`.
    pub(crate) fn search(&self, place: &str, text: &str, leaks: &mut Vec<Leak>) {
        let Some(word) = self.given_away(text) else {
            return;
        };
        leaks.push(Leak {
            word: word.to_owned(),
            place: place.to_owned(),
            text: around(text, word),
        });
    }

    /// Searches every key and every text of `value`.
    pub(crate) fn search_json(&self, place: &str, value: &Value, leaks: &mut Vec<Leak>) {
        match value {
            Value::String(text) => match serde_json::from_str::<Value>(text) {
                // A log line, or what `kubectl apply` keeps: JSON within a text.
                Ok(inner @ (Value::Object(_) | Value::Array(_))) => {
                    self.search_json(place, &inner, leaks);
                }
                _ => self.search(place, text, leaks),
            },
            Value::Array(items) => {
                for item in items {
                    self.search_json(place, item, leaks);
                }
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.search(place, key, leaks);
                    self.search_json(&format!("{place}.{key}"), value, leaks);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// What a responder reaches of one lab.
#[derive(Debug)]
pub(crate) struct Reach {
    http: reqwest::Client,
    /// The API server, and a responder's token to it.
    api: (String, String),
    backends: ::telemetry::Backends,
}

impl Reach {
    /// What a responder reaches on `platform`.
    pub(crate) fn of(platform: &Platform) -> Result<Self, LabError> {
        let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(20));
        Ok(Self {
            http: client.build().map_err(|error| failed(&error))?,
            api: platform.api_of_responder(),
            backends: platform.backends(),
        })
    }

    /// What `url` answers; `None` where a responder gets no answer from it.
    async fn get(&self, url: &str) -> Result<Option<String>, LabError> {
        let answer = self
            .http
            .get(url)
            .bearer_auth(&self.api.1)
            .send()
            .await
            .map_err(|error| failed(&error))?;
        if !answer.status().is_success() {
            return Ok(None);
        }
        answer
            .text()
            .await
            .map(Some)
            .map_err(|error| failed(&error))
    }

    async fn json(&self, url: &str) -> Result<Value, LabError> {
        let text = self.get(url).await?.unwrap_or_default();
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}

fn failed(error: &dyn std::fmt::Display) -> LabError {
    LabError::Platform(format!("the leak check could not read all of it: {error}"))
}

/// In small letters, without what may be there.
fn without_allowed(text: &str) -> String {
    let lower = text.to_lowercase();
    ALLOWED
        .iter()
        .fold(lower, |text, (allowed, _)| text.replace(allowed, ""))
}

/// Whether `text` is `word`, or `word` with a number, as tags are made.
fn is_alone(text: &str, word: &str) -> bool {
    text.trim().strip_prefix(word).is_some_and(|rest| {
        let numbered = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || c == '-');
        rest.is_empty() || rest.starts_with('-') && numbered(rest)
    })
}

/// Whether `word` stands in `text` with nothing of a word beside it.
fn stands_in(text: &str, word: &str) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !letter(before) && !letter(after)
    })
}

/// At most 160 characters of `text`, with `word` in them.
fn around(text: &str, word: &str) -> String {
    let at = text.to_lowercase().find(word).unwrap_or(0);
    let skip = text
        .char_indices()
        .take_while(|(index, _)| *index + 60 < at)
        .count();
    text.chars().skip(skip).take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn words() -> Words {
        let kinds = ["hang", "crash-loop", "blackhole", "latency"];
        Words::new(kinds.into_iter(), ["payment-hangs"].into_iter(), "k3y")
    }

    #[test]
    fn the_answer_is_found_and_plain_words_are_not() {
        for (text, word) in [
            ("hang", Some("hang")),
            ("hang-4711-1-2", Some("hang")),
            ("the request seems to hang", None),
            ("front-end-latency", None),
            ("latency", Some("latency")),
            ("crash-loop of orders", Some("crash-loop")),
            ("lab_crash_loop_total", Some("crash_loop")),
            ("CrashLoopBackOff", None),
            ("Chaos: begun", Some("chaos")),
            ("Hooks", Some("hooks")),
            ("fishhook", None),
            ("shop/payment-hangs.yaml", Some("payment-hangs")),
            ("Authorization: k3y", Some("the lab's key")),
            ("a segmentation fault", None),
            ("a fault in payment", Some("fault")),
        ] {
            assert_eq!(words().given_away(text), word, "{text}");
        }
    }

    #[test]
    fn objects_are_searched_by_key_and_value_and_within_texts_that_are_json() {
        let object = json!({
            "metadata": { "annotations": {
                "kept": "{\"spec\":{\"reason\":\"blackhole\"}}",
                "toxic": "no",
            } },
        });
        let mut leaks = Vec::new();
        words().search_json("pod x", &object, &mut leaks);
        let found: Vec<(&str, &str)> = leaks
            .iter()
            .map(|leak| (leak.word.as_str(), leak.place.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("blackhole", "pod x.metadata.annotations.kept.spec.reason"),
                ("toxic", "pod x.metadata.annotations"),
            ]
        );
    }

    #[test]
    fn every_registered_kind_of_fault_is_looked_for() {
        let words = Words::new(
            chaos::specs().iter().map(|spec| spec.kind),
            [].into_iter(),
            "k",
        );
        for spec in chaos::specs() {
            assert!(words.given_away(spec.kind).is_some(), "{}", spec.kind);
        }
    }
}
