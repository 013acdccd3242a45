//! Tailing: each container's log is followed through `pods/log`.
//!
//! A follower remembers the time of the last line that it took, so that a broken connection
//! loses nothing: it asks again from that second on, skips what is older, and the store drops
//! lines that it has. After a restart the last lines of the instance before are read first.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::discovery::{Container, Pod, PodsReceiver};
use super::kubernetes::{Client, ClientError};
use crate::clock::Clock;
use crate::logs::{Entry, Labels, Logs};

/// How long to wait before asking again for a log that ended or could not be read.
const PAUSE: Duration = Duration::from_millis(250);
/// How long to wait when the container does not run: its pod's change is what matters then.
const LONG_PAUSE: Duration = Duration::from_secs(5);
/// The longest part of a line that is kept before its end has come.
const MAX_LINE: usize = 256 << 10;

/// Which container: the pod's uid and the container's name.
type Key = (String, String);

/// Follows the logs of every container of every pod until `stop` is cancelled.
pub async fn run(
    client: Client,
    mut pods: PodsReceiver,
    logs: Arc<Logs>,
    clock: Clock,
    stop: CancellationToken,
) {
    let mut followed: HashSet<Key> = HashSet::new();
    let mut tasks: JoinSet<Key> = JoinSet::new();
    loop {
        let now = Arc::clone(&pods.borrow_and_update());
        for pod in now.iter() {
            for container in pod.containers.iter().filter(|c| c.started) {
                let key = (pod.uid.clone(), container.name.clone());
                if followed.insert(key.clone()) {
                    let follower = Follower {
                        client: client.clone(),
                        pods: pods.clone(),
                        logs: Arc::clone(&logs),
                        clock,
                        labels: labels(pod, &container.name),
                        key,
                        namespace: pod.namespace.clone(),
                        pod: pod.name.clone(),
                        last: None,
                        restarts: None,
                    };
                    tasks.spawn(follower.run(stop.clone()));
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            changed = pods.changed() => if changed.is_err() { break },
            Some(done) = tasks.join_next() => if let Ok(key) = done {
                followed.remove(&key);
            },
        }
    }
    tasks.shutdown().await;
}

/// The labels of a container's stream.
fn labels(pod: &Pod, container: &str) -> Labels {
    let app = ["name", "app", "app.kubernetes.io/name"]
        .iter()
        .find_map(|name| pod.labels.get(*name))
        .map_or(container, String::as_str);
    Labels::from([
        ("namespace", pod.namespace.as_str()),
        ("pod", pod.name.as_str()),
        ("container", container),
        ("app", app),
        ("stream", "stdout"),
    ])
}

struct Follower {
    client: Client,
    pods: PodsReceiver,
    logs: Arc<Logs>,
    clock: Clock,
    labels: Labels,
    key: Key,
    namespace: String,
    pod: String,
    /// The time of the last line taken, in nanoseconds.
    last: Option<i64>,
    /// The restart count of the instance that was followed last.
    restarts: Option<u32>,
}

impl Follower {
    async fn run(mut self, stop: CancellationToken) -> Key {
        while let Some(container) = self.container() {
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.follow(&container) => {}
            }
            // The log has ended: go on when the pod changes, or after a pause.
            let pause = if container.running { PAUSE } else { LONG_PAUSE };
            tokio::select! {
                () = stop.cancelled() => break,
                changed = tokio::time::timeout(pause, self.pods.changed()) => {
                    if matches!(changed, Ok(Err(_))) {
                        break;
                    }
                }
            }
        }
        self.key
    }

    /// The container as it is now; nothing once its pod is gone.
    fn container(&mut self) -> Option<Container> {
        let pods = self.pods.borrow_and_update();
        let pod = pods.iter().find(|pod| pod.uid == self.key.0)?;
        pod.containers
            .iter()
            .find(|container| container.name == self.key.1)
            .cloned()
    }

    async fn follow(&mut self, container: &Container) {
        let restarted = self.restarts.unwrap_or(0) < container.restarts;
        if restarted && let Err(error) = self.read("&previous=true").await {
            tracing::debug!(pod = self.pod, %error, "the log of the instance before cannot be read");
        }
        self.restarts = Some(container.restarts);
        if let Err(error) = self.read("&follow=true").await {
            tracing::debug!(pod = self.pod, %error, "the log cannot be read");
        }
    }

    /// Reads a log to its end; stores line by line what is new.
    async fn read(&mut self, how: &str) -> Result<(), ClientError> {
        let since = self.last.and_then(since_time).unwrap_or_default();
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}/log?container={}&timestamps=true{how}{since}",
            self.namespace, self.pod, self.key.1
        );
        let mut body = self.client.get(&path).await?.bytes_stream();
        let mut rest: Vec<u8> = Vec::new();
        while let Some(part) = body.next().await {
            let part = part.map_err(|source| ClientError::Unreachable {
                url: self.client.url(&path),
                source: source.without_url(),
            })?;
            rest.extend_from_slice(&part);
            let end = match rest.iter().rposition(|byte| *byte == b'\n') {
                Some(at) => at + 1,
                None if rest.len() > MAX_LINE => rest.len(),
                None => continue,
            };
            let whole: Vec<u8> = rest.drain(..end).collect();
            self.store(&whole);
        }
        self.store(&rest);
        Ok(())
    }

    fn store(&mut self, lines: &[u8]) {
        let now = self.clock.now_ns();
        let text = String::from_utf8_lossy(lines);
        let mut entries = Vec::new();
        for line in text.lines() {
            let (ts, line) = stamped(line, now);
            if line.is_empty() || self.last.is_some_and(|last| ts < last) {
                continue;
            }
            self.last = Some(ts);
            entries.push(Entry {
                ts,
                line: line.into(),
                metadata: Vec::new(),
            });
        }
        if entries.is_empty() {
            return;
        }
        if let Err(error) = self.logs.push(self.labels.clone(), entries) {
            tracing::warn!(pod = self.pod, %error, "a line was refused");
        }
    }
}

/// Splits the stamp from a line; a line without one counts as written now.
fn stamped(line: &str, now: i64) -> (i64, &str) {
    line.split_once(' ')
        .and_then(|(stamp, rest)| {
            let stamp: jiff::Timestamp = stamp.parse().ok()?;
            Some((i64::try_from(stamp.as_nanosecond()).ok()?, rest))
        })
        .unwrap_or((now, line))
}

/// The parameter that asks for lines from a second on.
fn since_time(nanos: i64) -> Option<String> {
    let second = jiff::Timestamp::from_second(nanos.div_euclid(1_000_000_000)).ok()?;
    let query = BTreeMap::from([("sinceTime", second.to_string())]);
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(query);
    Some(format!("&{}", text.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_split_from_its_line() {
        for (line, ts, rest) in [
            (
                "2025-10-14T10:00:00.000000001Z hello you",
                1_760_436_000_000_000_001,
                "hello you",
            ),
            ("no stamp", 7, "no stamp"),
        ] {
            assert_eq!(stamped(line, 7), (ts, rest));
        }
    }

    #[test]
    fn reading_goes_on_from_the_second_of_the_last_line() {
        assert_eq!(
            since_time(1_760_436_000_900_000_000).as_deref(),
            Some("&sinceTime=2025-10-14T10%3A00%3A00Z")
        );
    }

    #[test]
    fn a_stream_is_labelled_by_its_pod() {
        let pod = Pod {
            namespace: "sock-shop".into(),
            name: "payment-1".into(),
            labels: BTreeMap::from([("name".into(), "payment".into())]),
            ..Pod::default()
        };
        assert_eq!(
            labels(&pod, "main").to_string(),
            r#"{app="payment", container="main", namespace="sock-shop", pod="payment-1", stream="stdout"}"#
        );
    }
}
