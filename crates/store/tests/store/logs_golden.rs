//! The answers of a real Loki, asked of this store.

use std::sync::Arc;

use serde_json::Value;
use store::Limits;
use store::clock::Clock;
use store::logs::{self, Logs};

use crate::support::golden::Corpus;

/// Cases that differ still, and why.
const KNOWN: [(&str, &str); 0] = [];

#[tokio::test]
async fn the_store_answers_as_loki_does() {
    let Some(corpus) = Corpus::load("logs") else {
        return;
    };
    let clock = Clock::at((corpus.base + 700) * 1000);
    let logs = Arc::new(Logs::new(&Limits::default(), clock));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = tokio::spawn(async move {
        axum::serve(listener, logs::router(logs))
            .await
            .expect("serving");
    });
    let client = reqwest::Client::new();
    for load in &corpus.loads {
        let path = load["path"].as_str().expect("path");
        let answer = client
            .post(format!("http://{address}{path}"))
            .json(&load["body"])
            .send()
            .await
            .expect("an answer");
        let status = u64::from(answer.status().as_u16());
        let text = answer.text().await.expect("a text");
        assert!(
            load["ok"]
                .as_array()
                .expect("ok")
                .contains(&Value::from(status)),
            "{path}: {status} {text}"
        );
    }
    corpus.check(&address, |_, _| Value::Null, &KNOWN).await;
    server.abort();
}
