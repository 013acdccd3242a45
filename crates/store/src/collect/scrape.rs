//! Scraping: each target at its own moment of the interval, no target delays another.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

pub mod exposition;
mod writer;

use super::discovery::{Pod, PodsReceiver};
use crate::config::KubernetesAccess;
use crate::metrics::Metrics;
use exposition::{Format, Pairs};
pub use writer::PageWriter;

/// A page larger than this is not read to its end.
const MAX_PAGE: usize = 32 << 20;
const ACCEPT: &str =
    "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";

/// What is scraped, and how it fares.
#[derive(Debug, Default)]
pub struct Targets(Mutex<BTreeMap<String, TargetStatus>>);

#[derive(Debug, Clone)]
struct TargetStatus {
    target: Target,
    error: String,
    last: Option<i64>,
    took: Duration,
    interval: Duration,
    timeout: Duration,
}

/// Something to scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    url: String,
    labels: Pairs,
    token: Option<String>,
}

/// What scraping needs.
#[derive(Debug, Clone)]
pub struct Scraper {
    /// Where samples go.
    pub metrics: Arc<Metrics>,
    /// Where the state of targets goes.
    pub targets: Arc<Targets>,
    /// How often.
    pub interval: Duration,
    /// How long one scrape may take.
    pub timeout: Duration,
}

impl Targets {
    /// `/api/v1/targets`; `state` is `active`, `dropped`, `any` or empty.
    #[must_use]
    pub fn to_json(&self, state: &str) -> Value {
        let active: Vec<Value> = if state == "dropped" {
            Vec::new()
        } else {
            self.lock().values().map(TargetStatus::to_json).collect()
        };
        json!({"activeTargets": active, "droppedTargets": [], "droppedTargetCounts": {}})
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, TargetStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TargetStatus {
    fn to_json(&self) -> Value {
        let labels: serde_json::Map<String, Value> = self
            .target
            .labels
            .iter()
            .map(|(n, v)| (n.clone(), json!(v)))
            .collect();
        let last = self
            .last
            .and_then(|t| jiff::Timestamp::from_millisecond(t).ok())
            .map_or("0001-01-01T00:00:00Z".to_owned(), |t| t.to_string());
        json!({
            "discoveredLabels": labels,
            "labels": labels,
            "scrapePool": "pods",
            "scrapeUrl": self.target.url,
            "globalUrl": self.target.url,
            "lastError": self.error,
            "lastScrape": last,
            "lastScrapeDuration": self.took.as_secs_f64(),
            "health": match (self.last, self.error.is_empty()) {
                (None, _) => "unknown",
                (Some(_), true) => "up",
                (Some(_), false) => "down",
            },
            "scrapeInterval": format!("{}ms", self.interval.as_millis()),
            "scrapeTimeout": format!("{}ms", self.timeout.as_millis()),
        })
    }
}

impl Scraper {
    /// Scrapes the annotated pods, and the API server itself, until `stop` is cancelled.
    pub async fn run(self, mut pods: PodsReceiver, api: KubernetesAccess, stop: CancellationToken) {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(self.timeout)
            .pool_max_idle_per_host(1)
            .build()
            .unwrap_or_default();
        let mut running: HashMap<String, (Target, CancellationToken)> = HashMap::new();
        let mut tasks: JoinSet<()> = JoinSet::new();
        loop {
            let mut wanted: BTreeMap<String, Target> = pods
                .borrow_and_update()
                .iter()
                .filter_map(|p| pod_target(p))
                .collect();
            wanted.insert("kubernetes".to_owned(), api_target(&api));
            running.retain(|key, (target, stop)| {
                let stays = wanted.get(key) == Some(target);
                if !stays {
                    stop.cancel();
                }
                stays
            });
            for (key, target) in wanted {
                if running.contains_key(&key) {
                    continue;
                }
                let stop = stop.child_token();
                running.insert(key.clone(), (target.clone(), stop.clone()));
                tasks.spawn(self.clone().follow(client.clone(), key, target, stop));
            }
            while tasks.try_join_next().is_some() {}
            tokio::select! {
                () = stop.cancelled() => break,
                changed = pods.changed() => if changed.is_err() { break },
            }
        }
        for (_, stop) in running.values() {
            stop.cancel();
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Scrapes one target at its moment of every interval.
    async fn follow(
        self,
        client: reqwest::Client,
        key: String,
        target: Target,
        stop: CancellationToken,
    ) {
        let clock = self.metrics.clock();
        let interval = i64::try_from(self.interval.as_millis())
            .unwrap_or(1000)
            .max(1);
        let mut writer = PageWriter::new(target.labels.clone());
        let offset = spread(&key, interval);
        let mut next =
            (clock.now_ms() - offset).div_euclid(interval) * interval + interval + offset;
        self.targets.lock().insert(
            key.clone(),
            TargetStatus {
                target: target.clone(),
                error: String::new(),
                last: None,
                took: Duration::ZERO,
                interval: self.interval,
                timeout: self.timeout,
            },
        );
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep_until(clock.instant_at(next)) => {}
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.scrape(&client, &key, &target, &mut writer, next) => {}
            }
            // A slow scrape skips the moments that it has missed, so that none pile up.
            let now = clock.now_ms();
            let missed = (now - next).max(0) / interval;
            next += interval * (missed + 1);
        }
        writer.end(self.metrics.head(), clock.now_ms());
        let mut all = self.targets.lock();
        // The same key may already stand for a new target.
        if all.get(&key).is_some_and(|s| s.target == target) {
            all.remove(&key);
        }
    }

    async fn scrape(
        &self,
        client: &reqwest::Client,
        key: &str,
        target: &Target,
        writer: &mut PageWriter,
        t: i64,
    ) {
        let begun = Instant::now();
        let head = self.metrics.head();
        let page = fetch(client, target).await;
        let took = begun.elapsed();
        let written = match page {
            Ok((text, format)) => writer
                .page(head, &text, format, t)
                .map_err(|e| e.to_string()),
            Err(why) => Err(why),
        };
        if written.is_err() {
            writer.failed(head, t);
        }
        let count = u32::try_from(*written.as_ref().unwrap_or(&0)).unwrap_or(u32::MAX);
        writer.own(head, "up", t, if written.is_ok() { 1.0 } else { 0.0 });
        writer.own(head, "scrape_duration_seconds", t, took.as_secs_f64());
        let added = f64::from(writer.added());
        for (name, v) in [
            ("scrape_samples_scraped", f64::from(count)),
            ("scrape_samples_post_metric_relabeling", f64::from(count)),
            ("scrape_series_added", added),
        ] {
            writer.own(head, name, t, v);
        }
        if let Some(status) = self.targets.lock().get_mut(key) {
            status.error = written.err().unwrap_or_default();
            status.last = Some(t);
            status.took = took;
        }
    }
}

async fn fetch(client: &reqwest::Client, target: &Target) -> Result<(String, Format), String> {
    let mut request = client.get(&target.url).header("accept", ACCEPT);
    if let Some(token) = &target.token {
        request = request.bearer_auth(token);
    }
    let mut answer = request.send().await.map_err(|e| reason(&e))?;
    if answer.status() != reqwest::StatusCode::OK {
        return Err(format!("server returned HTTP status {}", answer.status()));
    }
    let format = answer
        .headers()
        .get("content-type")
        .and_then(|v| v.to_str().ok())
        .map_or(Format::Text, Format::of);
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|e| reason(&e))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_PAGE {
            return Err("body size limit exceeded".to_owned());
        }
    }
    let text = String::from_utf8(body).map_err(|_| "the page is not UTF-8".to_owned())?;
    Ok((text, format))
}

/// The innermost reason, which says more than "error sending request".
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "context deadline exceeded".to_owned();
    }
    let mut inner: &dyn std::error::Error = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

/// Where in the interval a target is scraped: the same for each target, spread over all.
fn spread(key: &str, interval: i64) -> i64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    i64::try_from(hasher.finish() % interval.unsigned_abs()).unwrap_or(0)
}

/// The target of a pod that asks to be scraped
/// (`prometheus.io/scrape`, `prometheus.io/port`, `prometheus.io/path`).
fn pod_target(pod: &Pod) -> Option<(String, Target)> {
    let annotation = |name: &str| pod.annotations.get(&format!("prometheus.io/{name}"));
    if annotation("scrape").map(String::as_str) != Some("true") {
        return None;
    }
    if matches!(pod.phase.as_str(), "Succeeded" | "Failed") {
        return None;
    }
    let ip = pod.ip.as_ref()?;
    let port = annotation("port").map_or("80", String::as_str);
    let path = annotation("path").map_or("/metrics", String::as_str);
    let job = pod.labels.get("name").unwrap_or(&pod.name);
    let labels = [
        ("job", job.as_str()),
        ("instance", &format!("{ip}:{port}")),
        ("namespace", &pod.namespace),
        ("pod", &pod.name),
    ];
    Some((
        format!("pod/{}", pod.uid),
        Target {
            url: format!("http://{ip}:{port}{path}"),
            labels: labels.map(|(n, v)| (n.to_owned(), v.to_owned())).to_vec(),
            token: None,
        },
    ))
}

fn api_target(api: &KubernetesAccess) -> Target {
    let base = api.base_url.trim_end_matches('/');
    let host = base.split_once("://").map_or(base, |(_, host)| host);
    Target {
        url: format!("{base}/metrics"),
        labels: vec![
            ("job".to_owned(), "kubernetes".to_owned()),
            ("instance".to_owned(), host.to_owned()),
        ],
        token: Some(api.token.clone()),
    }
}
