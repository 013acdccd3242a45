//! Traces: TraceQL, and the API's parameters.

use std::sync::{Arc, LazyLock};

use axum::Router;
use store::clock::Clock;
use store::traces::{self, Traces, traceql};

use crate::http::{Call, Verb, ask, escaped};
use crate::metrics::{END, limits};
use crate::{Target, input, otlp, seeds};

/// One small trace.
static DATA: LazyLock<Arc<Traces>> = LazyLock::new(|| {
    let (limits, clock) = (limits(), Clock::at(END));
    let traces = Arc::new(Traces::new(&limits, clock));
    let router = store::otlp::router(
        Arc::new(store::logs::Logs::new(&limits, clock)),
        Arc::clone(&traces),
        Arc::new(store::metrics::Metrics::new(&limits, clock)),
    );
    let body = otlp::TRACES_JSON.as_bytes();
    let kind = ("application/json", "");
    let call = Call {
        verb: Verb::Post,
        path: "/v1/traces",
        kind,
        body,
    };
    let status = ask(router, &call).map(|(status, _)| status.as_u16());
    assert_eq!(status, Some(200));
    traces
});

fn router() -> Router {
    traces::router(Arc::clone(&DATA))
}

fn get(path: &str) {
    let call = Call {
        verb: Verb::Get,
        path,
        kind: ("", ""),
        body: &[],
    };
    // Whatever the status: it is answered.
    let _ = ask(router(), &call);
}

const TIMES: &str = "start=1760436000&end=1760436600";

/// Queries, whole and unfinished: what they find, what they count.
pub(crate) const TRACEQL: Target = Target {
    name: "traceql",
    run: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        drop(traceql::parse_unfinished(text));
        drop(traceql::parse_attribute(text));
        let Ok(query) = traceql::parse(text) else {
            return;
        };
        let shown = query.pipeline.iter().map(ToString::to_string);
        drop(shown.collect::<Vec<_>>());
        let asked = escaped(text);
        get(&format!("/api/search?q={asked}&{TIMES}"));
        get(&format!(
            "/api/metrics/query_range?q={asked}&{TIMES}&step=60s"
        ));
        get(&format!(
            "/api/v2/search/tag/span.peer/values?q={asked}&{TIMES}"
        ));
    },
    seeds: || {
        let path = "crates/store/src/traces/traceql/tests.rs";
        let mut texts = seeds::queries();
        texts.extend(seeds::literals(path, |text| text.contains('{')));
        // As deep as queries may be.
        texts.push(format!("{{ {}true{} }}", "(".repeat(140), ")".repeat(140)));
        seeds::bytes(texts)
    },
    words: &[
        "{ }",
        "resource.",
        "span.",
        "event.",
        "link.",
        "instrumentation.",
        "event:name",
        "link:spanID",
        "trace:id",
        "span:id",
        "name",
        "kind = server",
        "status = error",
        "duration > 1ms",
        "rootName",
        "traceDuration",
        "nestedSetLeft",
        "span:childCount",
        ">>",
        "<<",
        "!>>",
        "&>",
        "~",
        "!~",
        "=~",
        "&&",
        "||",
        "| by(",
        "| select(",
        "| count() > ",
        "| avg(duration)",
        "| coalesce()",
        "| rate()",
        "| count_over_time()",
        "| quantile_over_time(duration, 0.9)",
        "| histogram_over_time(duration)",
        "| compare({",
        "| topk(2)",
        "| bottomk(1)",
        " with (exemplars=true)",
        "nil",
        "minInt",
        "maxInt",
        "parent.",
        "statusMessage",
        "9223372036854775807",
        "^",
        "%",
        "// ",
        "/* ",
    ],
};

/// A path with its parameters.
pub(crate) const API: Target = Target {
    name: "traces-api",
    run: |bytes| {
        if let Some((path, _)) = input::line(bytes) {
            get(path);
        }
    },
    seeds: || {
        let all = escaped("{ }");
        let rate = escaped("{ } | rate() by (name)");
        [
            format!("/api/search?q={all}&limit=3&spss=2&{TIMES}"),
            "/api/search?tags=service.name%3Dorders%20name%3D%22pay%22&minDuration=1ms&maxDuration=1h".to_owned(),
            format!("/api/metrics/query_range?q={rate}&{TIMES}&step=5s&exemplars=3"),
            format!("/api/metrics/query_range?q={rate}&since=1h"),
            format!("/api/metrics/query?q={rate}&start=1760436000000000000&end=1760436600"),
            format!("/api/search/tags?scope=span&{TIMES}"),
            format!("/api/v2/search/tags?scope=resource&limit=2&maxStaleValues=1&q={all}"),
            "/api/search/tag/service.name/values".to_owned(),
            format!("/api/v2/search/tag/.http.status_code/values?q={all}&limit=1"),
            "/api/traces/0102030405060708090a0b0c0d0e0f10?start=1&end=2".to_owned(),
            "/api/v2/traces/102030405060708090a0b0c0d0e0f10".to_owned(),
            "/status/buildinfo".to_owned(),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
    words: &[
        "&start=",
        "&end=",
        "&since=",
        "&step=",
        "&limit=",
        "&spss=",
        "&exemplars=",
        "&minDuration=",
        "&maxDuration=",
        "&tags=",
        "&scope=",
        "9223372036854775807",
        "-1",
        "1ns",
        "1y",
        "4294967296",
    ],
};
