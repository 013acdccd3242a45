//! Splits lines into words, by what they look like, and puts words together again.

use crate::logs::jsonscan::{self, Value};
use crate::logs::pipeline::Logfmt;

/// What stands for a word that varies.
pub(super) const PARAM: &str = "<_>";

/// Lines with fewer words have no pattern.
const MIN_WORDS: usize = 4;
/// Nor have lines with more.
const MAX_WORDS: usize = 80;
/// Nor have longer lines, in bytes.
const MAX_LINE: usize = 3000;

/// Members of JSON lines that hold the message.
const MESSAGES: [&str; 6] = ["log", "message", "msg", "msg_", "_msg", "content"];

/// What a line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// An object of JSON: its message counts.
    Json,
    /// Keys and values.
    Logfmt,
    /// Anything else.
    Plain,
}

/// The words of a line.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    shape: Shape,
    /// Words and signs; of logfmt, keys and values by turns.
    pub words: Vec<String>,
    /// Which words spaces follow, one item for each space.
    spaces: Vec<usize>,
}

impl Shape {
    /// The shape of a line.
    pub(super) fn of(line: &str) -> Self {
        let trimmed = line.trim();
        if trimmed.starts_with('{') && trimmed.ends_with('}') {
            return Self::Json;
        }
        let words = line.split_whitespace().count();
        let pairs = line.matches('=').count();
        if pairs > 0 && pairs * 2 >= words && is_logfmt(line) {
            Self::Logfmt
        } else {
            Self::Plain
        }
    }

    /// The words of a line, if it is one that may have a pattern.
    pub(super) fn split(self, line: &str) -> Option<Tokens> {
        if line.len() > MAX_LINE {
            return None;
        }
        let (words, spaces) = match self {
            Self::Json => punctuated(&message(line)?),
            Self::Logfmt => (pairs(line), Vec::new()),
            Self::Plain => punctuated(line),
        };
        (MIN_WORDS..=MAX_WORDS)
            .contains(&words.len())
            .then_some(Tokens {
                shape: self,
                words,
                spaces,
            })
    }
}

impl Tokens {
    /// The pattern as a text; what varies side by side is one.
    pub(super) fn join(&self) -> String {
        let mut out = String::new();
        match self.shape {
            Shape::Logfmt => {
                for pair in self.words.chunks(2) {
                    let (key, value) = (pair.first(), pair.get(1));
                    if !out.is_empty() {
                        out.push(' ');
                    }
                    let (Some(key), Some(value)) = (key, value) else {
                        continue;
                    };
                    let quoted = value.contains([' ', '=', '"']);
                    let value = match quoted {
                        true => crate::logs::labels::quote(value),
                        false => value.clone(),
                    };
                    out.push_str(&format!("{key}={value}"));
                }
            }
            Shape::Json | Shape::Plain => {
                let mut spaces = self.spaces.iter().peekable();
                for (at, word) in self.words.iter().enumerate() {
                    out.push_str(word);
                    while spaces.next_if(|space| **space == at).is_some() {
                        out.push(' ');
                    }
                }
            }
        }
        if self.shape == Shape::Json {
            out = format!("{PARAM}{out}{PARAM}");
        }
        let double = format!("{PARAM}{PARAM}");
        while out.contains(&double) {
            out = out.replace(&double, PARAM);
        }
        out
    }
}

fn is_logfmt(line: &str) -> bool {
    let mut pairs = Logfmt::new(line);
    std::iter::from_fn(|| pairs.pair()).all(|pair| pair.is_ok())
}

fn message(line: &str) -> Option<String> {
    let mut found: Option<(usize, String)> = None;
    let _ = jsonscan::object(line, &mut |key, value| {
        if let Value::Text(text) = value
            && let Some(rank) = MESSAGES.iter().position(|name| *name == key)
            && found.as_ref().is_none_or(|(known, _)| rank < *known)
        {
            found = Some((rank, text.to_owned()));
        }
        Ok(true)
    });
    found.map(|(_, text)| text)
}

fn pairs(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut pairs = Logfmt::new(line);
    while let Some(Ok((key, value))) = pairs.pair() {
        let varies = ["ts", "traceid", "time", "timestamp"]
            .iter()
            .any(|name| key.eq_ignore_ascii_case(name))
            || key == "t";
        words.push(key.to_owned());
        words.push(match varies {
            true => PARAM.to_owned(),
            false => value.into_owned(),
        });
    }
    words
}

/// Words, and the signs between them; `_-.:/` belong to words.
fn punctuated(line: &str) -> (Vec<String>, Vec<usize>) {
    let (mut words, mut spaces): (Vec<String>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut word = String::new();
    for c in line.chars() {
        let sign = c == '=' || (c.is_ascii_punctuation() && !"_-.:/$+<>^`|~".contains(c));
        if c != ' ' && !sign {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c == ' ' {
            spaces.push(words.len().saturating_sub(1));
        } else {
            words.push(c.to_string());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    (words, spaces)
}
