//! The clients against small servers that answer as Mimir, Loki and Tempo do.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test says with it what it needs"
)]

use std::collections::BTreeMap;
use std::future::pending;

use axum::Router;
use axum::extract::{Path, Query, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use model::{Backend, Period, Timestamp};
use telemetry::{
    AlertState, Backends, Direction, LogAnswer, Point, SpanKind, SpanStatus, Telemetry,
    TelemetryError, TimeRange,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

type Params = BTreeMap<String, String>;

/// A server on a port of the kernel's choice, and clients of it. Ends when dropped.
struct Served {
    telemetry: Telemetry,
    _server: JoinSet<()>,
}

async fn serve(router: Router) -> Served {
    serve_for(router, Period::from_secs(5)).await
}

async fn serve_for(router: Router, timeout: Period) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let mut server = JoinSet::new();
    server.spawn(async move {
        axum::serve(listener, router).await.expect("served");
    });
    Served {
        telemetry: connect(&base, timeout),
        _server: server,
    }
}

fn connect(base: &str, timeout: Period) -> Telemetry {
    let backends = Backends {
        metrics_url: format!("{base}/prometheus/"),
        logs_url: base.to_owned(),
        traces_url: base.to_owned(),
    };
    Telemetry::connect(&backends, timeout).expect("clients")
}

fn json(text: &str) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        text.to_owned(),
    )
        .into_response()
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(second * 1_000)
}

fn range() -> TimeRange {
    TimeRange {
        from: at(100),
        to: at(160),
    }
}

#[tokio::test]
async fn metrics_are_read_as_series_of_points() {
    let answer = |body: &'static str| any(move || async move { json(body) });
    let router = Router::new()
        .route(
            "/prometheus/api/v1/query",
            answer(
                r#"{"status":"success","data":{"resultType":"vector","result":[
                {"metric":{"__name__":"up","job":"orders"},"value":[100.5,"1"]},
                {"metric":{"__name__":"up","job":"payment"},"value":[100.5,"NaN"]}]}}"#,
            ),
        )
        .route(
            "/prometheus/api/v1/query_range",
            answer(
                r#"{"status":"success","data":{"resultType":"matrix","result":[
                {"metric":{"job":"orders"},"values":[[100,"0.5"],[101,"+Inf"]]}]}}"#,
            ),
        )
        .route(
            "/prometheus/api/v1/label/__name__/values",
            answer(r#"{"status":"success","data":["up","http_requests_total"]}"#),
        )
        .route(
            "/prometheus/api/v1/series",
            answer(r#"{"status":"success","data":[{"__name__":"up","job":"orders"}]}"#),
        );
    let served = serve(router).await;
    let metrics = &served.telemetry.metrics;
    let now = metrics.instant("up", None).await.expect("answered");
    assert_eq!(now.series[0].title(), "up{job=\"orders\"}");
    assert_eq!(
        now.number().map(|p| (p.at.as_millis(), p.value)),
        Some((100_500, 1.0))
    );
    assert!(now.series[1].points[0].value.is_nan());
    let step = Period::from_secs(1);
    let over = metrics.range("up", range(), step).await.expect("answered");
    assert_eq!(over.series[0].points[1].value, f64::INFINITY);
    assert_eq!(
        metrics
            .label_values("__name__")
            .await
            .expect("answered")
            .len(),
        2
    );
    let series = metrics.series("up", range()).await.expect("answered");
    assert_eq!(series[0]["job"], "orders");
}

#[tokio::test]
async fn a_metric_query_is_sent_as_it_was_asked() {
    let router = Router::new().route(
        "/prometheus/api/v1/query_range",
        any(|request: Request| async move {
            let body = axum::body::to_bytes(request.into_body(), 10_000).await;
            let body = String::from_utf8(body.expect("a body").to_vec()).expect("text");
            let quoted = serde_json::to_string(&body).expect("JSON");
            json(&format!(
                r#"{{"status":"success","data":{{"resultType":"matrix","result":[
                    {{"metric":{{"asked":{quoted}}},"values":[]}}]}}}}"#
            ))
        }),
    );
    let served = serve(router).await;
    let step = Period::from_millis(1_500);
    let answer = served
        .telemetry
        .metrics
        .range("rate(a[5s]) > 0", range(), step);
    let answer = answer.await.expect("answered");
    let asked = &answer.series[0].labels["asked"];
    for part in [
        "query=rate%28a%5B5s%5D%29+%3E+0",
        "start=100",
        "end=160",
        "step=1.5",
    ] {
        assert!(asked.contains(part), "{asked}");
    }
}

#[tokio::test]
async fn alerts_and_rules_tell_when_an_alert_fires() {
    let alert = r#"{"state":"firing","activeAt":"2026-01-01T00:00:01.5Z","value":"1e+00",
        "labels":{"alertname":"PaymentDown","severity":"critical"},"annotations":{"summary":"s"}}"#;
    let alerts = format!(
        r#"{{"status":"success","data":{{"alerts":[{alert},{}]}}}}"#,
        alert.replace("firing", "inactive")
    );
    let rules = format!(
        r#"{{"status":"success","data":{{"groups":[{{"name":"g","file":"f","interval":2,"rules":[
            {{"type":"alerting","name":"PaymentDown","query":"up == 0","duration":3,"labels":{{}},
              "annotations":{{}},"alerts":[{alert}],"health":"ok","evaluationTime":0.1,
              "lastEvaluation":"2026-01-01T00:00:01Z","state":"firing"}},
            {{"type":"recording","name":"r","query":"1","health":"ok"}}]}}]}}}}"#
    );
    let router = Router::new()
        .route(
            "/prometheus/api/v1/alerts",
            get(move || async move { json(&alerts) }),
        )
        .route(
            "/prometheus/api/v1/rules",
            get(move || async move { json(&rules) }),
        );
    let served = serve(router).await;
    let alerts = served.telemetry.metrics.alerts().await.expect("answered");
    assert_eq!(alerts.len(), 1, "inactive alerts are left out");
    assert_eq!(
        (alerts[0].name.as_str(), alerts[0].state),
        ("PaymentDown", AlertState::Firing)
    );
    let active = Timestamp::from_millis(1_767_225_601_500);
    assert_eq!(alerts[0].active_at, active);
    let rules = served.telemetry.metrics.rules().await.expect("answered");
    assert_eq!(rules.len(), 2);
    // Held for 3 s at evaluations each 2 s.
    assert_eq!(rules[0].fires_at(active), active.plus(Period::from_secs(4)));
    assert!(!rules[1].alerting);
}

#[tokio::test]
async fn logs_are_read_as_lines_in_the_order_asked_for_or_as_series() {
    let router = Router::new()
        .route("/loki/api/v1/query_range", get(|Query(asked): Query<Params>| async move {
            if asked["query"].starts_with("sum") {
                return json(r#"{"status":"success","data":{"resultType":"matrix","result":[
                    {"metric":{"app":"orders"},"values":[[100,"3"]]}]}}"#);
            }
            // The end belongs to the range: Loki's own does not.
            assert_eq!(asked["end"], "160001000000");
            json(r#"{"status":"success","data":{"resultType":"streams","result":[
                {"stream":{"app":"orders"},"values":[["120000000000","{\"level\":\"ERROR\",\"n\":7}"],["110000000000","b"]]},
                {"stream":{"app":"carts","detected_level":"warn"},"values":[["115000000001","c",{"trace_id":"1"}]]}],"stats":{}}}"#)
        }))
        .route("/loki/api/v1/label/{name}/values", get(|Path(name): Path<String>| async move {
            match name.as_str() {
                "app" => json(r#"{"status":"success","data":["carts","orders"]}"#),
                _ => json(r#"{"status":"success"}"#),
            }
        }));
    let served = serve(router).await;
    let logs = &served.telemetry.logs;
    for (direction, order) in [
        (Direction::Forward, [110, 115, 120]),
        (Direction::Backward, [120, 115, 110]),
    ] {
        let answer = logs.range("{app=~\".+\"}", range(), 10, direction).await;
        let lines = answer.expect("answered").into_lines();
        let seconds: Vec<u64> = lines
            .iter()
            .map(|line| line.at.as_millis() / 1_000)
            .collect();
        assert_eq!(seconds, order);
        let worst = lines
            .iter()
            .find(|line| line.at == at(120))
            .expect("a line");
        assert_eq!(worst.level().as_deref(), Some("error"));
        assert_eq!(worst.field("n"), Some(serde_json::json!(7)));
        assert_eq!(lines[1].level().as_deref(), Some("warn"));
    }
    let counted = logs.range("sum(x)", range(), 10, Direction::Forward).await;
    assert!(matches!(counted, Ok(LogAnswer::Matrix(matrix)) if matrix.series.len() == 1));
    let values = logs.label_values("app", range()).await.expect("answered");
    assert_eq!(values, ["carts", "orders"]);
    let none = logs
        .label_values("nobody", range())
        .await
        .expect("answered");
    assert!(none.is_empty());
}

#[tokio::test]
async fn following_a_log_gives_each_line_once_and_late_lines_too() {
    let router = Router::new().route("/loki/api/v1/query_range", get(|Query(asked): Query<Params>| async move {
        let start: u64 = asked["start"].parse().expect("a number");
        let end: u64 = asked["end"].parse().expect("a number");
        // A line of second 103 is collected only after second 110.
        let late = end > 110_000_000_000;
        let lines = [(101, true), (103, late), (105, true), (109, true)];
        let lines = lines.iter().filter(|(second, there)| {
            let nanos = second * 1_000_000_000;
            *there && nanos >= start && nanos < end
        });
        let lines: Vec<String> = lines.map(|(s, _)| format!(r#"["{s}000000000","line {s}"]"#)).collect();
        json(&format!(r#"{{"data":{{"resultType":"streams","result":[{{"stream":{{}},"values":[{}]}}]}}}}"#, lines.join(",")))
    }));
    let served = serve(router).await;
    let mut follow = served.telemetry.logs.follow("{}", at(100));
    for (now, expected) in [
        (102, vec!["line 101"]),
        (106, vec!["line 105"]),
        (106, vec![]),
        (111, vec!["line 103", "line 109"]),
        (120, vec![]),
    ] {
        let lines = follow.poll(at(now)).await.expect("answered");
        let texts: Vec<&str> = lines.iter().map(|line| line.line.as_str()).collect();
        assert_eq!(texts, expected, "{now}");
    }
}

#[tokio::test]
async fn a_search_gives_summaries_and_a_trace_its_whole_tree() {
    let router = Router::new()
        .route("/api/search", get(|Query(asked): Query<Params>| async move {
            assert_eq!((asked["start"].as_str(), asked["end"].as_str()), ("100", "160"));
            json(r#"{"traces":[
                {"traceID":"ab12","rootServiceName":"front-end","rootTraceName":"POST /orders",
                 "startTimeUnixNano":"110000000000","durationMs":1200,
                 "spanSets":[{"matched":2,"spans":[{"spanID":"1f","name":"call","startTimeUnixNano":"110000000001",
                   "durationNanos":"1500000000","attributes":[{"key":"http.route","value":{"stringValue":"/orders"}}]}]}]},
                {"traceID":"ff","rootServiceName":"carts","rootTraceName":"GET","startTimeUnixNano":"120000000000"}],
                "metrics":{}}"#)
        }))
        .route("/api/traces/{id}", get(|Path(id): Path<String>| async move {
            if id == "404" {
                return (StatusCode::NOT_FOUND, "").into_response();
            }
            // The first span as Tempo writes it, the second as OTLP does.
            json(r#"{"batches":[
              {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"orders"}}]},
               "scopeSpans":[{"spans":[{"traceId":"AAAAAAAAAAAAAAAAAAAAqw==","spanId":"AAAAAAAAAAI=","parentSpanId":"AAAAAAAAAAE=",
                 "name":"POST /paymentAuth","kind":"SPAN_KIND_CLIENT","startTimeUnixNano":"110100000000","endTimeUnixNano":"111600000000",
                 "attributes":[{"key":"http.response.status_code","value":{"intValue":"500"}}],
                 "status":{"code":"STATUS_CODE_ERROR","message":"timed out"}}]}]},
              {"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"front-end"}}]},
               "scopeSpans":[{"spans":[{"traceId":"000000000000000000000000000000ab","spanId":"0000000000000001",
                 "name":"POST /orders","kind":2,"startTimeUnixNano":110000000000,"endTimeUnixNano":112000000000,"status":{}}]}]}]}"#)
        }));
    let served = serve(router).await;
    let traces = &served.telemetry.traces;
    let found = traces.search("{ status = error }", range(), 20).await;
    let found = found.expect("answered");
    assert_eq!(found[0].trace_id, format!("{:0>32}", "ff"), "newest first");
    let slow = &found[1];
    assert_eq!(
        (slow.root_name.as_str(), slow.duration),
        ("POST /orders", Period::from_millis(1_200))
    );
    assert_eq!(
        (slow.matched, slow.spans[0].duration),
        (2, Period::from_millis(1_500))
    );
    assert_eq!(slow.spans[0].attributes["http.route"], "/orders");
    let trace = traces.trace("ab").await.expect("answered").expect("known");
    let root = trace.root().expect("a root");
    assert_eq!(
        (root.service.as_str(), root.kind),
        ("front-end", SpanKind::Server)
    );
    let child = trace.children(root).next().expect("a child");
    assert_eq!(child.status, SpanStatus::Error("timed out".to_owned()));
    assert_eq!(child.attributes["http.response.status_code"], "500");
    assert_eq!(trace.duration(), Period::from_secs(2));
    assert_eq!(traces.trace("404").await, Ok(None));
}

#[tokio::test]
async fn a_metrics_query_over_spans_gives_a_number_for_each_group() {
    let router = Router::new().route(
        "/api/metrics/query",
        get(|Query(asked): Query<Params>| async move {
            let bounds = (asked["start"].as_str(), asked["end"].as_str());
            assert_eq!(bounds, ("100", "160"));
            assert_eq!(asked["q"], "{ } | rate() by (span.peer.service)");
            json(
                r#"{"series":[
                {"labels":[{"key":"span.peer.service","value":{"stringValue":"carts"}},
                           {"key":"p","value":{"doubleValue":0.95}}],"value":1.5},
                {"labels":[{"key":"span.peer.service","value":{"stringValue":"user"}}]},
                {"value":"NaN"}],"metrics":{}}"#,
            )
        }),
    );
    let served = serve(router).await;
    let traces = &served.telemetry.traces;
    let query = "{ } | rate() by (span.peer.service)";
    let found = traces.measure(query, range()).await.expect("answered");
    let [carts, user, none] = found.series.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(carts.labels["span.peer.service"], "carts");
    assert_eq!(carts.labels["p"], "0.95");
    let point = Point {
        at: at(160),
        value: 1.5,
    };
    assert_eq!(carts.last(), Some(point));
    assert_eq!(user.last().map(|point| point.value), Some(0.0));
    assert!(none.last().is_some_and(|point| point.value.is_nan()));
}

#[tokio::test]
async fn tags_are_named_as_traceql_writes_them() {
    let router = Router::new()
        .route("/api/v2/search/tags", get(|| async {
            json(r#"{"scopes":[{"name":"intrinsic","tags":["duration"]},{"name":"span","tags":["http.route"]}]}"#)
        }))
        .route("/api/v2/search/tag/{tag}/values", get(|| async {
            json(r#"{"tagValues":[{"type":"string","value":"/orders"}]}"#)
        }));
    let served = serve(router).await;
    let traces = &served.telemetry.traces;
    assert_eq!(
        traces.tags().await.expect("answered"),
        ["duration", "span.http.route"]
    );
    let values = traces.tag_values("span.http.route").await;
    assert_eq!(values.expect("answered"), ["/orders"]);
}

#[tokio::test]
async fn a_refused_query_keeps_the_server_s_words_and_place() {
    for (status, body, kind, message, place) in [
        (
            400,
            r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:4: parse error: unexpected end of input"}"#,
            "bad_data",
            "invalid parameter \"query\": 1:4: parse error: unexpected end of input",
            Some((1, 4)),
        ),
        (
            400,
            "parse error at line 1, col 9: syntax error",
            "400",
            "parse error at line 1, col 9: syntax error",
            Some((1, 9)),
        ),
        (
            500,
            "multiple matches for labels",
            "500",
            "multiple matches for labels",
            None,
        ),
        (429, "", "429", "Too Many Requests", None),
    ] {
        let code = StatusCode::from_u16(status).expect("a status");
        let served = serve(Router::new().fallback(move || async move { (code, body) })).await;
        let asked = [
            served.telemetry.metrics.instant("up{", None).await.err(),
            served.telemetry.logs.instant("{a=", None).await.err(),
            served.telemetry.traces.search("{", range(), 1).await.err(),
        ];
        let backends = [Backend::Metrics, Backend::Logs, Backend::Traces];
        for (error, of) in asked.into_iter().zip(backends) {
            let error = error.expect("refused");
            let found = error.position().map(|place| (place.line, place.column));
            assert_eq!(found, place, "{error}");
            let TelemetryError::Refused {
                backend,
                kind: said,
                message: text,
                ..
            } = error
            else {
                panic!("{error}");
            };
            assert_eq!((backend, said.as_str(), text.as_str()), (of, kind, message));
        }
    }
}

#[tokio::test]
async fn a_backend_that_is_gone_slow_or_odd_is_told_apart() {
    let hangs = Router::new().fallback(|| async { pending::<()>().await });
    let slow = serve_for(hangs, Period::from_millis(50)).await;
    let odd = serve(Router::new().fallback(|| async { "<html>a login page</html>" })).await;
    let gateway = serve(Router::new().fallback(|| async { StatusCode::BAD_GATEWAY })).await;
    // Nobody listens on a port that was given back.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let gone = connect(&base, Period::from_secs(5));
    for (telemetry, kind) in [
        (&slow.telemetry, "slow"),
        (&odd.telemetry, "unreadable"),
        (&gateway.telemetry, "unreachable"),
        (&gone, "unreachable"),
    ] {
        for error in [
            telemetry.metrics.instant("up", None).await.err(),
            telemetry.logs.instant("x", None).await.err(),
            telemetry.traces.trace("1").await.err(),
        ] {
            let error = error.expect("no answer");
            let found = match &error {
                TelemetryError::Slow { .. } => "slow",
                TelemetryError::Unreadable { .. } => "unreadable",
                TelemetryError::Unreachable { .. } => "unreachable",
                other => panic!("{other}"),
            };
            assert_eq!(found, kind, "{error}");
        }
    }
}

#[test]
fn an_address_that_is_none_is_refused_before_anything_is_asked() {
    for url in ["", "127.0.0.1:9009", "https://mimir", "unix:/tmp/x"] {
        let backends = Backends {
            metrics_url: url.to_owned(),
            logs_url: url.to_owned(),
            traces_url: url.to_owned(),
        };
        let refused = Telemetry::connect(&backends, Telemetry::TIMEOUT);
        assert!(
            matches!(refused, Err(TelemetryError::BadUrl { .. })),
            "{url}"
        );
    }
}
