//! String literals: Go's escapes in double and single quotes, none in back quotes.

/// The text of a literal, quotes taken off.
pub(super) fn unquote(literal: &str) -> Result<String, String> {
    let mut chars = literal.chars();
    let quote = chars.next().unwrap_or('"');
    let body = literal
        .get(1..literal.len().saturating_sub(1))
        .unwrap_or_default();
    if quote == '`' {
        return Ok(body.to_owned());
    }
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body.chars();
    while let Some(c) = rest.next() {
        if c == '\\' {
            escape(&mut rest, quote, &mut bytes)?;
        } else {
            bytes.extend(c.encode_utf8(&mut [0; 4]).bytes());
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn escape(rest: &mut std::str::Chars<'_>, quote: char, out: &mut Vec<u8>) -> Result<(), String> {
    let c = rest.next().ok_or("escape sequence not terminated")?;
    let simple = match c {
        'a' => Some(7),
        'b' => Some(8),
        'f' => Some(12),
        'n' => Some(b'\n'),
        'r' => Some(b'\r'),
        't' => Some(b'\t'),
        'v' => Some(11),
        '\\' => Some(b'\\'),
        c if c == quote => u8::try_from(c).ok(),
        _ => None,
    };
    if let Some(byte) = simple {
        out.push(byte);
        return Ok(());
    }
    let (count, radix) = match c {
        'x' => (2, 16),
        'u' => (4, 16),
        'U' => (8, 16),
        '0'..='7' => (2, 8),
        _ => {
            return Err(format!("unknown escape sequence U+{:04X} {c:?}", c as u32));
        }
    };
    let mut value = if radix == 8 {
        c.to_digit(8).unwrap_or(0)
    } else {
        0
    };
    for _ in 0..count {
        let digit = rest.next().ok_or("escape sequence not terminated")?;
        let digit_value = digit.to_digit(radix).ok_or_else(|| {
            format!(
                "illegal character U+{:04X} {digit:?} in escape sequence",
                digit as u32
            )
        })?;
        value = value * radix + digit_value;
    }
    if matches!(c, 'u' | 'U') {
        let point =
            char::from_u32(value).ok_or("escape sequence is an invalid Unicode code point")?;
        out.extend(point.encode_utf8(&mut [0; 4]).bytes());
    } else {
        let byte =
            u8::try_from(value).map_err(|_| "escape sequence is an invalid Unicode code point")?;
        out.push(byte);
    }
    Ok(())
}
