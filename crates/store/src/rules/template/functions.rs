//! What templates can call: Prometheus' functions, and those of Go's templates.

use std::cmp::Ordering;

use super::super::{humanize, query};
use super::Template;
use super::format::{print, printf};
use super::value::Value;
use crate::logs::title;
use crate::metrics::promql::{parse, parse_duration};
use crate::metrics::text::quote;

/// A call: its arguments, and what it is about.
pub(super) struct Call<'a> {
    pub(super) data: &'a Template<'a>,
    pub(super) args: Vec<Value>,
}

const NAMES: [&str; 46] = [
    "and",
    "args",
    "eq",
    "externalURL",
    "first",
    "ge",
    "graphLink",
    "gt",
    "html",
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "index",
    "js",
    "label",
    "le",
    "len",
    "lt",
    "match",
    "ne",
    "not",
    "now",
    "or",
    "parseDuration",
    "pathPrefix",
    "print",
    "printf",
    "println",
    "query",
    "reReplaceAll",
    "safeHtml",
    "sortByLabel",
    "stripDomain",
    "stripPort",
    "strvalue",
    "tableLink",
    "title",
    "tmpl",
    "toDuration",
    "toLower",
    "toTime",
    "toUpper",
    "urlquery",
    "value",
];

/// Whether there is such a function.
pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// How long a text may grow: a mistake must not take all memory.
pub(super) const MAX_TEXT: usize = 1 << 20;
/// How deep maps may be put into maps: they are gone through by recursion.
const MAX_DEPTH: usize = 100;
/// What is said of a longer or a deeper one.
pub(super) const TOO_LONG: &str = "the text is too long";

/// Calls a function.
pub(super) fn call(name: &str, call: &Call<'_>) -> Result<Value, String> {
    let args = call.args.as_slice();
    // What functions make is at most a few times as long as what they are given.
    if args.iter().map(Value::size).sum::<usize>() > MAX_TEXT {
        return Err(TOO_LONG.to_owned());
    }
    let text = |f: &dyn Fn(&str) -> String| Ok(Value::Text(f(&one(args)?.text())));
    let number = |f: fn(f64) -> String| one(args)?.number().map(|n| Value::Text(f(n)));
    match name {
        "humanize" => number(humanize::humanize),
        "humanize1024" => number(humanize::humanize1024),
        "humanizeDuration" | "toDuration" => number(humanize::duration),
        "humanizePercentage" => number(humanize::percentage),
        "humanizeTimestamp" | "toTime" => number(humanize::timestamp),
        "toUpper" => text(&str::to_uppercase),
        "toLower" => text(&str::to_lowercase),
        "title" => text(&title),
        "stripPort" => text(&strip_port),
        "stripDomain" => text(&|t| strip_domain(t)),
        "safeHtml" => text(&str::to_owned),
        "html" => text(&html),
        "js" => text(&|t| {
            t.replace('\\', "\\\\")
                .replace('\'', "\\'")
                .replace('"', "\\\"")
        }),
        "urlquery" => text(&url_query),
        "graphLink" => text(&|t| format!("/graph?g0.expr={}&g0.tab=0", url_query(t))),
        "tableLink" => text(&|t| format!("/graph?g0.expr={}&g0.tab=1", url_query(t))),
        "parseDuration" => {
            #[expect(clippy::cast_precision_loss, reason = "durations are short")]
            let seconds = parse_duration(&one(args)?.text())? as f64 / 1000.0;
            Ok(Value::Number(seconds))
        }
        "externalURL" => Ok(Value::Text(external_url(call).to_owned())),
        "pathPrefix" => {
            let parsed = url::Url::parse(external_url(call));
            Ok(Value::Text(
                parsed.map_or_else(|_| String::new(), |u| u.path().to_owned()),
            ))
        }
        "now" => {
            #[expect(clippy::cast_precision_loss, reason = "times fit well into 53 bits")]
            let seconds = call.data.t as f64 / 1000.0;
            Ok(Value::Number(seconds))
        }
        "print" => Ok(Value::Text(print(args))),
        "println" => {
            let words: Vec<String> = args.iter().map(Value::text).collect();
            Ok(Value::Text(format!("{}\n", words.join(" "))))
        }
        "printf" => {
            let (format, args) = args.split_first().ok_or("wrong number of args")?;
            Ok(Value::Text(printf(&format.text(), args)))
        }
        "not" => Ok(Value::Bool(!one(args)?.truth())),
        // Whatever decides comes back before; what is left is the last.
        "and" | "or" => Ok(args.last().cloned().unwrap_or(Value::Nil)),
        "len" => length(one(args)?),
        "index" => index(args),
        "args" if args.iter().any(|v| v.depth() > MAX_DEPTH) => Err(TOO_LONG.to_owned()),
        "args" => {
            let named = args.iter().enumerate();
            let named = named.map(|(n, v)| (format!("arg{n}"), v.clone()));
            Ok(Value::Map(named.collect()))
        }
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => compare(name, args),
        _ => queried(name, call),
    }
}

/// Functions about queries and their results, and about regular expressions.
fn queried(name: &str, call: &Call<'_>) -> Result<Value, String> {
    let args = call.args.as_slice();
    match (name, args) {
        ("query", [text]) => asked(&text.text(), call.data),
        ("first", [Value::List(items)]) => {
            let first = items.first().cloned();
            first.ok_or_else(|| "first() called on vector with no elements".to_owned())
        }
        ("value", [sample]) => sample.field("Value"),
        ("label", [name, sample]) => sample.field("Labels")?.field(&name.text()),
        ("strvalue", [sample]) => sample.field("Labels")?.field("__value__"),
        ("sortByLabel", [name, Value::List(items)]) => {
            let name = name.text();
            let mut items = items.clone();
            items.sort_by_cached_key(|item| {
                let value = item.field("Labels").and_then(|l| l.field(&name));
                value.map_or_else(|_| String::new(), |v| v.text())
            });
            Ok(Value::List(items))
        }
        ("match", [pattern, text]) => {
            let regex = regex::Regex::new(&pattern.text()).map_err(|e| e.to_string())?;
            Ok(Value::Bool(regex.is_match(&text.text())))
        }
        ("reReplaceAll", [pattern, replacement, text]) => {
            let regex = regex::Regex::new(&pattern.text()).map_err(|e| e.to_string())?;
            let text = text.text();
            let replacement = replacement.text();
            let mut left = MAX_TEXT;
            let replaced = regex.replace_all(&text, |found: &regex::Captures<'_>| {
                let mut out = String::new();
                if left > 0 {
                    found.expand(&replacement, &mut out);
                    left = left.saturating_sub(out.len());
                }
                out
            });
            if left == 0 {
                return Err(TOO_LONG.to_owned());
            }
            Ok(Value::Text(replaced.into_owned()))
        }
        (name, args) => Err(format!(
            "wrong number or type of args for {name}: {}",
            args.len()
        )),
    }
}

fn one(args: &[Value]) -> Result<&Value, String> {
    match args {
        [one] => Ok(one),
        more => Err(format!("wrong number of args: want 1 got {}", more.len())),
    }
}

fn external_url<'a>(call: &Call<'a>) -> &'a str {
    call.data.context.map_or("", |c| c.external_url)
}

/// The samples that a query gives, as maps of `Labels` and `Value`.
fn asked(text: &str, data: &Template<'_>) -> Result<Value, String> {
    let Some(context) = data.context else {
        return Ok(Value::List(Vec::new()));
    };
    let expr = parse(text).map_err(|e| e.to_string())?;
    let found = query(context.metrics, &expr, text, data.t)?;
    let samples = found.into_iter().map(|(labels, value)| {
        let labels = labels.iter();
        let labels = labels.map(|(n, v)| (n.to_string(), Value::Text(v.to_string())));
        let fields = [
            ("Labels".to_owned(), Value::Map(labels.collect())),
            ("Value".to_owned(), Value::Number(value)),
        ];
        Value::Map(fields.into_iter().collect())
    });
    Ok(Value::List(samples.collect()))
}

fn length(value: &Value) -> Result<Value, String> {
    let n = match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.len(),
        Value::Map(map) => map.len(),
        other => return Err(format!("len of type {}", other.kind())),
    };
    Ok(Value::Int(i64::try_from(n).unwrap_or(i64::MAX)))
}

fn index(args: &[Value]) -> Result<Value, String> {
    let (first, keys) = args.split_first().ok_or("wrong number of args")?;
    keys.iter()
        .try_fold(first.clone(), |value, key| match (&value, key) {
            (Value::Map(_), key) => value.field(&key.text()),
            (Value::List(items), Value::Int(n)) => {
                let found = usize::try_from(*n).ok().and_then(|n| items.get(n).cloned());
                found.ok_or_else(|| format!("index out of range: {n}"))
            }
            (other, _) => Err(format!("can't index item of type {}", other.kind())),
        })
}

fn compare(name: &str, args: &[Value]) -> Result<Value, String> {
    let (first, others) = args
        .split_first()
        .ok_or("missing argument for comparison")?;
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    let ordered = |other: &Value| match (first, other) {
        (Value::Int(a), Value::Int(b)) => Ok(Some(a.cmp(b))),
        (Value::Number(a), Value::Number(b)) => Ok(a.partial_cmp(b)),
        (Value::Text(a), Value::Text(b)) => Ok(Some(a.cmp(b))),
        (Value::Bool(a), Value::Bool(b)) if matches!(name, "eq" | "ne") => Ok(Some(a.cmp(b))),
        _ => Err("incompatible types for comparison".to_owned()),
    };
    if name == "eq" {
        for other in others {
            if ordered(other)? == Some(Ordering::Equal) {
                return Ok(Value::Bool(true));
            }
        }
        return Ok(Value::Bool(false));
    }
    let [other] = others else {
        return Err(format!("wrong number of args: want 2 got {}", args.len()));
    };
    let ordered = ordered(other)?;
    Ok(Value::Bool(match name {
        "ne" => ordered != Some(Ordering::Equal),
        "lt" => ordered == Some(Ordering::Less),
        "le" => matches!(ordered, Some(Ordering::Less | Ordering::Equal)),
        "gt" => ordered == Some(Ordering::Greater),
        _ => matches!(ordered, Some(Ordering::Greater | Ordering::Equal)),
    }))
}

/// `host:port` without its port; whatever is none stays.
fn strip_port(text: &str) -> String {
    let Some((host, _)) = text.rsplit_once(':') else {
        return text.to_owned();
    };
    match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(inner) => inner.to_owned(),
        None if host.contains(':') => text.to_owned(),
        None => host.to_owned(),
    }
}

/// The first word of a host name; the port stays.
fn strip_domain(text: &str) -> String {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    };
    if host.parse::<std::net::IpAddr>().is_ok() {
        return text.to_owned();
    }
    let name = host.split('.').next().unwrap_or(host);
    port.map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn url_query(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A text as Go's `%q` prints it.
pub(super) fn quoted(value: &Value) -> String {
    quote(&value.text())
}
