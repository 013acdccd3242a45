//! Tests of queries over one small trace.
//!
//! ```text
//! a (front)                 root
//! ├── b (back)              error, n=5, tags=[x, y], flag=true
//! │   └── d (back)          events: one{k=1}, two{k=2}; a link
//! └── c (back)              n=7.5, size=10
//! orphan (back)             its parent is missing
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

use super::eval::Plan;
use super::limits::{PushError, TraceLimits};
use super::metrics::{self, Asked, Range};
use super::spans::Trace;
use super::traceql::parse;
use super::{Traces, Value};
use crate::Limits;
use crate::clock::Clock;

const SECOND: u64 = 1_000_000_000;

fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, any_value::Value::StringValue(value.to_owned()))
}

fn int(key: &str, value: i64) -> KeyValue {
    pair(key, any_value::Value::IntValue(value))
}

/// A span of the trace 1 that starts `id` seconds after 100 and takes as many.
fn span(id: u8, parent: u8, name: &str, attributes: Vec<KeyValue>) -> Span {
    let bytes = |id: u8| match id {
        0 => Vec::new(),
        id => vec![0, 0, 0, 0, 0, 0, 0, id],
    };
    let mut trace_id = vec![0; 16];
    trace_id[15] = 1;
    Span {
        trace_id,
        span_id: bytes(id),
        parent_span_id: bytes(parent),
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: (100 + u64::from(id)) * SECOND,
        end_time_unix_nano: (100 + 2 * u64::from(id)) * SECOND,
        attributes,
        ..Span::default()
    }
}

fn of_service(name: &str, spans: Vec<Span>) -> ResourceSpans {
    ResourceSpans {
        resource: Some(Resource {
            attributes: vec![text("service.name", name), int("n", 1)],
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            spans,
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    }
}

fn trace() -> Vec<ResourceSpans> {
    let list = any_value::Value::ArrayValue(ArrayValue {
        values: ["x", "y"]
            .map(|item| AnyValue {
                value: Some(any_value::Value::StringValue(item.to_owned())),
            })
            .to_vec(),
    });
    let mut b = span(
        2,
        1,
        "b",
        vec![
            int("n", 5),
            pair("tags", list),
            pair("flag", any_value::Value::BoolValue(true)),
        ],
    );
    b.status = Some(Status {
        message: "broken".to_owned(),
        code: 2,
    });
    let c = vec![
        pair("n", any_value::Value::DoubleValue(7.5)),
        int("size", 10),
    ];
    let mut d = span(4, 2, "d", Vec::new());
    d.events = vec![event("one", 105, 1), event("two", 106, 2)];
    d.links = vec![Link {
        trace_id: vec![0xab; 16],
        span_id: vec![1; 8],
        attributes: vec![text("why", "retry")],
        ..Link::default()
    }];
    vec![
        of_service("front", vec![span(1, 0, "a", Vec::new())]),
        of_service(
            "back",
            vec![b, span(3, 1, "c", c), d, span(6, 99, "orphan", Vec::new())],
        ),
    ]
}

fn event(name: &str, seconds: u64, k: i64) -> Event {
    Event {
        time_unix_nano: seconds * SECOND,
        name: name.to_owned(),
        attributes: vec![int("k", k)],
        ..Event::default()
    }
}

fn store(limits: TraceLimits) -> Traces {
    let limits = Limits {
        traces: limits,
        ..Limits::default()
    };
    Traces::new(&limits, Clock::system())
}

fn kept() -> Arc<Trace> {
    let traces = store(TraceLimits::default());
    traces.push(trace()).expect("taken");
    traces.within(0, u64::MAX).remove(0)
}

/// The names of the spans that a query finds, set by set.
fn found(trace: &Trace, query: &str) -> String {
    let query = parse(query).expect(query);
    let sets = match Plan::new(&query.pipeline, &[]).run(trace) {
        Ok(sets) => sets,
        Err(error) => return error.to_string(),
    };
    let names = |spans: &[usize]| {
        let names = spans.iter().map(|at| trace.spans[*at].name.to_string());
        names.collect::<Vec<_>>().join(" ")
    };
    let sets: Vec<String> = sets.iter().map(|set| names(&set.spans)).collect();
    sets.join(" | ")
}

fn asked(range: Range, exemplars: usize) -> Asked {
    Asked {
        range,
        exemplars,
        deadline: Instant::now() + Duration::from_secs(60),
    }
}

#[test]
fn queries_find_what_the_language_says() {
    let trace = kept();
    for (query, names) in [
        ("{ }", "a b c d orphan"),
        ("{ false }", ""),
        ("{ name = \"b\" || name = \"c\" }", "b c"),
        ("{ status = error && span:statusMessage = \"broken\" }", "b"),
        ("{ kind != server }", ""),
        ("{ duration >= 3s }", "c d orphan"),
        ("{ resource.service.name =~ \"fr.*\" }", "a"),
        ("{ resource.service.name =~ \"fr\" }", ""),
        // Without a scope the span's attribute hides the resource's.
        ("{ .n = 1 }", "a d orphan"),
        ("{ span.n != nil }", "b c"),
        ("{ span.n = nil }", "a d orphan"),
        ("{ span.n = 5 }", "b"),
        // A number is compared with what has its type.
        ("{ span.n > 1 }", "b"),
        ("{ span.n > 1.0 }", "c"),
        ("{ span.n + 1 > 1 }", "b c"),
        ("{ span.n * 2 = 15 }", "c"),
        ("{ span.n = resource.n + 4 }", "b"),
        ("{ span.n != \"5\" }", ""),
        ("{ span.flag }", "b"),
        ("{ span.flag = true && span.tags = \"y\" }", "b"),
        ("{ span.tags =~ \"x|z\" }", "b"),
        ("{ span.tags = \"z\" }", ""),
        // Only what differs is read of an array.
        ("{ span.tags != \"x\" }", "b"),
        // What a server reads for a negation is what it negates.
        ("{ !(name = \"b\") }", ""),
        ("{ !span.flag }", ""),
        ("{ !(name = \"b\") || name = \"c\" }", "c"),
        ("{ event:name = \"two\" }", "d"),
        ("{ event:name = \"two\" && event.k = 1 }", ""),
        ("{ event.k > 1 && event:timeSinceStart = 2s }", "d"),
        (
            "{ link.why = \"retry\" && link:traceID = \"abababababababababababababababab\" }",
            "d",
        ),
        (
            "{ trace:rootService = \"front\" && rootName = \"a\" && name = \"c\" }",
            "c",
        ),
        (
            "{ trace:id = \"00000000000000000000000000000001\" && name = \"a\" }",
            "a",
        ),
        ("{ span:id = \"0000000000000003\" }", "c"),
        ("{ span:parentID = \"0000000000000001\" }", "b c"),
        ("{ span:childCount = 2 }", "a"),
        ("{ nestedSetParent < 0 }", "a"),
        ("{ nestedSetLeft = 0 }", "orphan"),
        ("{ traceDuration = 11s && name = \"a\" }", "a"),
        ("{ name = \"a\" } >> { }", "b c d"),
        ("{ name = \"a\" } > { }", "b c"),
        ("{ name = \"d\" } << { }", "a b"),
        ("{ name = \"d\" } < { }", "b"),
        ("{ name = \"b\" } ~ { }", "c"),
        ("{ name = \"a\" } !>> { }", "a orphan"),
        ("{ name = \"a\" } !> { }", "a d orphan"),
        ("{ name = \"d\" } !<< { }", "c d orphan"),
        ("{ name = \"d\" } !< { }", "a c d orphan"),
        ("{ name = \"b\" } !~ { }", "a b d orphan"),
        ("{ } &>> { name = \"d\" }", "a b d"),
        ("{ } &> { name = \"d\" }", "b d"),
        ("{ name = \"d\" } &<< { }", "a b d"),
        ("{ name = \"d\" } &< { }", "b d"),
        ("{ } &~ { name = \"b\" }", "b c"),
        ("{ name = \"a\" } && { name = \"d\" }", "a d"),
        ("{ name = \"a\" } && { name = \"x\" }", ""),
        ("{ name = \"a\" } || { name = \"x\" }", "a"),
        ("{ name = \"a\" } > { } > { name = \"d\" }", "d"),
        ("{ } | count() > 4", "a b c d orphan"),
        ("{ } | count() > 5", ""),
        ("{ } | max(duration) = 6s", "a b c d orphan"),
        ("{ } | sum(span.size) = 10", "a b c d orphan"),
        ("{ } | avg(span.nothing) = 0", ""),
        ("{ } | by(resource.service.name)", "a | b c d orphan"),
        ("{ } | by(resource.service.name) | count() = 1", "a"),
        ("{ } | by(name) | coalesce()", "a b c d orphan"),
        ("{ } | select(name) | { status = error }", "b"),
        (
            "({ } | count() > 4) && ({ name = \"a\" } | count() = 1)",
            "a b c d orphan",
        ),
        (
            "({ } | by(name)) >> ({ } | by(name))",
            "spanset operators are not supported for multiple spansets per trace. consider using \
             coalesce()",
        ),
    ] {
        assert_eq!(found(&trace, query), names, "{query}");
    }
}

#[test]
fn spans_are_shown_with_what_the_query_asks_of_them() {
    let trace = kept();
    for (query, name, shown) in [
        ("{ span.n = 5 }", "b", "span.n=5"),
        ("{ .n = 1 }", "a", "resource.n=1"),
        // All texts of a scope that a query asks for are read together.
        (
            "{ name = \"b\" && span.tags = \"x\" }",
            "b",
            "name=b span.tags=x",
        ),
        (
            "{ span.tags = \"x\" } | select(span.tags)",
            "b",
            "span.tags=[`x`, `y`]",
        ),
        ("{ span.n = nil }", "a", "span.n=nil"),
        ("{ } | select(event:name, span.n)", "d", "event:name=two"),
        ("{ event.k = 1 }", "d", "event.k=1"),
        (
            "{ name = \"b\" } || { status = error }",
            "b",
            "name=b status=error",
        ),
        (
            "{ } | select(span:parentID)",
            "a",
            "span:parentID=0000000000000000",
        ),
    ] {
        let parsed = parse(query).expect(query);
        let plan = Plan::new(&parsed.pipeline, &[]);
        let at = trace.spans.iter().position(|span| &*span.name == name);
        let pairs: Vec<String> = plan
            .shown(&trace, at.expect(name))
            .into_iter()
            .map(|(attribute, value)| format!("{attribute}={}", value.show()))
            .collect();
        assert_eq!(pairs.join(" "), shown, "{query}");
    }
}

#[test]
fn metrics_are_counted_by_step_and_group() {
    let trace = kept();
    let at = |seconds: u64| (seconds * SECOND) as i64;
    let range = Range {
        start: at(100),
        end: at(108),
        step: at(4),
    };
    for (query, wanted) in [
        ("{ } | count_over_time()", "__name__=count_over_time: 0 4 1"),
        ("{ } | rate()", "__name__=rate: 0 1 0.25"),
        (
            "{ } | count_over_time() by (resource.service.name)",
            "resource.service.name=back: 0 3 1; resource.service.name=front: 0 1 0",
        ),
        (
            "{ name != \"a\" } | count_over_time() by (span.n, span.size)",
            "span.n=7.5,span.size=10: 0 1 0; span.n=5: 0 1 0; span.n=nil: 0 1 1",
        ),
        (
            "{ } | max_over_time(duration)",
            "__name__=max_over_time: - 4 6",
        ),
        (
            "{ } | min_over_time(span.n)",
            "__name__=min_over_time: - 5 -",
        ),
        (
            "{ } | avg_over_time(span.n)",
            "__name__=avg_over_time: - 6.25 -",
        ),
        (
            "{ span.n != nil } | sum_over_time(span.n)",
            "__name__=sum_over_time: - 12.5 -",
        ),
        // Absent numbers spoil a sum, as they do on a real server.
        (
            "{ } | sum_over_time(span.n)",
            "__name__=sum_over_time: - - -",
        ),
        (
            "{ name = \"b\" } | quantile_over_time(duration, 1)",
            "p=1.0: 0 2.147483648 0",
        ),
        ("{ } | histogram_over_time(span.n)", "__bucket=8.0: 0 1 0"),
        (
            "{ } | count_over_time() by (name) | topk(1) > 0",
            "name=a: - 1 -; name=orphan: - - 1",
        ),
    ] {
        let parsed = parse(query).expect(query);
        let metrics = parsed.metrics.clone().expect("metrics");
        let asked = asked(range, 10);
        let traces = [Arc::clone(&trace)];
        let series = metrics::series(&parsed, &metrics, &traces, asked).expect(query);
        let shown: Vec<String> = series.iter().map(shown).collect();
        let sorted = |text: &str| {
            let mut parts: Vec<String> = text.split("; ").map(str::to_owned).collect();
            parts.sort_unstable();
            parts
        };
        assert_eq!(sorted(&shown.join("; ")), sorted(wanted), "{query}");
    }
}

fn shown(series: &metrics::Series) -> String {
    let label = |(name, value): &(String, Value<'static>)| format!("{name}={}", value.show());
    let labels: Vec<String> = series.labels.iter().map(label).collect();
    let point = |point: &f64| {
        if point.is_nan() {
            "-".to_owned()
        } else {
            point.to_string()
        }
    };
    let points: Vec<String> = series.points.iter().map(point).collect();
    format!("{}: {}", labels.join(","), points.join(" "))
}

#[test]
fn exemplars_point_at_traces() {
    let trace = kept();
    let parsed = parse("{ name = \"b\" } | max_over_time(duration) by (kind)").expect("a query");
    let metrics = parsed.metrics.clone().expect("metrics");
    let range = Range {
        start: (104 * SECOND) as i64,
        end: (104 * SECOND) as i64,
        step: (4 * SECOND) as i64,
    };
    for (limit, count) in [(10, 1), (0, 0)] {
        let asked = asked(range, limit);
        let traces = [Arc::clone(&trace)];
        let series = metrics::series(&parsed, &metrics, &traces, asked).expect("series");
        assert_eq!(series[0].exemplars.len(), count);
        for exemplar in &series[0].exemplars {
            assert_eq!((exemplar.value, exemplar.millis), (2.0, 102_000));
            let id = ("trace:id".to_owned(), Value::text("1"));
            assert!(exemplar.labels.contains(&id), "{:?}", exemplar.labels);
        }
    }
}

#[test]
fn selections_are_compared_with_the_rest() {
    let trace = kept();
    let parsed = parse("{ } | compare({ status = error }, 1)").expect("a query");
    let metrics = parsed.metrics.clone().expect("metrics");
    let range = Range {
        start: (108 * SECOND) as i64,
        end: (108 * SECOND) as i64,
        step: (8 * SECOND) as i64,
    };
    let asked = asked(range, 0);
    let series = metrics::series(&parsed, &metrics, &[trace], asked).expect("series");
    let all: Vec<String> = series.iter().map(shown).collect();
    for one in [
        "__meta_type=baseline,resource.service.name=back: 3",
        "__meta_type=baseline_total,resource.service.name=nil: 4",
        "__meta_type=selection,name=b: 1",
        "__meta_type=selection_total,span.n=nil: 1",
    ] {
        assert!(all.iter().any(|s| s == one), "{one} among {all:#?}");
    }
}

#[test]
fn what_is_no_trace_or_too_much_is_refused() {
    let limits = TraceLimits {
        bytes_per_second: 0,
        burst_bytes: 0,
        bytes_per_trace: 200,
        live_traces: 1,
    };
    let traces = store(limits);
    let one = |change: fn(&mut Span)| {
        let mut span = span(1, 0, "a", Vec::new());
        change(&mut span);
        vec![of_service("x", vec![span])]
    };
    let refused = [
        (one(|s| s.trace_id = vec![1; 8]), PushError::TraceId(64)),
        (one(|s| s.span_id = vec![0; 8]), PushError::SpanId(64)),
        (one(|s| s.span_id = Vec::new()), PushError::SpanId(0)),
    ];
    for (request, error) in refused {
        assert_eq!(traces.push(request), Err(error));
    }
    assert_eq!(traces.push(one(|_| {})).map(|r| r.spans), Ok(0));
    let large = one(|s| s.name = "x".repeat(300));
    let rejected = traces.push(large).expect("an answer");
    assert!(
        rejected
            .message
            .starts_with("TRACE_TOO_LARGE: max size of trace (200) exceeded")
    );
    let other = one(|s| s.trace_id = vec![2; 16]);
    let rejected = traces.push(other).expect("an answer");
    assert_eq!(rejected.spans, 1);
    assert!(rejected.message.starts_with("LIVE_TRACES_EXCEEDED: "));
    assert_eq!(traces.within(0, u64::MAX).len(), 1);
}

#[test]
fn the_oldest_traces_go_when_memory_is_full() {
    let limits = Limits {
        traces_bytes: 4_000,
        ..Limits::default()
    };
    let traces = Traces::new(&limits, Clock::system());
    for id in 1..=50_u8 {
        let mut span = span(1, 0, "a", Vec::new());
        span.trace_id = vec![id; 16];
        traces
            .push(vec![of_service("x", vec![span])])
            .expect("taken");
        assert!(traces.bytes() <= 4_000);
    }
    assert!(traces.dropped() > 0);
    assert!(traces.get(&[50; 16]).is_some());
    assert!(traces.get(&[1; 16]).is_none());
}

#[test]
fn points_are_counted_to_the_ends_of_time() {
    for (start, end, step, count) in [
        (0, i64::MAX, i64::MAX, 2),
        (i64::MIN, i64::MAX, i64::MAX, 2),
        (i64::MIN, i64::MIN, 1, 1),
    ] {
        let range = Range { start, end, step };
        assert_eq!(range.count(), count);
        assert!(range.index(i64::MAX).is_none_or(|at| at < count));
        assert!(range.millis(count - 1) <= i64::MAX / 1_000_000);
    }
}
