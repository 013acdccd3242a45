//! Requests of both versions, as clients write them.

use prost::Message;

use super::*;
use crate::Limits;
use crate::clock::Clock;
use crate::metrics::Matcher;

// Written by another implementation of the wire format than the one that reads it.

#[derive(Clone, PartialEq, Message)]
struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<About>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Point>,
    #[prost(message, repeated, tag = "3")]
    exemplars: Vec<Example>,
    #[prost(bytes = "vec", repeated, tag = "4")]
    histograms: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Point {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Example {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(double, tag = "2")]
    value: f64,
    #[prost(int64, tag = "3")]
    timestamp: i64,
}

#[derive(Clone, PartialEq, Message)]
struct About {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    metric: String,
    #[prost(string, tag = "4")]
    help: String,
    #[prost(string, tag = "5")]
    unit: String,
}

#[derive(Clone, PartialEq, Message)]
struct Request2 {
    #[prost(string, repeated, tag = "4")]
    symbols: Vec<String>,
    #[prost(message, repeated, tag = "5")]
    timeseries: Vec<TimeSeries2>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries2 {
    #[prost(uint32, repeated, tag = "1")]
    labels: Vec<u32>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Point>,
    #[prost(message, optional, tag = "5")]
    metadata: Option<About2>,
}

#[derive(Clone, PartialEq, Message)]
struct About2 {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(uint32, tag = "3")]
    help: u32,
}

const NOW: i64 = 1_000_000_000;
const V2: &str = "application/x-protobuf;proto=io.prometheus.write.v2.Request";

struct Server {
    metrics: Metrics,
    receiver: Receiver,
}

impl Server {
    fn new(limits: &Limits) -> Self {
        Self {
            metrics: Metrics::new(limits, Clock::at(NOW)),
            receiver: Receiver::default(),
        }
    }

    async fn push(&self, kind: &str, message: &impl Message) -> (u16, String, HeaderMap) {
        let bytes = snap::raw::Encoder::new()
            .compress_vec(&message.encode_to_vec())
            .unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("content-type", kind.parse().unwrap());
        headers.insert("content-encoding", "snappy".parse().unwrap());
        let answer = self
            .receiver
            .receive(&self.metrics, &headers, &bytes, StatusCode::OK);
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        (parts.status.as_u16(), text.trim().to_owned(), parts.headers)
    }

    fn values(&self, name: &str) -> Vec<(i64, f64)> {
        let matchers = [Matcher::equal("__name__", name)];
        let all = self.metrics.head().select(&matchers, 0, i64::MAX);
        all.iter()
            .flat_map(|s| s.samples(0, i64::MAX))
            .map(|s| (s.t, s.v))
            .collect()
    }
}

fn labels(pairs: &[(&str, &str)]) -> Vec<Label> {
    let label = |(name, value): &(&str, &str)| Label {
        name: (*name).to_owned(),
        value: (*value).to_owned(),
    };
    pairs.iter().map(label).collect()
}

fn series(pairs: &[(&str, &str)], samples: &[(i64, f64)]) -> TimeSeries {
    TimeSeries {
        labels: labels(pairs),
        samples: samples
            .iter()
            .map(|(timestamp, value)| Point {
                value: *value,
                timestamp: *timestamp,
            })
            .collect(),
        ..TimeSeries::default()
    }
}

fn request(all: Vec<TimeSeries>) -> WriteRequest {
    WriteRequest {
        timeseries: all,
        metadata: Vec::new(),
    }
}

#[tokio::test]
async fn version_1_brings_samples_exemplars_and_metadata() {
    let server = Server::new(&Limits::default());
    let mut one = series(
        &[("__name__", "a_total"), ("job", "x")],
        &[(NOW, 1.0), (NOW + 5, 2.0)],
    );
    one.exemplars.push(Example {
        labels: labels(&[("trace_id", "t")]),
        value: 0.5,
        timestamp: NOW,
    });
    let message = WriteRequest {
        timeseries: vec![one],
        metadata: vec![About {
            kind: 1,
            metric: "a_total".to_owned(),
            help: "What.".to_owned(),
            unit: String::new(),
        }],
    };
    let (status, text, _) = server.push("application/x-protobuf", &message).await;
    assert_eq!((status, text.as_str()), (200, ""));
    assert_eq!(server.values("a_total"), [(NOW, 1.0), (NOW + 5, 2.0)]);
    let head = server.metrics.head();
    let sets = [vec![Matcher::equal("__name__", "a_total")]];
    assert_eq!(
        head.exemplars(&sets, 0, i64::MAX)[0].1[0]
            .labels
            .get("trace_id"),
        "t"
    );
    let about = head.metadata(Some("a_total"));
    assert_eq!(about["a_total"].first().unwrap().kind, "counter");
    // The series is known now, and found without its labels being read again.
    let more = request(vec![series(
        &[("__name__", "a_total"), ("job", "x")],
        &[(NOW + 9, 3.0)],
    )]);
    assert_eq!(server.push("application/x-protobuf", &more).await.0, 200);
    assert_eq!(server.values("a_total").len(), 3);
    assert_eq!(head.series_count(), 1);
}

#[tokio::test]
async fn version_2_names_symbols_and_counts_what_was_written() {
    let server = Server::new(&Limits::default());
    let symbols = ["", "__name__", "a_total", "job", "x", "What."];
    let message = Request2 {
        symbols: symbols.map(str::to_owned).to_vec(),
        timeseries: vec![TimeSeries2 {
            labels: vec![1, 2, 3, 4],
            samples: vec![Point {
                value: 4.0,
                timestamp: NOW,
            }],
            metadata: Some(About2 { kind: 1, help: 5 }),
        }],
    };
    let (status, text, headers) = server.push(V2, &message).await;
    assert_eq!((status, text.as_str()), (200, ""));
    assert_eq!(headers["x-prometheus-remote-write-samples-written"], "1");
    assert_eq!(server.values("a_total"), [(NOW, 4.0)]);
    assert_eq!(
        server.metrics.head().metadata(None)["a_total"]
            .first()
            .unwrap()
            .help,
        "What."
    );
    let broken = Request2 {
        symbols: vec![String::new()],
        ..message
    };
    let (status, text, headers) = server.push(V2, &broken).await;
    assert_eq!(
        (status, text.as_str()),
        (400, "invalid labelRefs: symbol 5 is out of range")
    );
    assert_eq!(headers["x-prometheus-remote-write-samples-written"], "0");
}

#[tokio::test]
async fn what_is_wrong_is_refused_in_mimirs_words_and_the_rest_is_taken() {
    let window = std::time::Duration::from_secs(60);
    let server = Server::new(&Limits {
        out_of_order_window: window,
        max_series: 4,
        max_series_per_metric: 2,
        ..Limits::default()
    });
    let good = series(&[("__name__", "good")], &[(NOW, 1.0)]);
    assert_eq!(
        server
            .push("application/x-protobuf", &request(vec![good.clone()]))
            .await
            .0,
        200
    );
    let many: Vec<(String, String)> = (0..31).map(|n| (format!("l{n}"), "v".to_owned())).collect();
    let mut many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    many.push(("__name__", "m"));
    let old = NOW - 61_000;
    for (wrong, want) in [
        (
            series(&[("job", "x")], &[(NOW, 1.0)]),
            "received series has no metric name (err-mimir-missing-metric-name)",
        ),
        (
            series(&[("__name__", "a-b")], &[(NOW, 1.0)]),
            "received a series with invalid metric name: 'a-b' (err-mimir-metric-name-invalid)",
        ),
        (
            series(&[("__name__", "a"), ("b-c", "d")], &[(NOW, 1.0)]),
            "received a series with an invalid label: 'b-c' series: '{__name__=\"a\", \"b-c\"=\"d\"}' (err-mimir-label-invalid)",
        ),
        (
            series(&[("__name__", "a"), ("b", "c"), ("b", "d")], &[(NOW, 1.0)]),
            "received a series with duplicate label name, label: 'b' series: '{__name__=\"a\", b=\"d\"}' (err-mimir-duplicate-label-names)",
        ),
        (
            series(&[("__name__", "a")], &[(NOW + 601_000, 1.0)]),
            "received a sample whose timestamp is too far in the future, timestamp: 1000601000 series: 'a' (err-mimir-too-far-in-future). To adjust the related per-tenant limit, configure -validation.create-grace-period, or contact your service administrator.",
        ),
        (
            series(&[("__name__", "good")], &[(NOW, 2.0)]),
            "failed pushing to ingester: user=anonymous: the sample has been rejected because another sample with the same timestamp, but a different value, has already been ingested (err-mimir-sample-duplicate-timestamp). The affected sample has timestamp 1970-01-12T13:46:40Z and is from series {__name__=\"good\"}",
        ),
        (
            series(&[("__name__", "good")], &[(old, 2.0)]),
            "failed pushing to ingester: user=anonymous: the sample has been rejected because another sample with a more recent timestamp has already been ingested and this sample is beyond the out-of-order time window of 1m (err-mimir-sample-timestamp-too-old). The affected sample has timestamp 1970-01-12T13:45:39Z and is from series {__name__=\"good\"}",
        ),
    ] {
        let all = request(vec![
            wrong,
            series(&[("__name__", "also_good")], &[(NOW, 1.0)]),
        ]);
        let (status, text, _) = server.push("application/x-protobuf", &all).await;
        assert_eq!((status, text.as_str()), (400, want));
        assert_eq!(server.values("also_good").len(), 1);
    }
    let (_, text, _) = server
        .push(
            "application/x-protobuf",
            &request(vec![series(&many, &[(NOW, 1.0)])]),
        )
        .await;
    assert!(
        text.contains("(actual: 32, limit: 30)")
            && text.contains("err-mimir-max-label-names-per-series"),
        "{text}"
    );
    let of_metric = |job| series(&[("__name__", "good"), ("job", job)], &[(NOW, 1.0)]);
    let (_, text, _) = server
        .push(
            "application/x-protobuf",
            &request(vec![of_metric("1"), of_metric("2")]),
        )
        .await;
    assert_eq!(
        text,
        "failed pushing to ingester: user=anonymous: per-metric series limit of 2 exceeded (err-mimir-max-series-per-metric). To adjust the related per-tenant limit, configure -ingester.max-global-series-per-metric, or contact your service administrator. This is for series {__name__=\"good\", job=\"2\"}"
    );
    let other = |name| series(&[("__name__", name)], &[(NOW, 1.0)]);
    let all = request(vec![other("fourth"), other("fifth")]);
    let (_, text, _) = server.push("application/x-protobuf", &all).await;
    assert_eq!(
        text,
        "failed pushing to ingester: user=anonymous: per-user series limit of 4 exceeded (err-mimir-max-series-per-user). To adjust the related per-tenant limit, configure -ingester.max-global-series-per-user, or contact your service administrator."
    );
}

#[tokio::test(start_paused = true)]
async fn too_much_at_once_is_answered_with_429_and_when_to_come_again() {
    let server = Server::new(&Limits {
        ingestion_rate: 10.0,
        ingestion_burst: 20,
        ..Limits::default()
    });
    let batch = |from: i64| {
        let samples: Vec<(i64, f64)> = (0..15).map(|n| (from + n, 1.0)).collect();
        request(vec![series(&[("__name__", "a")], &samples)])
    };
    assert_eq!(
        server.push("application/x-protobuf", &batch(NOW)).await.0,
        200
    );
    let (status, text, headers) = server
        .push("application/x-protobuf", &batch(NOW + 20))
        .await;
    assert_eq!(status, 429);
    assert_eq!(headers["retry-after"], "1");
    assert!(text.starts_with("the request has been rejected because the tenant exceeded the ingestion rate limit, set to 10 items/s with a maximum allowed burst of 20."), "{text}");
    assert_eq!(server.values("a").len(), 15, "nothing of it was taken");
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(
        server
            .push("application/x-protobuf", &batch(NOW + 20))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let server = Server::new(&Limits::default());
    for (kind, encoding, body, status, want) in [
        (
            "text/plain",
            "snappy",
            &b""[..],
            415,
            "expected application/x-protobuf as the first (media) part, got text/plain content-type",
        ),
        (
            "application/x-protobuf;proto=x.Y",
            "snappy",
            b"",
            415,
            "got application/x-protobuf;proto=x.Y content type; unknown remote write protobuf message x.Y, supported: prometheus.WriteRequest, io.prometheus.write.v2.Request",
        ),
        (
            "application/x-protobuf",
            "gzip",
            b"",
            415,
            "gzip encoding (compression) is not accepted by this server; only snappy is acceptable",
        ),
        // Eight bytes, of which the first is a length of five that does not come.
        (
            "application/x-protobuf",
            "snappy",
            b"\x02\x04\x0a\x05",
            400,
            "proto: unexpected EOF",
        ),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", kind.parse().unwrap());
        headers.insert("content-encoding", encoding.parse().unwrap());
        let answer = server
            .receiver
            .receive(&server.metrics, &headers, body, StatusCode::OK);
        assert_eq!(answer.status().as_u16(), status);
        let bytes = axum::body::to_bytes(answer.into_body(), 9999)
            .await
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes).trim(), want);
    }
    let mut with_histogram = series(&[("__name__", "h")], &[]);
    with_histogram.histograms.push(Vec::new());
    let (status, text, _) = server
        .push("application/x-protobuf", &request(vec![with_histogram]))
        .await;
    assert_eq!(status, 400);
    assert!(
        text.starts_with("native histograms are not supported"),
        "{text}"
    );
}
