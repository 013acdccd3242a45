//! The functions of templates.
//!
//! Source: <https://grafana.com/docs/loki/latest/query/template_functions/>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use regex::{Captures, Regex};

use super::decimal;
use super::text::{
    MAX_TEXT, TOO_LONG, align, indent, printf, repeat, replaced, strip, substr, title, trunc,
};
use super::time::{go_time, parse_time};
use super::{Scope, Val};
use crate::logs::logql::units;

const QUERY: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

const NAMES: [&str; 85] = [
    "__line__",
    "__timestamp__",
    "ToLower",
    "ToUpper",
    "Replace",
    "Trim",
    "TrimLeft",
    "TrimRight",
    "TrimPrefix",
    "TrimSuffix",
    "TrimSpace",
    "regexReplaceAll",
    "regexReplaceAllLiteral",
    "count",
    "urldecode",
    "urlencode",
    "bytes",
    "duration",
    "duration_seconds",
    "unixEpochMillis",
    "unixEpochNanos",
    "toDateInZone",
    "unixToTime",
    "alignLeft",
    "alignRight",
    "b64enc",
    "b64dec",
    "lower",
    "upper",
    "title",
    "trunc",
    "substr",
    "contains",
    "hasPrefix",
    "hasSuffix",
    "indent",
    "nindent",
    "replace",
    "repeat",
    "trim",
    "trimAll",
    "trimSuffix",
    "trimPrefix",
    "int",
    "float64",
    "add",
    "sub",
    "mul",
    "div",
    "mod",
    "addf",
    "subf",
    "mulf",
    "divf",
    "max",
    "min",
    "maxf",
    "minf",
    "ceil",
    "floor",
    "round",
    "fromJson",
    "date",
    "toDate",
    "now",
    "unixEpoch",
    "default",
    "printf",
    "print",
    "println",
    "len",
    "index",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "and",
    "or",
    "not",
    "html",
    "js",
    "urlquery",
    "slice",
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
    // What a function makes of its arguments is at most a few times as long as they are; those
    // that make more of them look for themselves.
    let given = args.iter().map(Val::size).sum::<usize>();
    if given > MAX_TEXT {
        return Err(TOO_LONG.to_owned());
    }
    match name {
        "__line__" => Ok(Val::Text(scope.line().to_owned())),
        "__timestamp__" => Ok(Val::Time(scope.timestamp())),
        "now" => Ok(Val::Time(
            scope
                .timestamp()
                .max(jiff::Timestamp::now().as_nanosecond() as i64),
        )),
        _ => grown(name, &args)
            .or_else(|| texts(name, &args))
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

/// `text` with what `with` writes in place of each match.
fn regex_replaced(
    regex: &Regex,
    text: &str,
    with: impl Fn(&Captures<'_>, &mut String),
) -> Result<String, String> {
    let mut left = MAX_TEXT;
    let replaced = regex.replace_all(text, |found: &Captures<'_>| {
        let mut out = String::new();
        if left > 0 {
            with(found, &mut out);
            left = left.saturating_sub(out.len());
        }
        out
    });
    match left {
        0 => Err(TOO_LONG.to_owned()),
        _ => Ok(replaced.into_owned()),
    }
}

/// Functions whose text can be very much longer than what they are given.
fn grown(name: &str, args: &[Val]) -> Option<Result<Val, String>> {
    let text = |at: usize| args[at].show();
    let out = match name {
        "Replace" => replaced(&text(0), &text(1), &text(2), args[3].int()),
        "replace" => replaced(&text(2), &text(0), &text(1), -1),
        "repeat" => repeat(args[0].int(), &text(1)),
        "indent" => indent(args[0].int(), &text(1)),
        "nindent" => indent(args[0].int(), &text(1)).map(|out| format!("\n{out}")),
        "regexReplaceAll" | "regexReplaceAllLiteral" => match Regex::new(&text(0)) {
            Ok(regex) => {
                let expands = name == "regexReplaceAll";
                let with = text(2);
                regex_replaced(&regex, &text(1), |found, out| match expands {
                    true => found.expand(&with, out),
                    false => out.push_str(&with),
                })
            }
            Err(_) => Err(crate::logs::logql::regex_message(&text(0))),
        },
        _ => return None,
    };
    Some(out.map(Val::Text))
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
        "trunc" => trunc(args[0].int(), &text(1)),
        "substr" => substr(args[0].int(), args[1].int(), &text(2)),
        "alignLeft" => align(args[0].int(), &text(1), true),
        "alignRight" => align(args[0].int(), &text(1), false),
        "b64enc" => STANDARD.encode(text(0)),
        "b64dec" => match STANDARD.decode(padded(text(0))) {
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
        _ => return None,
    };
    Some(Ok(Val::Text(out)))
}

/// Base64 with the padding that it lacks.
fn padded(mut text: String) -> String {
    let over = text.len() % 4;
    if over > 1 {
        text.push_str(&"=".repeat(4 - over));
    }
    text
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
        "addf" => Val::Float(floats().fold(0.0, |a, b| decimal::calc('+', a, b))),
        "mulf" => Val::Float(floats().fold(1.0, |a, b| decimal::calc('*', a, b))),
        "subf" => Val::Float(
            floats()
                .skip(1)
                .fold(args[0].float(), |a, b| decimal::calc('-', a, b)),
        ),
        "divf" => Val::Float(
            floats()
                .skip(1)
                .fold(args[0].float(), |a, b| decimal::calc('/', a, b)),
        ),
        "maxf" => Val::Float(floats().fold(f64::NEG_INFINITY, f64::max)),
        "minf" => Val::Float(floats().fold(f64::INFINITY, f64::min)),
        "ceil" => Val::Float(args[0].float().ceil()),
        "floor" => Val::Float(args[0].float().floor()),
        "round" => {
            let scale = 10f64.powi(args[1].int() as i32);
            let scaled = args[0].float() * scale;
            // As sprig does it, which looks at the sign of the fraction.
            let whole = match scaled.fract() >= 0.5 {
                true => scaled.ceil(),
                false => scaled.floor(),
            };
            Val::Float(whole / scale)
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
                5 => n.saturating_mul(86_400_000_000_000),
                10 => n.saturating_mul(1_000_000_000),
                13 => n.saturating_mul(1_000_000),
                16 => n.saturating_mul(1_000),
                19 => n,
                _ => return Err(format!("unable to parse time '{text}': invalid epoch")),
            })
        }
        "date" => {
            let nanos = match &args[1] {
                Val::Time(nanos) => *nanos,
                other => other.int().saturating_mul(1_000_000_000),
            };
            Val::Text(go_time(&args[0].show(), nanos))
        }
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
        _ => Err("incompatible types for comparison".to_owned()),
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
