//! The functions of templates.
//!
//! Source: <https://grafana.com/docs/loki/latest/query/template_functions/>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use regex::Regex;

use super::{Scope, Val};
use crate::logs::logql::units;

const QUERY: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

const NAMES: [&str; 85] = [
    "__line__", "__timestamp__", "ToLower", "ToUpper", "Replace", "Trim", "TrimLeft", "TrimRight",
    "TrimPrefix", "TrimSuffix", "TrimSpace", "regexReplaceAll", "regexReplaceAllLiteral", "count",
    "urldecode", "urlencode", "bytes", "duration", "duration_seconds", "unixEpochMillis",
    "unixEpochNanos", "toDateInZone", "unixToTime", "alignLeft", "alignRight", "b64enc", "b64dec",
    "lower", "upper", "title", "trunc", "substr", "contains", "hasPrefix", "hasSuffix", "indent",
    "nindent", "replace", "repeat", "trim", "trimAll", "trimSuffix", "trimPrefix", "int",
    "float64", "add", "sub", "mul", "div", "mod", "addf", "subf", "mulf", "divf", "max", "min",
    "maxf", "minf", "ceil", "floor", "round", "fromJson", "date", "toDate", "now", "unixEpoch",
    "default", "printf", "print", "println", "len", "index", "eq", "ne", "lt", "le", "gt", "ge",
    "and", "or", "not", "html", "js", "urlquery", "slice",
];

/// Whether there is a function of this name.
pub(super) fn known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Calls a function.
pub(super) fn call(name: &str, args: Vec<Val>, scope: &dyn Scope) -> Result<Val, String> {
    let wanted = least_args(name);
    if args.len() < wanted {
        return Err(format!(
            "wrong number of args for {name}: want at least {wanted} got {}",
            args.len()
        ));
    }
    match name {
        "__line__" => Ok(Val::Text(scope.line().to_owned())),
        "__timestamp__" => Ok(Val::Time(scope.timestamp())),
        "now" => Ok(Val::Time(scope.timestamp().max(
            jiff::Timestamp::now().as_nanosecond() as i64,
        ))),
        _ => texts(name, &args)
            .or_else(|| numbers(name, &args))
            .or_else(|| truths(name, &args))
            .unwrap_or_else(|| others(name, &args)),
    }
}

fn least_args(name: &str) -> usize {
    match name {
        "__line__" | "__timestamp__" | "now" | "print" | "println" => 0,
        "Replace" => 4,
        "replace" | "substr" | "regexReplaceAll" | "regexReplaceAllLiteral" => 3,
        "toDateInZone" => 3,
        "Trim" | "TrimLeft" | "TrimRight" | "TrimPrefix" | "TrimSuffix" | "trimAll"
        | "trimSuffix" | "trimPrefix" | "contains" | "hasPrefix" | "hasSuffix" | "repeat"
        | "trunc" | "indent" | "nindent" | "count" | "alignLeft" | "alignRight" | "default"
        | "date" | "toDate" | "eq" | "ne" | "lt" | "le" | "gt" | "ge" | "sub" | "div" | "mod"
        | "round" => 2,
        _ => 1,
    }
}

fn texts(name: &str, args: &[Val]) -> Option<Result<Val, String>> {
    let text = |at: usize| args[at].show();
    let set = |at: usize| text(at).chars().collect::<Vec<char>>();
    let out = match name {
        "lower" | "ToLower" => text(0).to_lowercase(),
        "upper" | "ToUpper" => text(0).to_uppercase(),
        "title" => title(&text(0)),
        "trim" | "TrimSpace" => text(0).trim().to_owned(),
        "Trim" => text(0).trim_matches(set(1).as_slice()).to_owned(),
        "TrimLeft" => text(0).trim_start_matches(set(1).as_slice()).to_owned(),
        "TrimRight" => text(0).trim_end_matches(set(1).as_slice()).to_owned(),
        "trimAll" => text(1).trim_matches(set(0).as_slice()).to_owned(),
        "TrimPrefix" => strip(&text(0), &text(1), true),
        "TrimSuffix" => strip(&text(0), &text(1), false),
        "trimPrefix" => strip(&text(1), &text(0), true),
        "trimSuffix" => strip(&text(1), &text(0), false),
        "Replace" => match args[3].int() {
            n if n < 0 => text(0).replace(&text(1), &text(2)),
            n => text(0).replacen(&text(1), &text(2), n as usize),
        },
        "replace" => text(2).replace(&text(0), &text(1)),
        "repeat" => text(1).repeat(args[0].int().clamp(0, 10_000) as usize),
        "trunc" => trunc(args[0].int(), &text(1)),
        "substr" => substr(args[0].int(), args[1].int(), &text(2)),
        "indent" => indent(args[0].int(), &text(1)),
        "nindent" => format!("\n{}", indent(args[0].int(), &text(1))),
        "alignLeft" => align(args[0].int(), &text(1), true),
        "alignRight" => align(args[0].int(), &text(1), false),
        "b64enc" => STANDARD.encode(text(0)),
        "b64dec" => match STANDARD.decode(text(0)) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => error.to_string(),
        },
        "urlencode" | "urlquery" => utf8_percent_encode(&text(0), &QUERY)
            .to_string()
            .replace("%20", "+"),
        "urldecode" => percent_decode_str(&text(0).replace('+', " "))
            .decode_utf8_lossy()
            .into_owned(),
        "html" => text(0)
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&#34;")
            .replace('\'', "&#39;"),
        "js" => text(0).replace('\'', "\\'").replace('"', "\\\""),
        "print" => args.iter().map(Val::show).collect(),
        "println" => {
            let parts: Vec<String> = args.iter().map(Val::show).collect();
            format!("{}\n", parts.join(" "))
        }
        "printf" => return Some(printf(args)),
        "regexReplaceAll" | "regexReplaceAllLiteral" => {
            let regex = match Regex::new(&text(0)) {
                Ok(regex) => regex,
                Err(_) => {
                    return Some(Err(crate::logs::logql::regex_message(&text(0))));
                }
            };
            if name == "regexReplaceAll" {
                regex
                    .replace_all(&text(1), text(2).as_str())
                    .into_owned()
            } else {
                regex
                    .replace_all(&text(1), regex::NoExpand(&text(2)))
                    .into_owned()
            }
        }
        _ => return None,
    };
    Some(Ok(Val::Text(out)))
}

fn numbers(name: &str, args: &[Val]) -> Option<Result<Val, String>> {
    let ints = || args.iter().map(Val::int);
    let floats = || args.iter().map(Val::float);
    let zero = || Some(Err("runtime error: integer divide by zero".to_owned()));
    Some(Ok(match name {
        "int" => Val::Int(args[0].int()),
        "float64" => Val::Float(args[0].float()),
        "add" => Val::Int(ints().fold(0, i64::wrapping_add)),
        "sub" => Val::Int(args[0].int().wrapping_sub(args[1].int())),
        "mul" => Val::Int(ints().fold(1, i64::wrapping_mul)),
        "div" if args[1].int() == 0 => return zero(),
        "mod" if args[1].int() == 0 => return zero(),
        "div" => Val::Int(args[0].int().wrapping_div(args[1].int())),
        "mod" => Val::Int(args[0].int().wrapping_rem(args[1].int())),
        "max" => Val::Int(ints().max().unwrap_or(0)),
        "min" => Val::Int(ints().min().unwrap_or(0)),
        "addf" => Val::Float(floats().sum()),
        "mulf" => Val::Float(floats().product()),
        "subf" => Val::Float(floats().skip(1).fold(args[0].float(), |a, b| a - b)),
        "divf" => Val::Float(floats().skip(1).fold(args[0].float(), |a, b| a / b)),
        "maxf" => Val::Float(floats().fold(f64::NEG_INFINITY, f64::max)),
        "minf" => Val::Float(floats().fold(f64::INFINITY, f64::min)),
        "ceil" => Val::Float(args[0].float().ceil()),
        "floor" => Val::Float(args[0].float().floor()),
        "round" => {
            let scale = 10f64.powi(args[1].int() as i32);
            Val::Float((args[0].float() * scale).round() / scale)
        }
        "bytes" => match units::bytes(&args[0].show()) {
            Some(n) => Val::Float(n),
            None => {
                return Some(Err(format!(
                    "strconv.ParseFloat: parsing {:?}: invalid syntax",
                    args[0].show()
                )));
            }
        },
        "duration" | "duration_seconds" => match units::go_duration(&args[0].show()) {
            Some(nanos) => Val::Float(nanos as f64 / 1e9),
            None => {
                return Some(Err(format!("time: invalid duration {:?}", args[0].show())));
            }
        },
        "count" => match Regex::new(&args[0].show()) {
            Ok(regex) => Val::Int(regex.find_iter(&args[1].show()).count() as i64),
            Err(_) => return Some(Err(crate::logs::logql::regex_message(&args[0].show()))),
        },
        "len" => Val::Int(match &args[0] {
            Val::List(list) => list.len(),
            Val::Map(map) => map.len(),
            other => other.show().len(),
        } as i64),
        _ => return None,
    }))
}

fn truths(name: &str, args: &[Val]) -> Option<Result<Val, String>> {
    let text = |at: usize| args[at].show();
    Some(Ok(match name {
        "contains" => Val::Bool(text(1).contains(&text(0))),
        "hasPrefix" => Val::Bool(text(1).starts_with(&text(0))),
        "hasSuffix" => Val::Bool(text(1).ends_with(&text(0))),
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => return Some(compare(name, args)),
        "not" => Val::Bool(!args[0].truth()),
        "and" => args
            .iter()
            .find(|v| !v.truth())
            .or(args.last())
            .cloned()
            .unwrap_or(Val::Nil),
        "or" => args
            .iter()
            .find(|v| v.truth())
            .or(args.last())
            .cloned()
            .unwrap_or(Val::Nil),
        _ => return None,
    }))
}

fn others(name: &str, args: &[Val]) -> Result<Val, String> {
    Ok(match name {
        "default" => {
            if args[1].truth() {
                args[1].clone()
            } else {
                args[0].clone()
            }
        }
        "fromJson" => serde_json::from_str(&args[0].show())
            .map(|json| Val::of_json(&json))
            .unwrap_or(Val::Nil),
        "index" => args[1..].iter().fold(args[0].clone(), |at, key| match at {
            Val::List(list) => list.get(key.int() as usize).cloned().unwrap_or(Val::Nil),
            Val::Map(_) => at.walk(&[key.show()]),
            _ => Val::Nil,
        }),
        "slice" => {
            let text = args[0].show();
            let end = args.get(2).map_or(text.len() as i64, Val::int);
            Val::Text(substr(args.get(1).map_or(0, Val::int), end, &text))
        }
        "unixEpoch" => Val::Text((args[0].int() / 1_000_000_000).to_string()),
        "unixEpochMillis" => Val::Text((args[0].int() / 1_000_000).to_string()),
        "unixEpochNanos" => Val::Text(args[0].int().to_string()),
        "unixToTime" => {
            let text = args[0].show();
            let n = args[0].int();
            Val::Time(match text.len() {
                5 => n * 86_400_000_000_000,
                10 => n * 1_000_000_000,
                13 => n * 1_000_000,
                16 => n * 1_000,
                19 => n,
                _ => return Err(format!("unable to parse time '{text}': invalid epoch")),
            })
        }
        "date" => Val::Text(go_time(&args[0].show(), args[1].int())),
        "toDate" => parse_time(&args[0].show(), &args[1].show())?,
        "toDateInZone" => parse_time(&args[0].show(), &args[2].show())?,
        _ => return Err(format!("function {name:?} not defined")),
    })
}

fn compare(name: &str, args: &[Val]) -> Result<Val, String> {
    use std::cmp::Ordering;
    let order = |b: &Val| match (&args[0], b) {
        (Val::Text(a), Val::Text(b)) => Ok(a.cmp(b)),
        (Val::Int(_) | Val::Float(_), Val::Int(_) | Val::Float(_)) => Ok(args[0]
            .float()
            .partial_cmp(&b.float())
            .unwrap_or(Ordering::Less)),
        (Val::Bool(a), Val::Bool(b)) => Ok(a.cmp(b)),
        (Val::Time(a), Val::Time(b)) => Ok(a.cmp(b)),
        _ => Err(format!("error calling {name}: incompatible types for comparison")),
    };
    if name == "eq" {
        for other in &args[1..] {
            if order(other)? == Ordering::Equal {
                return Ok(Val::Bool(true));
            }
        }
        return Ok(Val::Bool(false));
    }
    let order = order(&args[1])?;
    Ok(Val::Bool(match name {
        "ne" => order != Ordering::Equal,
        "lt" => order == Ordering::Less,
        "le" => order != Ordering::Greater,
        "gt" => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }))
}

fn printf(args: &[Val]) -> Result<Val, String> {
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
        let body = match verb {
            'd' => value.int().to_string(),
            'f' => format!("{:.*}", precision.unwrap_or(6), value.float()),
            'x' => format!("{:x}", value.int()),
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
    Ok(Val::Text(out))
}

fn strip(text: &str, what: &str, front: bool) -> String {
    let found = if front {
        text.strip_prefix(what)
    } else {
        text.strip_suffix(what)
    };
    found.unwrap_or(text).to_owned()
}

fn title(text: &str) -> String {
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

fn trunc(count: i64, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    if count < 0 {
        let keep = count.unsigned_abs() as usize;
        chars[chars.len().saturating_sub(keep)..].iter().collect()
    } else {
        chars.iter().take(count as usize).collect()
    }
}

fn substr(start: i64, end: i64, text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let start = start.max(0) as usize;
    let end = if end < 0 { chars.len() } else { (end as usize).min(chars.len()) };
    chars.get(start.min(end)..end).unwrap_or(&[]).iter().collect()
}

fn indent(spaces: i64, text: &str) -> String {
    let pad = " ".repeat(spaces.clamp(0, 1000) as usize);
    format!("{pad}{}", text.replace('\n', &format!("\n{pad}")))
}

fn align(width: i64, text: &str, left: bool) -> String {
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

/// Writes a time by a Go layout (`2006-01-02T15:04:05Z07:00`), in UTC.
pub(super) fn go_time(layout: &str, nanos: i64) -> String {
    let Ok(time) = jiff::Timestamp::from_nanosecond(i128::from(nanos)) else {
        return nanos.to_string();
    };
    let time = time.to_zoned(jiff::tz::TimeZone::UTC);
    let fraction = nanos.rem_euclid(1_000_000_000);
    let mut out = String::new();
    let mut rest = layout;
    while !rest.is_empty() {
        let parts: [(&str, String); 16] = [
            ("2006", time.strftime("%Y").to_string()),
            ("January", time.strftime("%B").to_string()),
            ("Jan", time.strftime("%b").to_string()),
            ("Monday", time.strftime("%A").to_string()),
            ("Mon", time.strftime("%a").to_string()),
            ("MST", "UTC".to_owned()),
            ("Z07:00", "Z".to_owned()),
            ("-0700", "+0000".to_owned()),
            ("-07:00", "+00:00".to_owned()),
            ("01", time.strftime("%m").to_string()),
            ("02", time.strftime("%d").to_string()),
            ("15", time.strftime("%H").to_string()),
            ("03", time.strftime("%I").to_string()),
            ("04", time.strftime("%M").to_string()),
            ("05", time.strftime("%S").to_string()),
            ("PM", time.strftime("%p").to_string()),
        ];
        if let Some((word, text)) = parts.iter().find(|(word, _)| rest.starts_with(word)) {
            out.push_str(text);
            rest = &rest[word.len()..];
            continue;
        }
        let digits = rest[1..].bytes().take_while(|b| *b == b'0' || *b == b'9').count();
        if rest.starts_with('.') && digits > 0 {
            let all = format!("{fraction:09}");
            let shown = &all[..digits.min(9)];
            if rest[1..].starts_with('9') {
                let shown = shown.trim_end_matches('0');
                if !shown.is_empty() {
                    out.push('.');
                    out.push_str(shown);
                }
            } else {
                out.push('.');
                out.push_str(shown);
            }
            rest = &rest[1 + digits..];
            continue;
        }
        let len = rest.chars().next().map_or(1, char::len_utf8);
        out.push_str(&rest[..len]);
        rest = &rest[len..];
    }
    out
}

/// Reads a time by a Go layout, in UTC.
fn parse_time(layout: &str, text: &str) -> Result<Val, String> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(Val::Time(time.as_nanosecond() as i64));
    }
    let format = layout
        .replace("2006", "%Y")
        .replace("01", "%m")
        .replace("02", "%d")
        .replace("15", "%H")
        .replace("04", "%M")
        .replace("05", "%S");
    jiff::civil::DateTime::strptime(&format, text)
        .or_else(|_| jiff::civil::Date::strptime(&format, text).map(|d| d.at(0, 0, 0, 0)))
        .and_then(|time| time.to_zoned(jiff::tz::TimeZone::UTC))
        .map(|time| Val::Time(time.timestamp().as_nanosecond() as i64))
        .map_err(|_| format!("parsing time {text:?} as {layout:?}: cannot parse"))
}
