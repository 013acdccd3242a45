//! The answers of a real Tempo, asked of this store.
#![expect(clippy::expect_used, reason = "helpers of tests may panic")]

use std::sync::Arc;

use serde_json::Value;
use store::clock::Clock;
use store::logs::Logs;
use store::metrics::Metrics;
use store::traces::{self, Traces};
use store::{Limits, otlp};

use crate::support::golden::Corpus;

/// Cases that differ still, and why.
const KNOWN: [(&str, &str); 0] = [];

#[tokio::test]
async fn the_store_answers_as_tempo_does() {
    let Some(corpus) = Corpus::load("traces") else {
        return;
    };
    let clock = Clock::at((corpus.base + 700) * 1000);
    let limits = Limits::default();
    let traces = Arc::new(Traces::new(&limits, clock));
    let receiver = otlp::router(
        Arc::new(Logs::new(&limits, clock)),
        Arc::clone(&traces),
        Arc::new(Metrics::new(&limits, clock)),
    );
    let mut addresses = Vec::new();
    let mut servers = tokio::task::JoinSet::new();
    for router in [receiver, traces::router(traces)] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        addresses.push(listener.local_addr().expect("an address").to_string());
        servers.spawn(async move {
            axum::serve(listener, router).await.expect("serving");
        });
    }
    let client = reqwest::Client::new();
    for load in &corpus.loads {
        let path = load["path"].as_str().expect("path");
        let answer = client
            .post(format!("http://{}{path}", addresses[0]))
            .json(&load["body"])
            .send()
            .await
            .expect("an answer");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a text");
        assert_eq!(status, 200, "{path}: {text}");
    }
    corpus.check(&addresses[1], decoded, &KNOWN).await;
}

/// A protobuf answer as the corpus writes it down.
fn decoded(message: &str, body: &[u8]) -> Value {
    use opentelemetry_proto::tonic::trace::v1::TracesData;
    use prost::Message;
    #[derive(Clone, PartialEq, Message)]
    struct ByIdV2 {
        #[prost(message, optional, tag = "1")]
        trace: Option<TracesData>,
    }
    if message == "Trace" {
        let data = TracesData::decode(body).expect("a trace");
        return plain(serde_json::to_value(data).expect("JSON"));
    }
    let data = ByIdV2::decode(body).expect("an answer").trace;
    plain(serde_json::json!({"trace": data}))
}

/// Leaves out what protobuf does not write: empty fields.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(key, value)| {
                    let empty = match value {
                        Value::Null => true,
                        Value::Number(n) => n.as_f64() == Some(0.0),
                        Value::String(text) => text.is_empty() && key != "stringValue",
                        Value::Array(list) => list.is_empty(),
                        _ => false,
                    };
                    !empty
                })
                .map(|(key, value)| (key, plain(value)))
                .collect(),
        ),
        Value::Array(list) => list.into_iter().map(plain).collect(),
        other => other,
    }
}
