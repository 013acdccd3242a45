//! Tests of what is refused, as tables of pushes and of what Loki says to them.

use super::{Fault, grouped};
use crate::clock::Clock;
use crate::logs::{Entry, Labels, Logs, LogsConfig};

const NOW: i64 = 1_760_436_000;

fn entry(seconds: i64, line: &str) -> Entry {
    Entry {
        ts: seconds * 1_000_000_000,
        line: line.into(),
        metadata: Vec::new(),
    }
}

fn store(config: LogsConfig) -> Logs {
    Logs::with_config(config, Clock::at(NOW * 1000))
}

#[tokio::test]
async fn what_is_refused_is_told_in_the_words_of_loki() {
    let app = Labels::from([("app", "a")]);
    let small = LogsConfig {
        max_line: 5,
        max_labels: 2,
        max_label_name: 12,
        max_label_value: 4,
        max_metadata_bytes: 6,
        max_metadata_count: 1,
        ..LogsConfig::default()
    };
    let with = |metadata: &[(&str, &str)]| Entry {
        metadata: metadata
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect(),
        ..entry(NOW, "x")
    };
    for (labels, entry, status, message) in [
        (
            Labels::from([("app", "")]),
            entry(NOW, "x"),
            400,
            "error at least one label pair is required per stream",
        ),
        (
            Labels::from([("a", "1"), ("b", "2"), ("c", "3")]),
            entry(NOW, "x"),
            400,
            r#"entry for stream '{a="1", b="2", c="3", service_name="unknown_service"}' has 3 label names; limit 2"#,
        ),
        (
            Labels::from([("thirteenchars", "1"), ("service_name", "s")]),
            entry(NOW, "x"),
            400,
            r#"stream '{service_name="s", thirteenchars="1"}' has label name too long: 'thirteenchars'"#,
        ),
        (
            Labels::from([("a", "12345")]),
            entry(NOW, "x"),
            400,
            r#"stream '{a="12345", service_name="unknown_service"}' has label value too long: '12345'"#,
        ),
        (
            app.clone(),
            entry(NOW - 8 * 86_400, "x"),
            400,
            r#"entry for stream '{app="a", service_name="a"}' has timestamp too old: 2025-10-06T10:00:00Z, oldest acceptable timestamp is: 2025-10-07T10:00:00Z"#,
        ),
        (
            app.clone(),
            entry(NOW + 601, "x"),
            400,
            r#"entry for stream '{app="a", service_name="a"}' has timestamp too new: 2025-10-14T10:10:01Z"#,
        ),
        (
            app.clone(),
            entry(NOW, "123456"),
            400,
            r#"max entry size '5' bytes exceeded for stream '{app="a", service_name="a"}' while adding an entry with length '6' bytes"#,
        ),
        (
            app.clone(),
            with(&[("abc", "defg")]),
            400,
            r#"stream '{app="a", service_name="a"}' has structured metadata too large: '7' bytes, limit: '6' bytes. Please see `limits_config.max_structured_metadata_size` or contact your Loki administrator to increase it."#,
        ),
        (
            app,
            with(&[("a", "1"), ("b", "2")]),
            400,
            r#"stream '{app="a", service_name="a"}' has too many structured metadata labels: '2', limit: '1'. Please see `limits_config.max_structured_metadata_entries_count` or contact your Loki administrator to increase it."#,
        ),
    ] {
        let error = store(small.clone())
            .push(labels, vec![entry])
            .expect_err(message);
        assert_eq!((error.status, error.message.as_str()), (status, message));
    }
}

#[tokio::test]
async fn an_entry_may_be_an_hour_behind_the_newest_of_its_stream() {
    let logs = store(LogsConfig::default());
    let labels = Labels::from([("app", "a")]);
    logs.push(
        labels.clone(),
        vec![entry(NOW, "new"), entry(NOW - 3600, "late")],
    )
    .expect("taken");
    let error = logs
        .push(labels, vec![entry(NOW - 3601, "x"), entry(NOW, "y")])
        .expect_err("too late");
    assert_eq!(error.status, 400);
    assert_eq!(
        error.message,
        "entry with timestamp 2025-10-14 08:59:59 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: 2025-10-14T08:59:59Z, oldest acceptable timestamp is: 2025-10-14T09:00:00Z',\nuser 'fake', total ignored: 1 out of 2 for stream: {app=\"a\", service_name=\"a\"}"
    );
    assert_eq!(logs.select(&[], 0, i64::MAX)[0].entries.len(), 3);
}

#[tokio::test]
async fn rates_and_streams_have_their_limits() {
    let labels = Labels::from([("app", "a")]);
    let line = "x".repeat(60);
    let logs = store(LogsConfig {
        ingestion_rate: Some((10, 100)),
        ..LogsConfig::default()
    });
    logs.push(labels.clone(), vec![entry(NOW, &line)])
        .expect("a burst");
    let error = logs
        .push(labels.clone(), vec![entry(NOW, &line)])
        .expect_err("too fast");
    assert_eq!(error.status, 429);
    assert!(
        error.message.starts_with(
            "ingestion rate limit exceeded for user fake (limit: 10 bytes/sec) while attempting to ingest '1' lines totaling "
        ),
        "{error}"
    );
    let logs = store(LogsConfig {
        stream_rate: Some((10, 100)),
        ..LogsConfig::default()
    });
    let error = logs
        .push(
            labels.clone(),
            vec![entry(NOW, &line), entry(NOW + 1, &line)],
        )
        .expect_err("too fast");
    assert_eq!(error.status, 429);
    assert!(
        error.message.contains(
            "reason: 'Per stream rate limit exceeded (limit: 10B/sec) while attempting to ingest for stream '{app=\"a\", service_name=\"a\"}' totaling 60B, consider"
        ),
        "{error}"
    );
    let logs = store(LogsConfig {
        max_streams: 1,
        ..LogsConfig::default()
    });
    logs.push(labels, vec![entry(NOW, "x")]).expect("one");
    let error = logs
        .push(Labels::from([("app", "b")]), vec![entry(NOW, "x")])
        .expect_err("two");
    assert_eq!(error.status, 429);
    assert!(
        error.message.starts_with(
            "maximum active stream limit exceeded when trying to create stream {app=\"b\", service_name=\"b\"}, reduce"
        ),
        "{error}"
    );
}

#[test]
fn equal_errors_are_told_once_with_their_number() {
    let one = Fault::NoLabels.to_string();
    for (faults, text) in [
        (vec![one.clone()], one.clone()),
        (vec![one.clone(); 2], format!("2 errors like: {one}")),
        (
            vec![one.clone(), "b".to_owned()],
            format!("1 errors like: b; 1 errors like: {one}"),
        ),
    ] {
        assert_eq!(grouped(faults), text);
    }
}
