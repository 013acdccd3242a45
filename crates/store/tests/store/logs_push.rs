//! Pushing as clients do: protobuf in snappy, and what comes back of it.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use loki_api::logproto::{EntryAdapter, PushRequest, StreamAdapter};
use loki_api::prost::Message;
use loki_api::prost_types::Timestamp;
use store::Limits;
use store::clock::Clock;
use store::logs::{self, Logs};
use tower::ServiceExt;

#[tokio::test]
async fn lines_pushed_as_protobuf_are_found_by_a_query() {
    let logs = Arc::new(Logs::new(&Limits::default(), Clock::at(1_760_436_700_000)));
    let request = PushRequest {
        streams: vec![StreamAdapter {
            labels: "{app=\"payment\", env=\"lab\"}".to_owned(),
            entries: vec![EntryAdapter {
                timestamp: Some(Timestamp {
                    seconds: 1_760_436_600,
                    nanos: 5,
                }),
                line: "level=error msg=declined".to_owned(),
            }],
            hash: 0,
        }],
    };
    let body = snap::raw::Encoder::new()
        .compress_vec(&request.encode_to_vec())
        .expect("snappy");
    let push = Request::post("/loki/api/v1/push")
        .header("content-type", "application/x-protobuf")
        .body(Body::from(body))
        .expect("a request");
    let answer = logs::router(Arc::clone(&logs))
        .oneshot(push)
        .await
        .expect("an answer");
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);

    let query = "/loki/api/v1/query_range?query=%7Bapp%3D%22payment%22%7D&since=1h";
    let answer = logs::router(logs)
        .oneshot(Request::get(query).body(Body::empty()).expect("a request"))
        .await
        .expect("an answer");
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20)
        .await
        .expect("a body");
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    let stream = &body["data"]["result"][0];
    assert_eq!(stream["stream"]["detected_level"], "error");
    assert_eq!(stream["values"][0][0], "1760436600000000005");
    assert_eq!(stream["values"][0][1], "level=error msg=declined");
}
