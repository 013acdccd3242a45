//! The stages that take labels out of lines.

use regex::Regex;

use super::{Hints, Origin, Work};
use crate::logs::jsonscan::{self, Value};
use crate::logs::labels::sanitize;
use crate::logs::logql::{PathPart, Pattern, Picked};

/// Labels found in one line by one parser.
struct Found<'h> {
    labels: Vec<(String, String)>,
    hints: &'h Hints,
}

impl<'h> Found<'h> {
    const fn new(hints: &'h Hints) -> Self {
        Self {
            labels: Vec::new(),
            hints,
        }
    }

    /// Adds a label under the name that is free for it; the first of one name stays. Says
    /// whether more labels are needed.
    fn add(&mut self, work: &Work<'_>, key: &str, value: String) -> bool {
        let name = free_name(work, key);
        if (self.hints.required.is_empty() || self.hints.required.contains(&name))
            && !self.labels.iter().any(|(known, _)| *known == name)
        {
            self.labels.push((name, value));
        }
        self.hints.required.is_empty()
            || !self
                .hints
                .required
                .iter()
                .all(|wanted| self.labels.iter().any(|(known, _)| known == wanted))
    }

    fn give(self, work: &mut Work<'_>) {
        for (name, value) in self.labels {
            work.set(&name, value);
        }
    }
}

/// A parsed label whose name the stream or its metadata has already is `<name>_extracted`.
fn free_name(work: &Work<'_>, key: &str) -> String {
    match work.origin(key) {
        Some(Origin::Stream | Origin::Metadata) => format!("{key}_extracted"),
        _ => key.to_owned(),
    }
}

pub(super) fn json(picked: &[Picked], work: &mut Work<'_>, hints: &Hints) {
    if hints.none {
        return;
    }
    if !picked.is_empty() {
        return json_picked(picked, work);
    }
    let line = work.line.clone().into_owned();
    let mut found = Found::new(hints);
    let outcome = json_object(&line, "", work, &mut found);
    found.give(work);
    if let Err(message) = outcome {
        work.fail("JSONParserErr", message);
    }
}

/// Takes all members of an object; those of objects within get their path as prefix.
fn json_object(
    text: &str,
    prefix: &str,
    work: &Work<'_>,
    found: &mut Found<'_>,
) -> Result<bool, &'static str> {
    let mut go_on = true;
    jsonscan::object(text, &mut |key, value| {
        let key = sanitize(&jsonscan::unescape(key));
        let name = if prefix.is_empty() {
            key
        } else {
            format!("{prefix}_{key}")
        };
        go_on = match value {
            Value::Object(inner) => json_object(inner, &name, work, found)?,
            Value::Text(text) => found.add(work, &name, jsonscan::unescape(text)),
            Value::Plain(text) => found.add(work, &name, text.to_owned()),
            Value::Null | Value::Array(_) => true,
        };
        Ok(go_on)
    })?;
    Ok(go_on)
}

fn json_picked(picked: &[Picked], work: &mut Work<'_>) {
    let line = work.line.clone().into_owned();
    if jsonscan::object(&line, &mut |_, _| Ok(true)).is_err() && !line.trim().is_empty() {
        work.fail("JSONParserErr", "");
        return;
    }
    for pick in picked {
        let value = walk(&line, &pick.path).map_or_else(String::new, |value| match value {
            Value::Text(text) => jsonscan::unescape(text),
            Value::Plain(text) | Value::Object(text) | Value::Array(text) => text.to_owned(),
            Value::Null => String::new(),
        });
        let name = free_name(work, &pick.name);
        work.set(&name, value);
    }
}

fn walk<'a>(line: &'a str, path: &[PathPart]) -> Option<Value<'a>> {
    let mut at = Value::Object(line);
    for part in path {
        at = match (part, at) {
            (PathPart::Key(name), Value::Object(text)) => {
                let mut hit = None;
                jsonscan::object(text, &mut |key, value| {
                    if jsonscan::unescape(key) == *name {
                        hit = Some(value);
                    }
                    Ok(hit.is_none())
                })
                .ok()?;
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
    if hints.none {
        return;
    }
    let line = work.line.clone().into_owned();
    let mut found = Found::new(hints);
    let mut values: Vec<(&Picked, Option<String>)> =
        picked.iter().map(|pick| (pick, None)).collect();
    let mut rest = Logfmt { line: &line, at: 0 };
    let mut failed = None;
    loop {
        match rest.pair() {
            None => break,
            Some(Err(message)) => {
                if strict {
                    failed = Some(message);
                    break;
                }
            }
            Some(Ok((key, value))) => {
                if !picked.is_empty() {
                    for (pick, hit) in &mut values {
                        if pick.path == [PathPart::Key(key.to_owned())] && hit.is_none() {
                            *hit = Some(value.clone());
                        }
                    }
                } else if (keep_empty || !value.is_empty())
                    && !found.add(work, &sanitize(key), value)
                {
                    break;
                }
            }
        }
    }
    found.give(work);
    for (pick, value) in values {
        let value = value.unwrap_or_default();
        let name = free_name(work, &pick.name);
        if keep_empty || !value.is_empty() || !picked.is_empty() {
            work.set(&name, value);
        }
    }
    if let Some(message) = failed {
        work.fail("LogfmtParserErr", message);
    }
}

/// Reads `key=value key2="va lue" bare`.
struct Logfmt<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Logfmt<'a> {
    fn pair(&mut self) -> Option<Result<(&'a str, String), String>> {
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
            return Some(Ok((key, String::new())));
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
            return Some(Ok((key, jsonscan::unescape(&self.line[at + 1..end]))));
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
        Some(Ok((key, self.line[begin..at].to_owned())))
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

pub(super) fn regexp(regex: &Regex, work: &mut Work<'_>, hints: &Hints) {
    if hints.none {
        return;
    }
    let line = work.line.clone().into_owned();
    let Some(captures) = regex.captures(&line) else {
        return;
    };
    let mut found = Found::new(hints);
    for name in regex.capture_names().flatten() {
        let value = captures.name(name).map_or("", |m| m.as_str());
        if !found.add(work, &sanitize(name), value.to_owned()) {
            break;
        }
    }
    found.give(work);
}

pub(super) fn pattern(pattern: &Pattern, work: &mut Work<'_>, hints: &Hints) {
    if hints.none {
        return;
    }
    let line = work.line.clone().into_owned();
    let mut found = Found::new(hints);
    for (name, value) in pattern.captures(&line) {
        if !found.add(work, name, value.to_owned()) {
            break;
        }
    }
    found.give(work);
}

/// Undoes Promtail's `pack`: members become labels, `_entry` becomes the line.
pub(super) fn unpack(work: &mut Work<'_>, hints: &Hints) {
    if hints.none && !work.line.contains("_entry") {
        return;
    }
    let line = work.line.clone().into_owned();
    let mut found = Vec::new();
    let mut entry = None;
    let outcome = jsonscan::object(&line, &mut |key, value| {
        if let Value::Text(text) = value {
            let text = jsonscan::unescape(text);
            if key == "_entry" {
                entry = Some(text);
            } else {
                found.push((jsonscan::unescape(key), text));
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
        let name = free_name(work, &key);
        work.set(&name, value);
    }
    work.line = entry.into();
}
