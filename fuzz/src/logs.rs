//! Logs: LogQL, pipelines over lines, templates, pushes, and the API's parameters.

use std::io::Read;
use std::sync::{Arc, LazyLock};

use axum::Router;
use loki_api::logproto::{EntryAdapter, PushRequest, StreamAdapter};
use loki_api::prost::Message;
use loki_api::prost_types::Timestamp;
use store::clock::Clock;
use store::logs::logql::{self, Expr};
use store::logs::{self, Entry, Labels, Logs};

use crate::http::{Call, Verb, ask, escaped};
use crate::metrics::{BEGIN, END, limits, packed};
use crate::{Target, input, seeds};

const FORM: &str = "application/x-www-form-urlencoded";
const TESTS: &str = "crates/store/src/logs/logql/tests.rs";

/// Lines of every kind, one a second.
const LINES: &[&str] = &[
    r#"{"level":"info","a":{"b":[1,"x\u00fc\n",null]},"took":"12ms","size":"3KiB"}"#,
    r#"level=error msg="not paid" took=1.5s status=500 addr=10.1.2.3"#,
    r#"10.0.0.1 - - "GET /cart/7 HTTP/1.1" 200 17"#,
    r#"{"_entry":"x=1 y=\"2\"","pod":"orders-0"}"#,
    "\u{1b}[31mred\u{1b}[0m ü🧦 ::1 {\"cut",
    "",
];

fn filled() -> Logs {
    let logs = Logs::new(&limits(), Clock::at(END));
    for app in ["orders", "payment"] {
        let pairs = [("app", app), ("env", "lab")].map(|(n, v)| (n.to_owned(), v.to_owned()));
        let entries = LINES.iter().cycle().take(30).enumerate();
        let entries = entries.map(|(n, line)| entry(BEGIN + 1_000 * n as i64, line));
        let pushed = logs.push(Labels::new(pairs.to_vec()), entries.collect());
        assert!(pushed.is_ok(), "{pushed:?}");
    }
    logs
}

fn entry(ms: i64, line: &str) -> Entry {
    Entry {
        ts: ms * 1_000_000,
        line: line.into(),
        metadata: vec![("trace_id".to_owned(), "7b".to_owned())],
    }
}

/// Asks for a range; whatever the status, it is answered.
fn query(logs: &Arc<Logs>, query: &str) {
    let body = format!(
        "query={}&start={BEGIN}000000&end={END}000000&step=30",
        escaped(query)
    );
    let call = Call {
        verb: Verb::Post,
        path: "/loki/api/v1/query_range",
        kind: (FORM, ""),
        body: body.as_bytes(),
    };
    let _ = ask(logs::router(Arc::clone(logs)), &call);
}

static DATA: LazyLock<Arc<Logs>> = LazyLock::new(|| Arc::new(filled()));

const WORDS: &[&str] = &[
    "{app=\"orders\"}",
    "|= ",
    "|~ ",
    "!= ",
    "!~ ",
    "|> ",
    "!> ",
    "| json",
    "| logfmt",
    "| pattern `<a> <_>`",
    "| regexp `(?P<n>\\d+)`",
    "| unpack",
    "| decolorize",
    "| keep ",
    "| drop ",
    "| label_format ",
    "| line_format `{{.a}}`",
    "| unwrap ",
    "duration(",
    "bytes(",
    "| __error__=\"\"",
    "ip(\"10.0.0.0/8\")",
    "rate(",
    "count_over_time(",
    "bytes_rate(",
    "sum by (app) (",
    "quantile_over_time(0.9, ",
    "absent_over_time(",
    "first_over_time(",
    "[1m]",
    "offset 1m",
    "label_replace(",
    "topk(2, ",
    "approx_topk(",
    "vector(1)",
    " or ",
    " and ",
    " unless ",
    " on (app) group_left ",
    "bool",
    "--strict",
    "--keep-empty",
    "10ms",
    "1.5KiB",
    "variants(",
    ") of (",
    "sort_desc(",
    "stddev_over_time(",
    "without (",
];

/// Queries: how they are printed, what they find.
pub(crate) const LOGQL: Target = Target {
    name: "logql",
    run: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        drop(logql::parse_matchers(text));
        let Ok(expr) = logql::parse(text) else {
            return;
        };
        let shown = expr.to_string();
        match logql::parse(&shown) {
            Ok(again) => assert_eq!(again.to_string(), shown, "{text:?}"),
            // Chains are shown with parentheses, and those may nest deeper than what was written.
            Err(error) => assert!(error.to_string().contains("too deeply nested"), "{error}"),
        }
        query(&DATA, text);
        let path = "/loki/api/v1/format_query";
        let body = format!("query={}", escaped(text));
        let kind = (FORM, "");
        let call = Call {
            verb: Verb::Post,
            path,
            kind,
            body: body.as_bytes(),
        };
        let _ = ask(logs::router(Arc::clone(&DATA)), &call);
    },
    seeds: || {
        let mut texts = seeds::queries();
        texts.extend(seeds::literals(TESTS, |text| text.contains('{')));
        texts.extend([
            "sum by (app) (rate({app=~\".+\"} | json | unwrap duration(took) [1m]))".to_owned(),
            "quantile_over_time(0.5, {app=\"orders\"} | logfmt | unwrap bytes(size) | __error__=\"\" [2m]) by (env)".to_owned(),
            "topk(1, count_over_time({env=\"lab\"}[1m] offset 30s)) / on(app) group_left count_over_time({env=\"lab\"}[1m])".to_owned(),
        ]);
        // As long and as deep as queries may be.
        texts.push(vec!["vector(1)"; 440].join("+"));
        texts.push("(".repeat(140) + "vector(1)" + &")".repeat(140));
        texts.push("{app=\"orders\"} | ".to_owned() + &vec!["a=1"; 500].join(" or "));
        seeds::bytes(texts)
    },
    words: WORDS,
};

/// The first line holds the stages of a query, the rest is a line that they are run over.
pub(crate) const PIPELINE: Target = Target {
    name: "log-pipeline",
    run: |bytes| {
        let Some((stages, line)) = input::line(bytes) else {
            return;
        };
        let asked = format!("{{app=\"a\"}} {stages}");
        if matches!(logql::parse(&asked), Ok(Expr::Log(_))) {
            over(&asked, line);
        }
    },
    seeds: || {
        let path = "crates/store/src/logs/pipeline/tests.rs";
        let stages = seeds::literals(path, |text| text.starts_with('|'));
        let lines = seeds::literals(path, |text| {
            text.contains(['=', ':', ' ']) && !text.starts_with('|')
        });
        let lines = lines
            .iter()
            .map(String::as_str)
            .chain(LINES.iter().copied());
        let pairs = stages
            .iter()
            .zip(lines.collect::<Vec<_>>().into_iter().cycle());
        seeds::bytes(pairs.map(|(stages, line)| format!("{stages}\n{line}")))
    },
    words: WORDS,
};

/// The first line is a template, the rest is a line that it is filled in with.
pub(crate) const TEMPLATE: Target = Target {
    name: "log-template",
    run: |bytes| {
        let Some((template, line)) = input::line(bytes) else {
            return;
        };
        if template.contains('`') {
            return;
        }
        over(
            &format!(
                "{{app=\"a\"}} | json | line_format `{template}` | label_format x=`{template}`"
            ),
            line,
        );
    },
    seeds: || {
        let path = "crates/store/src/logs/template/tests.rs";
        let templates = seeds::literals(path, |text| text.contains("{{"));
        let line = r#"{"status":"200","path":"/cart/x","took":"26.0ms","list":[1,"b"]}"#;
        seeds::bytes(templates.into_iter().map(|text| format!("{text}\n{line}")))
    },
    words: &[
        "{{",
        "}}",
        "{{-",
        "-}}",
        "{{ if ",
        "{{ else }}",
        "{{ end }}",
        "{{ range $i, $v := ",
        "{{ with ",
        "{{ define \"a\" }}",
        "{{ template \"a\" . }}",
        "{{ break }}",
        "printf \"%",
        "fromJson ",
        "index ",
        "slice ",
        "trunc ",
        "substr ",
        "repeat ",
        "indent ",
        "nindent ",
        "replace ",
        "regexReplaceAll ",
        "alignLeft ",
        "alignRight ",
        "date ",
        "unixToTime ",
        "toDateInZone ",
        "duration ",
        "bytes ",
        "add ",
        "div ",
        "mod ",
        "round ",
        "int ",
        "float64 ",
        "b64enc ",
        "b64dec ",
        "urldecode ",
        "count ",
        "default ",
        "len ",
        "not ",
        "and ",
        "or ",
        "eq ",
        "lt ",
        "__line__",
        "__timestamp__",
        ".status",
        "$x := ",
        " | ",
        "9223372036854775807",
        "-1",
        "99999999",
        "%999d",
        "%*d",
        "%q",
        "%x",
        "%v",
        "`",
        "\"",
    ],
};

/// Runs a query over one line.
fn over(asked: &str, line: &str) {
    let logs = Logs::new(&limits(), Clock::at(END));
    let labels = Labels::new(vec![("app".to_owned(), "a".to_owned())]);
    // A line may be refused for its size.
    if logs.push(labels, vec![entry(BEGIN, line)]).is_ok() {
        query(&Arc::new(logs), asked);
    }
}

/// JSON, protobuf in snappy (which is packed here or comes so), and compressed bodies.
pub(crate) const PUSH: Target = Target {
    name: "loki-push",
    run: |bytes| {
        let (way, rest) = input::choice(bytes, 5);
        let (kind, encoding) = match way {
            0 => ("application/json", ""),
            1 | 2 => ("application/x-protobuf", ""),
            3 => ("application/json", "gzip"),
            _ => ("application/json", "deflate"),
        };
        let body = if way == 1 {
            packed(rest)
        } else {
            rest.to_vec()
        };
        let logs = Arc::new(Logs::new(&limits(), Clock::at(END)));
        let path = "/loki/api/v1/push";
        let call = Call {
            verb: Verb::Post,
            path,
            kind: (kind, encoding),
            body: &body,
        };
        let _ = ask(logs::router(Arc::clone(&logs)), &call);
        drop(logs.select(&[], i64::MIN, i64::MAX));
    },
    seeds: || {
        let json = format!(
            r#"{{"streams":[{{"stream":{{"app":"a"}},"values":[["{BEGIN}000000","level=info x"],["{BEGIN}000001","y",{{"trace_id":"7b"}}]]}}]}}"#
        );
        let message = PushRequest {
            streams: vec![StreamAdapter {
                labels: r#"{app="payment", env="l\"ab"}"#.to_owned(),
                entries: vec![EntryAdapter {
                    timestamp: Some(Timestamp {
                        seconds: BEGIN / 1_000,
                        nanos: 5,
                    }),
                    line: "level=error msg=declined".to_owned(),
                }],
                hash: 0,
            }],
        }
        .encode_to_vec();
        let (gzip, deflate) = compressed(json.as_bytes());
        let mut all = seeds::chosen(0, [json]);
        all.extend([
            [&[1], message.as_slice()].concat(),
            [vec![2], packed(&message)].concat(),
            [vec![3], gzip].concat(),
            [vec![4], deflate].concat(),
        ]);
        all
    },
    words: &[
        "{\"streams\":[",
        "\"stream\":{",
        "\"values\":[[",
        "\"1760436000000000000\"",
        "{app=\"a\"}",
        "\\u0000",
        "null",
        "\"structuredMetadata\"",
        "\x0a",
        "\x12",
    ],
};

/// `bytes` in the two ways in which clients compress.
fn compressed(bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let read = |mut from: Box<dyn Read + '_>| {
        let mut out = Vec::new();
        // Reading from memory does not fail.
        let _ = from.read_to_end(&mut out);
        out
    };
    let level = flate2::Compression::fast();
    (
        read(Box::new(flate2::read::GzEncoder::new(bytes, level))),
        read(Box::new(flate2::read::DeflateEncoder::new(bytes, level))),
    )
}

/// The first line is a path with its parameters, what follows is a form.
pub(crate) const API: Target = Target {
    name: "logs-api",
    run: |bytes| {
        let Some((path, form)) = input::line(bytes) else {
            return;
        };
        // A tail never ends.
        if path.contains("tail") {
            return;
        }
        let verb = if form.is_empty() {
            Verb::Get
        } else {
            Verb::Post
        };
        let kind = (FORM, "");
        let call = Call {
            verb,
            path,
            kind,
            body: form.as_bytes(),
        };
        let _ = ask(router(), &call);
    },
    seeds: || {
        let v1 = "/loki/api/v1";
        let lines = escaped("{app=\"orders\"} | json");
        let rate = escaped("rate({app=\"orders\"}[1m])");
        [
            format!("{v1}/query?query={rate}&time=1760436300"),
            format!("{v1}/query_range?query={lines}&start=1760436000&end=1760436600.5&limit=10&direction=forward&interval=2s"),
            format!("{v1}/query_range?query={rate}&since=10m&step=1m"),
            format!("{v1}/query_range\nquery={rate}&start=2025-10-14T10:00:00Z&end=1760436600000000000&step=30"),
            format!("{v1}/labels?since=1h&query={lines}"),
            format!("{v1}/label/app/values?start=0&end=9e9"),
            format!("{v1}/series?match[]={lines}&since=1h"),
            format!("{v1}/index/stats?query={lines}&since=1h"),
            format!("{v1}/index/volume?query={lines}&since=1h&limit=2&targetLabels=app&aggregateBy=labels"),
            format!("{v1}/index/volume_range?query={lines}&since=1h&step=5m"),
            format!("{v1}/detected_labels?query={lines}&since=1h"),
            format!("{v1}/detected_fields?query={lines}&since=1h&line_limit=5&limit=3"),
            format!("{v1}/detected_field/a/values?query={lines}&since=1h"),
            format!("{v1}/patterns?query={lines}&since=1h&step=10s"),
            format!("{v1}/format_query?query={rate}"),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
    words: &[
        "&start=",
        "&end=",
        "&since=",
        "&step=",
        "&interval=",
        "&limit=",
        "&direction=",
        "&time=",
        "&line_limit=",
        "-9223372036854775808",
        "9223372036854775807",
        "0.0000001",
        "1e300",
        "1ns",
        "9999999999",
        "2025-10-14T10:00:00Z",
        "-9999-01-01T00:00:00Z",
        "&targetLabels=",
        "1y",
    ],
};

fn router() -> Router {
    logs::router(Arc::clone(&DATA))
}
