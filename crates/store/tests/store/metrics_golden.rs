//! The store's answers held against those of real Prometheus and Cortex servers.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail it by panicking")]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use store::collect::scrape::PageWriter;
use store::collect::scrape::exposition::Format;
use store::{Config, Limits, Ports, RuleFile, Store};

use crate::support::golden;

/// Cases that the store does not answer alike yet, and why. The list can only shrink.
const KNOWN: &[(&str, &str)] = &[(
    "M221",
    "native histograms are outside of the promise: they are refused",
)];

fn read(name: &str) -> String {
    let folder = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/golden/metrics"
    );
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

fn load_pages(store: &Store, pages: &[Value], base: i64) {
    let head = store.metrics().head();
    let mut writers: BTreeMap<(String, String), PageWriter> = BTreeMap::new();
    for page in pages {
        let text = |key: &str| page[key].as_str().unwrap_or("").to_owned();
        let (job, instance) = (text("job"), text("instance"));
        let target = vec![
            ("job".to_owned(), job.clone()),
            ("instance".to_owned(), instance.clone()),
        ];
        let writer = writers
            .entry((job, instance))
            .or_insert_with(|| PageWriter::new(target));
        let t = (base + page["offset_s"].as_i64().unwrap()) * 1000;
        match page["text"].as_str() {
            Some(body) => {
                writer
                    .page(head, body, Format::of(&text("content_type")), t)
                    .unwrap();
                writer.own(head, "up", t, 1.0);
            }
            None => {
                writer.failed(head, t);
                writer.own(head, "up", t, 0.0);
            }
        }
    }
}

#[tokio::test]
async fn the_store_answers_as_prometheus_and_cortex_do() {
    let Some(corpus) = golden::Corpus::load("metrics") else {
        return;
    };
    let long = Duration::from_secs(50 * 365 * 24 * 3600);
    let store = Store::start(Config {
        ports: Ports::any(),
        limits: Limits {
            retention: long,
            out_of_order_window: long,
            ..Limits::default()
        },
        rules: vec![RuleFile {
            name: "rules.yaml".to_owned(),
            text: read("rules.yaml"),
        }],
        ..Config::default()
    })
    .await
    .unwrap();
    let dataset: Value = serde_json::from_str(&read("dataset.json")).unwrap();
    load_pages(&store, dataset["pages"].as_array().unwrap(), corpus.base);
    let address = store.addresses().mimir.to_string();
    let client = reqwest::Client::new();
    for load in corpus.loads.iter().filter(|l| l["needs"].is_null()) {
        let answer = client
            .post(format!("http://{address}/otlp/v1/metrics"))
            .json(&load["body"])
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
    }
    let now = store.metrics().clock().now_ms();
    store.ruler().evaluate_all(now);
    corpus.check(&address, |_, _| Value::Null, KNOWN).await;
    store.stop().await;
}
