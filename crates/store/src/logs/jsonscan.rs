//! Reads JSON lines member by member, so that broken lines give what stands before the break.

use std::borrow::Cow;

/// A value where it stands in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// A text, still with its escapes.
    Text(&'a str),
    /// A number or a boolean, as written.
    Plain(&'a str),
    /// `null`.
    Null,
    /// An object, as written.
    Object(&'a str),
    /// An array, as written.
    Array(&'a str),
}

const OBJECT: &str = "Value looks like object, but can't find closing '}' symbol";
const ARRAY: &str = "Value is array, but can't find closing ']' symbol";
const STRING: &str = "Value is string, but can't find closing '\"' symbol";
const MALFORMED: &str = "Malformed JSON error";
const UNKNOWN: &str = "Unknown value type";

/// Calls `each` with every member of the object in `text`; stops when it says `false`.
///
/// # Errors
/// What is wrong with the text, in the words that Loki shows.
pub(crate) fn object<'a>(
    text: &'a str,
    each: &mut dyn FnMut(&'a str, Value<'a>) -> Result<bool, &'static str>,
) -> Result<(), &'static str> {
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return Err(MALFORMED);
    }
    rest = rest.strip_prefix('{').ok_or(OBJECT)?.trim_start();
    if rest.starts_with('}') {
        return Ok(());
    }
    loop {
        if !rest.starts_with('"') {
            return Err(if rest.is_empty() { ARRAY } else { OBJECT });
        }
        let (key, after) = string(rest)?;
        rest = after
            .trim_start()
            .strip_prefix(':')
            .ok_or(MALFORMED)?
            .trim_start();
        let (found, after) = value(rest)?;
        if !each(key, found)? {
            return Ok(());
        }
        rest = after.trim_start();
        if rest.starts_with('}') {
            return Ok(());
        }
        rest = rest.strip_prefix(',').ok_or(OBJECT)?.trim_start();
    }
}

/// The items of the array in `text`, as far as they are whole.
pub(crate) fn items(text: &str) -> Vec<Value<'_>> {
    let mut out = Vec::new();
    let Some(mut rest) = text.trim_start().strip_prefix('[') else {
        return out;
    };
    while let Ok((found, after)) = value(rest.trim_start()) {
        out.push(found);
        match after.trim_start().strip_prefix(',') {
            Some(next) => rest = next,
            None => break,
        }
    }
    out
}

/// Reads a text in quotes; gives its inside and what follows.
fn string(text: &str) -> Result<(&str, &str), &'static str> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return Ok((&text[1..at], &text[at + 1..])),
            _ => at += 1,
        }
    }
    Err(STRING)
}

fn value(text: &str) -> Result<(Value<'_>, &str), &'static str> {
    match text.as_bytes().first() {
        Some(b'"') => string(text).map(|(inner, after)| (Value::Text(inner), after)),
        Some(b'{') => {
            let end = block(text, b'{', b'}').ok_or(OBJECT)?;
            Ok((Value::Object(&text[..end]), &text[end..]))
        }
        Some(b'[') => {
            let end = block(text, b'[', b']').ok_or(ARRAY)?;
            Ok((Value::Array(&text[..end]), &text[end..]))
        }
        None => Err(MALFORMED),
        Some(_) => {
            let end = text
                .find(|c: char| c == ',' || c == '}' || c == ']' || c.is_whitespace())
                .unwrap_or(text.len());
            let word = &text[..end];
            let found = match word {
                "null" => Value::Null,
                "true" | "false" => Value::Plain(word),
                _ if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                    Value::Plain(word)
                }
                _ => return Err(UNKNOWN),
            };
            Ok((found, &text[end..]))
        }
    }
}

/// Where the block that begins `text` ends.
fn block(text: &str, open: u8, close: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == b'"' {
            let (_, after) = string(&text[at..]).ok()?;
            at = text.len() - after.len();
            continue;
        }
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(at + 1);
            }
        }
        at += 1;
    }
    None
}

/// The text without its escapes; nothing if one of them is none, or is no character.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') && !text.contains('\u{fffd}') {
        return Cow::Borrowed(text);
    }
    unescaped(text)
        .filter(|text| !text.contains('\u{fffd}'))
        .map_or(Cow::Borrowed(""), Cow::Owned)
}

fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escape = rest[at + 1..].chars().next()?;
        let mut used = at + 2;
        out.push(match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let high = hex(&rest[used..])?;
                used += 4;
                let mut code = high;
                if (0xd800..0xdc00).contains(&high) {
                    let low = hex(rest[used..].strip_prefix("\\u")?)?;
                    used += 6;
                    code = 0x10000 + ((high - 0xd800) << 10) + low.checked_sub(0xdc00)?;
                }
                char::from_u32(code)?
            }
            _ => return None,
        });
        rest = rest.get(used..)?;
    }
    out.push_str(rest);
    Some(out)
}

fn hex(text: &str) -> Option<u32> {
    u32::from_str_radix(text.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_before_a_break_are_given_and_the_break_is_named() {
        for (text, members, error) in [
            (r#"{"a":1,"b":"x"}"#, 2, None),
            (r#"{"a":{"b":[1,"}"]},"c":null}"#, 2, None),
            (r#"{"a":1,"#, 1, Some(ARRAY)),
            ("not json", 0, Some(OBJECT)),
            (r#"{"a":"x"#, 0, Some(STRING)),
            ("{}", 0, None),
        ] {
            let mut count = 0;
            let result = object(text, &mut |_, _| {
                count += 1;
                Ok(true)
            });
            assert_eq!((count, result.err()), (members, error), "{text}");
        }
    }
}
