//! The stages that take labels out of lines.

use std::borrow::Cow;

use regex::Regex;

use super::{Hints, Work};
use crate::logs::jsonscan::{self, Value};
use crate::logs::labels::sanitize;
use crate::logs::logql::{PathPart, Pattern, Picked};

/// What stops a parser before the end of the line: it has all that it was to look for.
const ENOUGH: &str = "";

/// Sets a label that was found, under the name that is free for it: one that the stream or its
/// metadata has already is `<name>_extracted`. What was parsed before stays.
fn add(work: &mut Work<'_>, hints: &Hints, key: &str, value: &str) {
    let name = free_name(work, key);
    if !name.is_empty() && hints.wants(&name) && !work.parsed(&name) {
        work.set(&name, value.to_owned());
    }
}

fn free_name<'k>(work: &Work<'_>, key: &'k str) -> Cow<'k, str> {
    if work.clashes(key) {
        Cow::Owned(format!("{key}_extracted"))
    } else {
        Cow::Borrowed(key)
    }
}

/// The line by itself, so that a parser can change the labels while it reads.
fn own_line<'a>(work: &Work<'a>) -> Cow<'a, str> {
    work.line.clone()
}

pub(super) fn json(picked: &[Picked], work: &mut Work<'_>, hints: &Hints) {
    if work.satisfies(hints) {
        return;
    }
    let line = own_line(work);
    if !picked.is_empty() {
        return json_picked(&line, picked, work);
    }
    match json_object(&line, "", work, hints) {
        Ok(()) | Err(ENOUGH) => {}
        Err(message) => work.fail("JSONParserErr", message),
    }
}

/// Takes all members of an object; those of objects within get their path as prefix.
fn json_object(
    text: &str,
    prefix: &str,
    work: &mut Work<'_>,
    hints: &Hints,
) -> Result<(), &'static str> {
    jsonscan::object(text, &mut |key, value| {
        let key = sanitize(&jsonscan::unescape(key));
        let name = if prefix.is_empty() {
            key
        } else {
            format!("{prefix}_{key}")
        };
        match value {
            Value::Object(inner) => {
                let sought = hints.required.is_empty()
                    || hints
                        .required
                        .iter()
                        .any(|wanted| wanted.starts_with(&name));
                if sought {
                    json_object(inner, &name, work, hints)?;
                }
            }
            Value::Text(text) => add(work, hints, &name, &jsonscan::unescape(text)),
            Value::Plain(text) => add(work, hints, &name, text),
            Value::Null | Value::Array(_) => {}
        }
        if work.satisfies(hints) {
            return Err(ENOUGH);
        }
        Ok(true)
    })
}

fn json_picked(line: &str, picked: &[Picked], work: &mut Work<'_>) {
    match line.as_bytes().first() {
        None => return,
        Some(b'"' | b'{' | b'[') => {}
        Some(_) => return work.fail("JSONParserErr", ""),
    }
    for pick in picked {
        if let Some(value) = walk(line, &pick.path) {
            let text = match value {
                Value::Text(text) => jsonscan::unescape(text),
                Value::Plain(text) | Value::Object(text) | Value::Array(text) => text.to_owned(),
                Value::Null => String::new(),
            };
            let name = free_name(work, &pick.name).into_owned();
            work.set(&name, text);
        } else if work.get(&pick.name).is_none() {
            work.set(&pick.name, String::new());
        }
    }
}

fn walk<'a>(line: &'a str, path: &[PathPart]) -> Option<Value<'a>> {
    let mut at = match line.as_bytes().first() {
        Some(b'[') => Value::Array(line),
        _ => Value::Object(line),
    };
    for part in path {
        at = match (part, at) {
            (PathPart::Key(name), Value::Object(text)) => {
                let mut hit = None;
                // What stands before a break is found.
                let _ = jsonscan::object(text, &mut |key, value| {
                    if jsonscan::unescape(key) == *name {
                        hit = Some(value);
                    }
                    Ok(hit.is_none())
                });
                hit?
            }
            (PathPart::Index(index), Value::Array(text)) => *jsonscan::items(text).get(*index)?,
            _ => return None,
        };
    }
    Some(at)
}

pub(super) fn logfmt(
    strict: bool,
    keep_empty: bool,
    picked: &[Picked],
    work: &mut Work<'_>,
    hints: &Hints,
) {
    if work.satisfies(hints) {
        return;
    }
    let line = own_line(work);
    for pick in picked {
        if !work.clashes(&pick.name) {
            work.set(&pick.name, String::new());
        }
    }
    let mut pairs = Logfmt::new(&line);
    while let Some(pair) = pairs.pair() {
        let (key, value) = match pair {
            Ok(pair) => pair,
            Err(message) => {
                if strict {
                    work.fail("LogfmtParserErr", message);
                    return;
                }
                continue;
            }
        };
        // A broken character would not be a label's value.
        let value = if value.contains('\u{fffd}') {
            Cow::Borrowed("")
        } else {
            value
        };
        let key = sanitize(key);
        if !picked.is_empty() {
            for pick in picked.iter().filter(|pick| pick.source == key) {
                let name = free_name(work, &pick.name).into_owned();
                work.set(&name, value.clone().into_owned());
            }
        } else if keep_empty || !value.is_empty() {
            add(work, hints, &key, &value);
        }
        if work.satisfies(hints) {
            return;
        }
    }
}

/// Reads `key=value key2="va lue" bare`.
pub(crate) struct Logfmt<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Logfmt<'a> {
    /// At the start of a line.
    pub(crate) const fn new(line: &'a str) -> Self {
        Self { line, at: 0 }
    }

    /// The next key and its value, or what is wrong with it.
    pub(crate) fn pair(&mut self) -> Option<Result<(&'a str, Cow<'a, str>), String>> {
        let rest = &self.line[self.at..];
        let start = self.at + rest.find(|c: char| c > ' ')?;
        let bytes = self.line.as_bytes();
        let mut at = start;
        while at < bytes.len() && bytes[at] > b' ' && bytes[at] != b'=' && bytes[at] != b'"' {
            at += 1;
        }
        if at < bytes.len() && (bytes[at] == b'"' || (bytes[at] == b'=' && at == start)) {
            let sign = char::from(bytes[at]);
            self.skip_word(at + 1);
            return Some(Err(format!(
                "logfmt syntax error at pos {} on line 1: unexpected '{sign}'",
                at + 1
            )));
        }
        let key = &self.line[start..at];
        if bytes.get(at) != Some(&b'=') {
            self.at = at;
            return Some(Ok((key, Cow::Borrowed(""))));
        }
        at += 1;
        if bytes.get(at) == Some(&b'"') {
            let mut end = at + 1;
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            if end >= bytes.len() {
                self.at = bytes.len();
                return Some(Err(format!(
                    "logfmt syntax error at pos {} on line 1: unterminated quoted value",
                    bytes.len() + 1
                )));
            }
            self.at = end + 1;
            let inner = &self.line[at + 1..end];
            return Some(Ok((key, unquote(inner))));
        }
        let begin = at;
        while at < bytes.len() && bytes[at] > b' ' {
            if bytes[at] == b'=' || bytes[at] == b'"' {
                let sign = char::from(bytes[at]);
                self.skip_word(at + 1);
                return Some(Err(format!(
                    "logfmt syntax error at pos {} on line 1: unexpected '{sign}'",
                    at + 1
                )));
            }
            at += 1;
        }
        self.at = at;
        Some(Ok((key, Cow::Borrowed(&self.line[begin..at]))))
    }

    fn skip_word(&mut self, from: usize) {
        let bytes = self.line.as_bytes();
        let mut at = from;
        while at < bytes.len() && bytes[at] > b' ' {
            at += 1;
        }
        self.at = at;
    }
}

fn unquote(inner: &str) -> Cow<'_, str> {
    if inner.contains('\\') {
        Cow::Owned(jsonscan::unescape(inner))
    } else {
        Cow::Borrowed(inner)
    }
}

pub(super) fn regexp(regex: &Regex, work: &mut Work<'_>, hints: &Hints) {
    let line = own_line(work);
    let Some(captures) = regex.captures(&line) else {
        return;
    };
    for name in regex.capture_names().flatten() {
        let value = captures.name(name).map_or("", |m| m.as_str());
        add(work, hints, &sanitize(name), value);
    }
}

pub(super) fn pattern(pattern: &Pattern, work: &mut Work<'_>, hints: &Hints) {
    if work.satisfies(hints) {
        return;
    }
    let line = own_line(work);
    for (name, value) in pattern.captures(&line) {
        add(work, hints, name, value);
    }
}

/// Undoes Promtail's `pack`: members become labels, `_entry` becomes the line.
pub(super) fn unpack(work: &mut Work<'_>, hints: &Hints) {
    if work.line.is_empty() || work.satisfies(hints) {
        return;
    }
    let line = own_line(work);
    if !line.starts_with('{') {
        return work.fail("JSONParserErr", "expecting json object(6), but it is not");
    }
    let mut found = Vec::new();
    let mut entry = None;
    let outcome = jsonscan::object(&line, &mut |key, value| {
        if let Value::Text(text) = value {
            let text = jsonscan::unescape(text);
            if key == "_entry" {
                entry = Some(text);
            } else {
                found.push((sanitize(&jsonscan::unescape(key)), text));
            }
        }
        Ok(true)
    });
    if let Err(message) = outcome {
        return work.fail("JSONParserErr", message);
    }
    // Only a packed line is unpacked.
    let Some(entry) = entry else { return };
    for (key, value) in found {
        add(work, hints, &key, &value);
    }
    work.line = entry.into();
}
