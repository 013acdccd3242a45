//! Metrics: PromQL, pages of targets, remote write, chunks, and the API's parameters.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use store::clock::Clock;
use store::collect::scrape::exposition::{Format, labels_of, parse as page};
use store::collect::scrape::{PageWriter, Targets};
use store::metrics::api::{self, Api as Shared};
use store::metrics::chunk::OpenChunk;
use store::metrics::promql::{self, LOOKBACK, Request};
use store::metrics::{Head, Metrics, Sample};
use store::rules::Ruler;
use store::{Limits, RuleFile};

use crate::http::{Call, Verb, ask, escaped};
use crate::{Target, input, seeds};

/// When the data begins, milliseconds since the epoch.
pub(crate) const BEGIN: i64 = 1_760_436_000_000;
/// When it ends.
pub(crate) const END: i64 = BEGIN + 10 * 60_000;

/// Bounds that small data must keep to.
pub(crate) fn limits() -> Limits {
    Limits {
        metrics_bytes: 1 << 20,
        traces_bytes: 1 << 20,
        max_samples: 200_000,
        query_timeout: Duration::from_secs(2),
        ..Limits::default()
    }
}

/// Ten minutes of what a small shop shows.
static DATA: LazyLock<Arc<Metrics>> = LazyLock::new(|| {
    let metrics = Metrics::new(&limits(), Clock::at(END));
    for instance in ["10.0.0.1:80", "10.0.0.2:80"] {
        let target = [("job", "orders"), ("instance", instance)];
        let target = target.map(|(n, v)| (n.to_owned(), v.to_owned()));
        let mut writer = PageWriter::new(target.to_vec());
        for round in 0..40 {
            let text = shown(round);
            let written = writer.page(
                metrics.head(),
                &text,
                Format::Text,
                BEGIN + 15_000 * i64::from(round),
            );
            assert!(written.is_ok(), "{written:?}");
        }
    }
    Arc::new(metrics)
});

fn shown(round: u32) -> String {
    let restarted = round % 17;
    let stale = if round.is_multiple_of(5) {
        "NaN"
    } else {
        "7.5"
    };
    format!(
        "# TYPE http_requests_total counter\n\
         http_requests_total{{code=\"200\",route=\"/cart\"}} {n}\n\
         http_requests_total{{code=\"500\",route=\"/cart\"}} {restarted}\n\
         # TYPE took histogram\n\
         took_bucket{{le=\"0.1\"}} {n}\ntook_bucket{{le=\"1\"}} {m}\ntook_bucket{{le=\"+Inf\"}} {m}\n\
         took_sum {n}.5\ntook_count {m}\n\
         # TYPE depth gauge\ndepth{{queue=\"a\"}} {stale}\nempty{{}} -Inf\n",
        n = round * 3,
        m = round * 4,
    )
}

/// The data, for others that ask metrics.
pub(crate) fn data() -> Arc<Metrics> {
    Arc::clone(&DATA)
}

const PROMQL_WORDS: &[&str] = &[
    "sum",
    "by",
    "without",
    "rate(",
    "increase(",
    "histogram_quantile(",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "bool",
    "offset",
    "[5m]",
    "[5m:1m]",
    "@",
    "start()",
    "end()",
    "and",
    "or",
    "unless",
    "absent(",
    "label_replace(",
    "label_join(",
    "topk",
    "quantile",
    "count_values",
    "http_requests_total",
    "took_bucket",
    "depth",
    "predict_linear(",
    "double_exponential_smoothing(",
    "quantile_over_time(",
    "=~",
    "!~",
    "==",
    "inf",
    "nan",
    "0x1F",
    "1e308",
    "-1y",
    "info(",
    "round(",
    "clamp(",
    "sort_by_label(",
    "timestamp(",
    "day_of_month(",
    "vector(",
    "scalar(",
    "time()",
    "atan2",
    "limitk",
    "limit_ratio",
    "http_requests_total{code=\"500\"}",
    "deriv(",
    "resets(",
    "changes(",
    "mad_over_time(",
];

/// Queries, their evaluation and how they are printed; durations and selectors.
pub(crate) const PROMQL: Target = Target {
    name: "promql",
    run: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        if let Ok(ms) = promql::parse_duration(text) {
            let shown = promql::format_duration(ms);
            assert_eq!(promql::parse_duration(&shown), Ok(ms), "{shown}");
        }
        // What matters of a selector and a tree is that they end.
        drop(promql::parse_selector(text));
        let Ok(expr) = promql::parse(text) else {
            return;
        };
        drop(promql::tree(&expr));
        let shown = promql::pretty(&expr);
        let again = promql::parse(&shown);
        assert!(again.is_ok(), "{text:?} is printed as {shown:?}: {again:?}");
        for step in [None, Some(30_000)] {
            let request = Request {
                query: text,
                expr: &expr,
                start: BEGIN + 300_000,
                end: END,
                step,
                lookback: LOOKBACK,
                max_samples: limits().max_samples,
                deadline: Some(tokio::time::Instant::now() + limits().query_timeout),
            };
            // A query may fail, with one of its errors.
            drop(promql::evaluate(
                DATA.head(),
                &request,
                &AtomicBool::new(false),
            ));
        }
    },
    seeds: || {
        let mut texts = seeds::queries();
        texts.extend(seeds::expressions());
        for file in ["parser.rs", "print.rs", "parser/duration.rs", "eval.rs"] {
            let path = format!("crates/store/src/metrics/promql/{file}");
            texts.extend(seeds::literals(&path, |text| promql::parse(text).is_ok()));
        }
        texts.extend([
            "histogram_quantile(0.9, sum by (le) (rate(took_bucket[5m])))".to_owned(),
            "http_requests_total / on(instance) group_left(code) took_count".to_owned(),
            "max_over_time(rate(http_requests_total[1m])[5m:30s] offset 1m)".to_owned(),
            "label_replace(depth, \"a\", \"$1\", \"queue\", \"(.*)\") @ end()".to_owned(),
            "count_values(\"v\", depth) unless topk(1, depth)".to_owned(),
            // As long and as deep as queries may be.
            vec!["depth"; 500].join("+"),
            "(".repeat(190) + "depth" + &")".repeat(190),
            "sum(".repeat(190) + "depth" + &")".repeat(190),
        ]);
        seeds::bytes(texts)
    },
    words: PROMQL_WORDS,
};

/// Pages of both formats, and what is written of them.
pub(crate) const EXPOSITION: Target = Target {
    name: "exposition",
    run: |bytes| {
        let (format, rest) = input::choice(bytes, 2);
        let format = [Format::Text, Format::OpenMetrics][usize::from(format)];
        let Ok(text) = std::str::from_utf8(rest) else {
            return;
        };
        if let Ok(page) = page(text, format) {
            for sample in &page.samples {
                // Labels are read when a series is new; a page does not fail by them.
                drop(labels_of(sample.series));
            }
        }
        let head = Head::new(&limits());
        let mut writer = PageWriter::new(vec![("job".to_owned(), "a".to_owned())]);
        for t in [BEGIN, BEGIN + 1_000] {
            drop(writer.page(&head, text, format, t));
        }
        writer.own(&head, "up", BEGIN, 1.0);
        writer.end(&head, END);
    },
    seeds: || {
        let path = "crates/store/src/collect/scrape/exposition.rs";
        let mut all = seeds::chosen(0, [shown(3)]);
        all.extend(seeds::chosen(
            0,
            seeds::literals(path, |text| text.contains(' ')),
        ));
        all.extend(seeds::chosen(
            1,
            seeds::literals(path, |text| text.contains(' ')),
        ));
        all.extend(seeds::chosen(1, [
            "# TYPE a counter\n# UNIT a_seconds seconds\na_total{b=\"c\"} 1 1.5 # {trace_id=\"1\"} 0.5 1.25\n# EOF\n".to_owned(),
        ]));
        all
    },
    words: &[
        "# TYPE ",
        "# HELP ",
        "# UNIT ",
        "# EOF\n",
        "counter",
        "gauge",
        "histogram",
        "summary",
        "_bucket{le=\"",
        "_total",
        "_created",
        " # {trace_id=\"",
        "+Inf",
        "NaN",
        "\\\"",
        "\\n",
        "{\"utf 8\",",
        "info",
        "stateset",
        "gaugehistogram",
        "unknown",
        "1e400",
        "-0x1p-4",
    ],
};

/// Protobuf 1.0 and 2.0 in snappy; half of the ways pack the bytes first, so that what is behind snappy is reached.
pub(crate) const REMOTE_WRITE: Target = Target {
    name: "remote-write",
    run: |bytes| {
        let (way, rest) = input::choice(bytes, 4);
        let metrics = Metrics::new(&limits(), Clock::at(END));
        let kind = if way % 2 == 0 {
            "application/x-protobuf"
        } else {
            "application/x-protobuf;proto=io.prometheus.write.v2.Request"
        };
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static("content-type"),
            HeaderValue::from_static(kind),
        );
        headers.insert(
            HeaderName::from_static("content-encoding"),
            HeaderValue::from_static("snappy"),
        );
        let packed = if way < 2 { packed(rest) } else { rest.to_vec() };
        for _ in 0..2 {
            metrics
                .receiver()
                .receive(&metrics, &headers, &packed, StatusCode::OK);
        }
    },
    seeds: || {
        // A time series {__name__="a", b="c"} with a sample and an exemplar; the same in 2.0.
        let first = b"\x0a\x31\x0a\x0d\x0a\x08__name__\x12\x01a\x0a\x06\x0a\x01b\x12\x01c\x12\x10\x09\0\0\0\0\0\0\xf0\x3f\x10\xc0\xbe\xb0\xa3\x9e\x33\x1a\x06\x0a\x00\x11\0\0\0";
        let second = b"\x22\x00\x22\x08__name__\x22\x01a\x22\x01b\x22\x01c\x2a\x18\x0a\x04\x01\x02\x03\x04\x12\x10\x09\0\0\0\0\0\0\xf0\x3f\x10\xc0\xbe\xb0\xa3\x9e\x33";
        vec![
            [&[0], first.as_slice()].concat(),
            [&[1], second.as_slice()].concat(),
            [vec![2], packed(first)].concat(),
            [vec![3], packed(second)].concat(),
        ]
    },
    words: &[
        "\x0a",
        "\x12",
        "\x22",
        "\x2a",
        "__name__",
        "\x08__name__",
        "\x32",
        "\x1a",
    ],
};

/// `bytes` in snappy; nothing where there are too many of them.
pub(crate) fn packed(bytes: &[u8]) -> Vec<u8> {
    let packed = snap::raw::Encoder::new().compress_vec(bytes);
    packed.unwrap_or_default()
}

/// Samples that are written to a chunk are those that are read from it.
pub(crate) const CHUNK: Target = Target {
    name: "chunk",
    run: |bytes| {
        let mut chunk = OpenChunk::default();
        let mut written: Vec<Sample> = Vec::new();
        let mut t = BEGIN;
        for piece in bytes.chunks(6) {
            let mut of = [0; 6];
            of[..piece.len()].copy_from_slice(piece);
            let [scale, low, high, a, b, c] = of;
            // Later by a little or by very much.
            let later = (i64::from(low) + (i64::from(high) << 8) + 1) << (scale % 40);
            let Some(next) = t.checked_add(later) else {
                break;
            };
            t = next;
            let value = match scale / 40 {
                0 => f64::from(a),
                1 => f64::from(a) / f64::from(b),
                2 => f64::from_bits(u64::from_be_bytes([a, b, c, a, b, c, a, b])),
                3 => f64::from_bits(u64::from_be_bytes([a, b, 0, 0, 0, 0, 0, c])),
                _ => written.last().map_or(0.0, |last| last.v) + f64::from(c),
            };
            chunk.push(t, value);
            written.push(Sample { t, v: value });
            if chunk.count() >= store::metrics::chunk::CHUNK_SAMPLES {
                break;
            }
        }
        let same = |read: &[Sample]| {
            assert_eq!(read.len(), written.len());
            for (read, written) in read.iter().zip(&written) {
                assert_eq!((read.t, read.v.to_bits()), (written.t, written.v.to_bits()));
            }
        };
        let mut read = Vec::new();
        chunk.read(i64::MIN, i64::MAX, &mut read);
        same(&read);
        let sealed = chunk.seal();
        read.clear();
        sealed.read(i64::MIN, i64::MAX, &mut read);
        same(&read);
    },
    seeds: || {
        vec![
            vec![0; 60],
            (0..=255).collect(),
            vec![39, 255, 255, 1, 2, 3, 80, 1, 0, 127, 240, 1],
        ]
    },
    words: &[],
};

/// The first line is a path with its parameters, what follows is a form.
pub(crate) const API: Target = Target {
    name: "metrics-api",
    run: |bytes| {
        let Some((path, form)) = input::line(bytes) else {
            return;
        };
        let kind = ("application/x-www-form-urlencoded", "");
        let verb = if form.is_empty() {
            Verb::Get
        } else {
            Verb::Post
        };
        let call = Call {
            verb,
            path,
            kind,
            body: form.as_bytes(),
        };
        // Whatever the status: it was answered.
        let _ = ask(router(), &call);
    },
    seeds: || {
        let v1 = "/prometheus/api/v1";
        let query = escaped("rate(http_requests_total[1m])");
        [
            format!("{v1}/query?query={query}&time=1760436300&timeout=1s&lookback_delta=1m&limit=2"),
            format!("{v1}/query_range?query={query}&start=1760436000.5&end=2025-10-14T10:10:00Z&step=30s"),
            format!("{v1}/query_range\nquery={query}&start=1760436000&end=1760436600&step=30&stats=all"),
            format!("{v1}/series?match[]={query}&start=0&end=1760436600"),
            format!("{v1}/series?match[]=%7B__name__=~%22.%2B%22%7D"),
            format!("{v1}/labels?match[]=depth&limit=1"),
            format!("{v1}/label/code/values?match[]=depth&start=-1e9"),
            format!("{v1}/label/U__a_2E_b/values"),
            format!("{v1}/query_exemplars?query=depth&start=1&end=2"),
            format!("{v1}/metadata?metric=depth&limit=1&limit_per_metric=1"),
            format!("{v1}/rules?type=alert&rule_name[]=a&match[]=depth"),
            format!("{v1}/format_query?query={query}"),
            format!("{v1}/parse_query?query={query}"),
            format!("{v1}/targets?state=active"),
            "/prometheus/config/v1/rules/a/b\nname: b\nrules:\n- record: c\n  expr: depth\n".to_owned(),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
    words: &[
        "&start=",
        "&end=",
        "&step=",
        "&time=",
        "&timeout=",
        "&lookback_delta=",
        "&limit=",
        "&match[]=",
        "query=",
        "-9e15",
        "9e15",
        "1e18",
        "9223372036854775807",
        "&stats=all",
        "2025-10-14T10:00:00Z",
        "292277026596-01-01T00:00:00Z",
        "1y",
        "1ms",
        "0.0001",
    ],
};

/// Mimir's API over the data.
fn router() -> Router {
    static RULER: LazyLock<Arc<Ruler>> = LazyLock::new(|| {
        let none: [RuleFile; 0] = [];
        let ruler = Ruler::new(&none, Duration::from_secs(60), data());
        Arc::new(ruler.unwrap_or_else(|errors| panic!("no rules are wrong: {errors:?}")))
    });
    api::router(Shared {
        metrics: data(),
        ruler: Arc::clone(&RULER),
        targets: Arc::new(Targets::default()),
    })
}
