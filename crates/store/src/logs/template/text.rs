//! What templates do with texts.

use super::Val;

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
        let Some(verb) = chars.next() else {
            out.push_str("%!(NOVERB)");
            break;
        };
        if verb == '%' {
            out.push('%');
            continue;
        }
        let Some(value) = rest.next() else {
            out.push_str(&format!("%!{verb}(MISSING)"));
            continue;
        };
        let (width, precision) = match spec.split_once('.') {
            Some((width, precision)) => (width.to_owned(), precision.parse::<usize>().ok()),
            None => (spec.clone(), None),
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
        let size: usize = width
            .trim_start_matches(['-', '+', '0', ' '])
            .parse()
            .unwrap_or(0);
        out.push_str(&if width.starts_with('-') {
            format!("{body:<size$}")
        } else if width.starts_with('0') {
            format!("{body:0>size$}")
        } else {
            format!("{body:>size$}")
        });
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

pub(super) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        start = !(c.is_alphanumeric() || c == '_' || c == '\'');
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

pub(super) fn indent(spaces: i64, text: &str) -> String {
    let pad = " ".repeat(spaces.clamp(0, 1000) as usize);
    format!("{pad}{}", text.replace('\n', &format!("\n{pad}")))
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
