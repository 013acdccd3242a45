//! What templates do with texts.

use super::Val;

/// The longest text that a template makes, in bytes. In Go memory is the bound, which here many
/// lines share with all else.
pub(super) const MAX_TEXT: usize = 1 << 20;
/// What is said of a longer one; Go has the words for what memory cannot hold at all.
pub(super) const TOO_LONG: &str = "strings: Repeat output length overflow";
/// The greatest width and precision that Go reads.
const MAX_WIDTH: usize = 1_000_000;
/// The greatest that text is padded to, and the most digits: more are not asked for.
const WIDEST: usize = 10_000;

/// `text`, `count` times.
pub(super) fn repeat(count: i64, text: &str) -> Result<String, String> {
    let count = usize::try_from(count).unwrap_or(0);
    if text.len().saturating_mul(count) > MAX_TEXT {
        return Err(TOO_LONG.to_owned());
    }
    Ok(text.repeat(count))
}

/// `text` with the first `count` places of `from` (all of them, if it is negative) replaced.
pub(super) fn replaced(text: &str, from: &str, to: &str, count: i64) -> Result<String, String> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let places = text.matches(from).take(count).count();
    if places.saturating_mul(to.len()) > MAX_TEXT {
        return Err(TOO_LONG.to_owned());
    }
    Ok(text.replacen(from, to, count))
}

/// A number of a verb's width or precision: nothing where Go does not read on.
fn size(digits: &str) -> Option<usize> {
    if digits.is_empty() {
        return Some(0);
    }
    let number: usize = digits.parse().ok().filter(|n| *n <= MAX_WIDTH)?;
    Some(number.min(WIDEST))
}

pub(super) fn printf(args: &[Val]) -> Result<Val, String> {
    let format = args[0].show();
    let mut rest = args[1..].iter();
    let mut out = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = String::new();
        while let Some(next) = chars.next_if(|c| "-+0 #.".contains(*c) || c.is_ascii_digit()) {
            spec.push(next);
        }
        let (width, precision) = spec.split_once('.').unwrap_or((&spec, ""));
        let sizes = size(width.trim_start_matches(['-', '+', '0', ' ', '#'])).zip(size(precision));
        let (Some(verb), Some((width, digits))) = (chars.next(), sizes) else {
            out.push_str("%!(NOVERB)");
            break;
        };
        let precision = spec.contains('.').then_some(digits);
        if verb == '%' {
            out.push('%');
            continue;
        }
        let Some(value) = rest.next() else {
            out.push_str(&format!("%!{verb}(MISSING)"));
            continue;
        };
        let fits = match verb {
            'd' | 'x' | 'X' | 'b' | 'o' | 'c' => matches!(value, Val::Int(_)),
            'f' | 'F' | 'e' | 'g' => matches!(value, Val::Float(_)),
            't' => matches!(value, Val::Bool(_)),
            's' | 'q' => !matches!(value, Val::Int(_) | Val::Float(_) | Val::Bool(_)),
            _ => true,
        };
        if !fits {
            out.push_str(&format!("%!{verb}({}={})", value.kind(), value.show()));
            continue;
        }
        let body = match verb {
            'd' => value.int().to_string(),
            'f' | 'F' => format!("{:.*}", precision.unwrap_or(6), value.float()),
            'e' => format!("{:.*e}", precision.unwrap_or(6), value.float()),
            'x' => format!("{:x}", value.int()),
            'X' => format!("{:X}", value.int()),
            'b' => format!("{:b}", value.int()),
            'o' => format!("{:o}", value.int()),
            'q' => crate::logs::labels::quote(&value.show()),
            _ => match precision {
                Some(n) if verb == 's' => value.show().chars().take(n).collect(),
                _ => value.show(),
            },
        };
        out.push_str(&if spec.starts_with('-') {
            format!("{body:<width$}")
        } else if spec.starts_with('0') {
            format!("{body:0>width$}")
        } else {
            format!("{body:>width$}")
        });
        if out.len() > MAX_TEXT {
            return Err(TOO_LONG.to_owned());
        }
    }
    let extra: Vec<String> = rest
        .map(|value| format!("{}={}", value.kind(), value.show()))
        .collect();
    if !extra.is_empty() {
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    Ok(Val::Text(out))
}

pub(super) fn strip(text: &str, what: &str, front: bool) -> String {
    let found = if front {
        text.strip_prefix(what)
    } else {
        text.strip_suffix(what)
    };
    found.unwrap_or(text).to_owned()
}

/// The text with each word's first letter as a capital, as Go's `strings.Title` has it, which the
/// templates of Loki (by Sprig) and of Prometheus call `title`. Words end at whitespace and at
/// any ASCII character that is no letter, digit or underscore.
///
/// Source: <https://pkg.go.dev/strings#Title>.
pub(crate) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        let mut upper = c.to_uppercase();
        out.push(match (upper.next(), upper.next()) {
            // Go has no capital for what would become two letters.
            (Some(upper), None) if start => upper,
            _ => c,
        });
        start = match c.is_ascii() {
            true => !(c.is_ascii_alphanumeric() || c == '_'),
            false => c.is_whitespace(),
        };
    }
    out
}

pub(super) fn trunc(count: i64, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    if count < 0 {
        let keep = count.unsigned_abs() as usize;
        chars[chars.len().saturating_sub(keep)..].iter().collect()
    } else {
        chars.iter().take(count as usize).collect()
    }
}

pub(super) fn substr(start: i64, end: i64, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let start = start.max(0) as usize;
    let end = if end < 0 {
        chars.len()
    } else {
        (end as usize).min(chars.len())
    };
    chars
        .get(start.min(end)..end)
        .unwrap_or(&[])
        .iter()
        .collect()
}

pub(super) fn indent(spaces: i64, text: &str) -> Result<String, String> {
    let pad = repeat(spaces, " ")?;
    let lines = replaced(text, "\n", &format!("\n{pad}"), -1)?;
    Ok(format!("{pad}{lines}"))
}

pub(super) fn align(width: i64, text: &str, left: bool) -> String {
    let width = width.clamp(0, 10_000) as usize;
    let count = text.chars().count();
    if count >= width {
        if left {
            text.chars().take(width).collect()
        } else {
            text.chars().skip(count - width).collect()
        }
    } else if left {
        format!("{text}{}", " ".repeat(width - count))
    } else {
        format!("{}{text}", " ".repeat(width - count))
    }
}
