//! The stages that take labels out of lines.

use std::borrow::Cow;

use regex::Regex;

use super::work::{Keep, into_owned};
use super::{Hints, Work};
use crate::logs::jsonscan::{self, Value};
use crate::logs::labels::sanitize;
use crate::logs::logql::{PathPart, Pattern, Picked};

/// What stops a parser before the end of the line: it has all that it was to look for.
const ENOUGH: &str = "";

/// Sets a label that was found, under the name that is free for it: one that the stream or its
/// metadata has already is `<name>_extracted`. What was parsed before stays. Says whether the
/// label is new.
fn add<'l, 'a>(
    work: &mut Work<'a>,
    hints: &Hints,
    key: Cow<'l, str>,
    value: Cow<'l, str>,
    keep: Keep<'l, 'a>,
) -> bool {
    // Where a `<name>_extracted` is wanted, so is the name.
    if !hints.wants(&key) {
        return false;
    }
    let name = free_name(work, key);
    if name.is_empty() || !hints.wants(&name) || work.parsed(&name) {
        return false;
    }
    work.put(name, value, keep);
    true
}

fn free_name<'k>(work: &Work<'_>, key: Cow<'k, str>) -> Cow<'k, str> {
    if work.clashes(&key) {
        Cow::Owned(format!("{key}_extracted"))
    } else {
        key
    }
}

/// The text of a line for a parser, which changes the labels while it reads. Labels point into
/// a line that was not changed yet; of another one they hold copies.
macro_rules! read {
    ($work:ident, |$line:ident, $keep:ident| $read:expr) => {
        match $work.line.clone() {
            Cow::Borrowed($line) => {
                let $keep: Keep<'_, '_> = |text| text;
                $read
            }
            Cow::Owned(line) => {
                let ($line, $keep): (&str, Keep<'_, '_>) = (&line, into_owned);
                $read
            }
        }
    };
}

pub(super) fn json(picked: &[Picked], work: &mut Work<'_>, hints: &Hints) {
    if work.satisfies(hints) {
        return;
    }
    if !picked.is_empty() {
        let line = work.line.clone();
        return json_picked(&line, picked, work);
    }
    let outcome = read!(work, |line, keep| json_object(line, "", work, hints, keep));
    match outcome {
        Ok(()) | Err(ENOUGH) => {}
        Err(message) => work.fail("JSONParserErr", message),
    }
}

/// Takes all members of an object; those of objects within get their path as prefix.
fn json_object<'l, 'a>(
    text: &'l str,
    prefix: &str,
    work: &mut Work<'a>,
    hints: &Hints,
    keep: Keep<'l, 'a>,
) -> Result<(), &'static str> {
    jsonscan::object(text, &mut |key, value| {
        let name = match jsonscan::unescape(key) {
            Cow::Borrowed(key) => sanitize(key),
            Cow::Owned(key) => Cow::Owned(sanitize(&key).into_owned()),
        };
        let name = if prefix.is_empty() {
            name
        } else {
            Cow::Owned(format!("{prefix}_{name}"))
        };
        let value = match value {
            Value::Object(inner) => {
                let sought = hints.required.is_empty()
                    || hints
                        .required
                        .iter()
                        .any(|wanted| wanted.starts_with(&*name));
                if sought {
                    json_object(inner, &name, work, hints, keep)?;
                }
                return Ok(true);
            }
            Value::Text(text) if hints.wants(&name) => jsonscan::unescape(text),
            Value::Plain(text) => Cow::Borrowed(text),
            Value::Text(_) | Value::Null | Value::Array(_) => return Ok(true),
        };
        if add(work, hints, name, value, keep) && work.satisfies(hints) {
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
                Value::Text(text) => jsonscan::unescape(text).into_owned(),
                Value::Plain(text) | Value::Object(text) | Value::Array(text) => text.to_owned(),
                Value::Null => String::new(),
            };
            let name = free_name(work, Cow::Borrowed(pick.name.as_str()));
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
    let outcome = if picked.is_empty() {
        read!(work, |line, keep| {
            logfmt_all(line, strict, keep_empty, work, hints, keep)
        })
    } else {
        let line = work.line.clone();
        logfmt_picked(&line, strict, picked, work, hints)
    };
    if let Err(message) = outcome {
        work.fail("LogfmtParserErr", message);
    }
}

fn logfmt_all<'l, 'a>(
    line: &'l str,
    strict: bool,
    keep_empty: bool,
    work: &mut Work<'a>,
    hints: &Hints,
    keep: Keep<'l, 'a>,
) -> Result<(), String> {
    let mut pairs = Logfmt::new(line);
    while let Some(pair) = pairs.pair() {
        let (key, value) = match pair {
            Ok(pair) => pair,
            Err(message) if strict => return Err(message),
            Err(_) => continue,
        };
        let key = sanitize(key);
        if !hints.wants(&key) {
            continue;
        }
        let value = whole(value);
        if (keep_empty || !value.is_empty())
            && add(work, hints, key, value, keep)
            && work.satisfies(hints)
        {
            break;
        }
    }
    Ok(())
}

fn logfmt_picked(
    line: &str,
    strict: bool,
    picked: &[Picked],
    work: &mut Work<'_>,
    hints: &Hints,
) -> Result<(), String> {
    for pick in picked {
        if !work.clashes(&pick.name) {
            work.set(&pick.name, String::new());
        }
    }
    let mut pairs = Logfmt::new(line);
    while let Some(pair) = pairs.pair() {
        let (key, value) = match pair {
            Ok(pair) => pair,
            Err(message) if strict => return Err(message),
            Err(_) => continue,
        };
        let key = sanitize(key);
        for pick in picked.iter().filter(|pick| pick.source == key) {
            let name = free_name(work, Cow::Borrowed(pick.name.as_str()));
            work.set(&name, whole(value.clone()).into_owned());
        }
        if work.satisfies(hints) {
            break;
        }
    }
    Ok(())
}

/// A value, unless it has a broken character: that would not be a label's value.
fn whole(value: Cow<'_, str>) -> Cow<'_, str> {
    if value.contains('\u{fffd}') {
        Cow::Borrowed("")
    } else {
        value
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
        let bytes = self.line.as_bytes();
        let start = self.at + bytes[self.at..].iter().position(|byte| *byte > b' ')?;
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
        jsonscan::unescape(inner)
    } else {
        Cow::Borrowed(inner)
    }
}

pub(super) fn regexp(regex: &Regex, work: &mut Work<'_>, hints: &Hints) {
    read!(work, |line, keep| {
        let Some(captures) = regex.captures(line) else {
            return;
        };
        for name in regex.capture_names().flatten() {
            let value = captures.name(name).map_or("", |m| m.as_str());
            let name = sanitize(name);
            if hints.wants(&name) {
                add(work, hints, into_owned(name), Cow::Borrowed(value), keep);
            }
        }
    });
}

pub(super) fn pattern(pattern: &Pattern, work: &mut Work<'_>, hints: &Hints) {
    if work.satisfies(hints) {
        return;
    }
    read!(work, |line, keep| {
        for (name, value) in pattern.captures(line) {
            if hints.wants(name) {
                let name = Cow::Owned(name.to_owned());
                add(work, hints, name, Cow::Borrowed(value), keep);
            }
        }
    });
}

/// Undoes Promtail's `pack`: members become labels, `_entry` becomes the line.
pub(super) fn unpack(work: &mut Work<'_>, hints: &Hints) {
    if work.line.is_empty() || work.satisfies(hints) {
        return;
    }
    let line = work.line.clone();
    if !line.starts_with('{') {
        return work.fail("JSONParserErr", "expecting json object(6), but it is not");
    }
    let mut found = Vec::new();
    let mut entry = None;
    let outcome = jsonscan::object(&line, &mut |key, value| {
        if let Value::Text(text) = value {
            let text = jsonscan::unescape(text);
            if key == "_entry" {
                entry = Some(text.into_owned());
            } else {
                let name = sanitize(&jsonscan::unescape(key)).into_owned();
                found.push((name, text));
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
        add(work, hints, key.into(), value, into_owned);
    }
    work.line = entry.into();
}
