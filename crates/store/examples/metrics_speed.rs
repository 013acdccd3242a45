//! The metrics store beside a real Prometheus: the same samples through remote write, the same
//! queries, memory, and how cost grows. Both run in processes of their own; without `prometheus`
//! in the path our figures stand alone.
//!
//! `cargo run --release -p store --example metrics_speed [series] [minutes] [runs]`

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement prints its figures, and stops at what goes wrong"
)]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::Request;
use store::clock::Clock;
use store::metrics::api::{Api, router};
use store::metrics::{Labels, Metrics, Sample, SeriesRef};
use tower::ServiceExt;

#[path = "metrics_speed/compare.rs"]
mod compare;
#[path = "metrics_speed/data.rs"]
mod data;
#[path = "metrics_speed/queries.rs"]
mod queries;
#[path = "metrics_speed/servers.rs"]
mod servers;
#[path = "metrics_speed/wire.rs"]
mod wire;

use data::{INTERVAL, Shop};
use queries::{Kind, QUERIES};
use servers::Server;
use wire::Writer;

/// Samples that the measurement of pure ingestion takes.
const INGESTED: usize = 2_000_000;

/// What is compared.
#[derive(Debug, Clone, Copy)]
struct Size {
    series: usize,
    minutes: i64,
    /// How often each query is asked.
    runs: usize,
    /// Milliseconds since the epoch of the first scrape.
    start: i64,
}

impl Size {
    /// From the command line: by default what the bounds are stated for.
    fn asked() -> Self {
        let mut arguments = std::env::args().skip(1);
        let mut next = |or: usize| {
            let argument = arguments.next();
            argument.map_or(or, |n| n.parse().expect("a number"))
        };
        let (series, minutes, runs) = (next(50_000), next(60) as i64, next(5));
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("a time").as_secs() as i64;
        Self {
            series,
            minutes,
            runs,
            start: (now / 60 - minutes) * 60_000,
        }
    }

    const fn scrapes(self) -> i64 {
        self.minutes * 60_000 / INTERVAL
    }

    /// The time of instant queries: never on a sample or on a step of a subquery.
    fn end(self) -> f64 {
        (self.start + self.minutes * 60_000) as f64 / 1000.0 - 0.5
    }

    /// The path of a query, over the last `minutes` when it is one over a range.
    fn path(self, kind: Kind, query: &str, minutes: i64) -> String {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let end = self.end();
        match kind {
            Kind::Instant => format!("/query?query={query}&time={end}"),
            Kind::Range => {
                let start = end - (minutes * 60 - 15) as f64;
                format!("/query_range?query={query}&start={start}&end={end}&step=15")
            }
        }
    }
}

/// A line of the report: what, how much of it, and a remark.
fn row(what: &str, measured: impl std::fmt::Display, remark: &str) {
    println!("{what:<52} {measured:>10}   {remark}");
}

/// A million per second on one core, as `0.00`.
fn millions(samples: usize, seconds: f64) -> String {
    format!("{:.2}", samples as f64 / seconds / 1e6)
}

fn api(metrics: &Arc<Metrics>) -> axum::Router {
    let rules = store::rules::Ruler::new(&[], Duration::from_secs(1), Arc::clone(metrics));
    router(Api {
        metrics: Arc::clone(metrics),
        ruler: Arc::new(rules.expect("no rules")),
        targets: Arc::default(),
    })
}

/// How many samples a core takes: all the way from a request, and into series that are known.
fn ingestion(size: Size) {
    let mut shop = Shop::new(size.series);
    let mut writer = Writer::new(&shop.series);
    let scrapes = INGESTED.div_ceil(size.series).max(2);
    let mut requests: Vec<(i64, Vec<u8>)> = Vec::new();
    let mut samples: Vec<(usize, Sample)> = Vec::new();
    for number in 0..scrapes as i64 {
        shop.scrape(size.start, number, &mut |series, sample| {
            samples.push((series, sample));
            requests.extend(writer.add(series, sample).map(|body| (number, body)));
        });
        requests.push((number, writer.finish()));
    }
    requests.retain(|(_, body)| !body.is_empty());

    let metrics = Arc::new(Metrics::new(&servers::limits(), Clock::system()));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    let api = api(&metrics);
    let mut before = 0.0;
    for (number, body) in requests {
        if number == 1 && before == 0.0 {
            before = servers::own_cpu_seconds();
        }
        let request = Request::post("/api/v1/push").body(Body::from(body));
        let answer = runtime.block_on(api.clone().oneshot(request.expect("a request")));
        assert_eq!(answer.expect("an answer").status(), 200);
    }
    let taken = servers::own_cpu_seconds() - before;
    let count = samples.len() - size.series;
    let rate = millions(count, taken);
    row("remote write, one core (million samples/s)", rate, "≥ 1");

    let metrics = Metrics::new(&servers::limits(), Clock::system());
    let head = metrics.head();
    let (first, rest) = samples.split_at(size.series);
    let known: Vec<SeriesRef> = first
        .iter()
        .map(|(series, sample)| {
            let labels = shop.series[*series].iter().map(|(n, v)| (*n, v.as_str()));
            let made = head.append(&Labels::new(labels), sample.t, sample.v);
            made.expect("a series")
        })
        .collect();
    let before = servers::own_cpu_seconds();
    for (series, sample) in rest {
        let taken = head.append_to(&known[*series], sample.t, sample.v);
        assert!(taken.expect("taken"));
    }
    let rate = millions(rest.len(), servers::own_cpu_seconds() - before);
    row("in process, one core (million samples/s)", rate, "≥ 1");
}

/// Writes all samples to a server. Each is written to alone, so that none finds its processor's
/// caches full of another's data.
async fn feed(size: Size, client: &reqwest::Client, server: &Server) {
    let mut shop = Shop::new(size.series);
    let mut writer = Writer::new(&shop.series);
    for number in 0..size.scrapes() {
        let mut requests = Vec::new();
        shop.scrape(size.start, number, &mut |series, sample| {
            requests.extend(writer.add(series, sample));
        });
        requests.push(writer.finish());
        requests.retain(|body| !body.is_empty());
        for body in requests {
            let request = client
                .post(format!("{}/write", server.base))
                .header("content-encoding", "snappy")
                .header("content-type", "application/x-protobuf")
                .body(body);
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 204, "{}", server.base);
        }
    }
}

async fn ask(client: &reqwest::Client, server: &Server, path: &str) -> (Duration, String) {
    let started = Instant::now();
    let request = client.get(format!("{}{path}", server.base));
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let text = answer.text().await.expect("a body");
    let took = started.elapsed();
    assert_eq!(status, 200, "{path}: {text}");
    (took, text)
}

fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("an order"));
    values[values.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Each server's median time for a query, asked in turns; the answers of the last turn.
async fn timed(
    client: &reqwest::Client,
    servers: &[&Server],
    path: &str,
    runs: usize,
) -> Vec<(Duration, String)> {
    let mut times = vec![Vec::new(); servers.len()];
    let mut answers = vec![String::new(); servers.len()];
    for _ in 0..runs {
        for ((server, times), text) in servers.iter().zip(&mut times).zip(&mut answers) {
            let (took, answer) = ask(client, server, path).await;
            times.push(took);
            *text = answer;
        }
    }
    times.into_iter().map(median).zip(answers).collect()
}

async fn compare_queries(size: Size, client: &reqwest::Client, servers: &[&Server]) {
    let (mut all, mut ratios, mut differing) = ([Vec::new(), Vec::new()], Vec::new(), 0);
    println!("\n   ours (ms)  theirs (ms)  ratio  series  values  query");
    for (kind, query) in QUERIES {
        let path = size.path(kind, &queries::text(query), size.minutes);
        let answers = timed(client, servers, &path, size.runs).await;
        let (series, values) = compare::size(&answers[0].1);
        all[0].push(ms(answers[0].0));
        let mut beside = format!("{:>11}  {:>5}", "-", "-");
        if let Some((took, text)) = answers.get(1) {
            all[1].push(ms(*took));
            let ratio = ms(answers[0].0) / ms(*took);
            ratios.push(ratio);
            beside = format!("{:>11.2}  {ratio:>5.2}", ms(*took));
            if let Some(difference) = compare::difference(query, &answers[0].1, text) {
                differing += 1;
                println!("DIFFERENT: {difference}");
            }
        }
        let ours = ms(answers[0].0);
        println!("{ours:>12.2}  {beside}  {series:>6}  {values:>6}  {kind:?}: {query}");
    }
    println!();
    let [ours, theirs] = all.map(|times| (!times.is_empty()).then(|| median(times)));
    let ours = ours.expect("queries");
    row("median of 40 queries (ms)", format!("{ours:.2}"), "");
    if let Some(theirs) = theirs {
        row(
            "median of 40 queries, Prometheus (ms)",
            format!("{theirs:.2}"),
            "",
        );
        let ratio = ours / theirs;
        row(
            "median latency, ours to Prometheus'",
            format!("{ratio:.2}"),
            "≤ 0.8",
        );
        let slowest = ratios.iter().copied().fold(0.0, f64::max);
        let each = format!("{:.2}", median(ratios));
        row("median of the queries' ratios", each, "≤ 0.8");
        row(
            "largest of the queries' ratios",
            format!("{slowest:.2}"),
            "",
        );
        row("answers that differ by more than 1e-9", differing, "0");
    }
}

/// How the cost of a query grows with the time that it looks at.
async fn growth(size: Size, client: &reqwest::Client, servers: &[&Server]) {
    let query = "sum by (service) (rate(http_request_duration_seconds_bucket{NS}[30s]))";
    let mut first = None;
    for quarter in [1, 2, 4] {
        let minutes = size.minutes * quarter / 4;
        let path = size.path(Kind::Range, &queries::text(query), minutes);
        let (took, _) = timed(client, servers, &path, size.runs)
            .await
            .swap_remove(0);
        let first = *first.get_or_insert(ms(took));
        let what = format!("rate by service over {minutes} min (ms)");
        let times = format!("{:.1} times the shortest, ≤ {quarter}", ms(took) / first);
        row(&what, format!("{:.1}", ms(took)), &times);
    }
}

async fn beside_prometheus(size: Size) {
    let client = reqwest::Client::new();
    let store = Server::store();
    let prometheus = Server::prometheus(&client).await;
    let mut servers = vec![&store];
    servers.extend(&prometheus);
    if prometheus.is_none() {
        println!(
            "\n*** prometheus IS NOT INSTALLED: nothing is compared, our figures stand alone ***\n"
        );
    }
    for server in &servers {
        feed(size, &client, server).await;
    }
    let samples = size.series * size.scrapes() as usize;
    let names = ["store", "Prometheus"];
    for (server, name) in servers.iter().zip(names) {
        let rate = millions(samples, server.cpu_seconds());
        let what = format!("{name} over HTTP (million samples/core-second)");
        row(&what, rate, if name == "store" { "≥ 1" } else { "" });
    }
    let memory: Vec<f64> = servers.iter().map(|s| s.megabytes()).collect();
    for (megabytes, name) in memory.iter().zip(names) {
        let bytes = megabytes * 1_048_576.0 / samples as f64;
        let remark = format!("{bytes:.2} bytes a sample");
        row(
            &format!("{name}, memory (MB)"),
            format!("{megabytes:.0}"),
            &remark,
        );
    }
    if let [ours, theirs] = memory[..] {
        let ratio = format!("{:.2}", ours / theirs);
        row("memory, ours to Prometheus'", ratio, "≤ 0.5");
    }
    compare_queries(size, &client, &servers).await;
    growth(size, &client, &servers).await;
    for (server, name) in servers.iter().zip(names) {
        let what = format!("{name}, memory after the queries (MB)");
        row(&what, format!("{:.0}", server.megabytes()), "");
    }
}

fn main() {
    if std::env::args().nth(1).is_some_and(|a| a == servers::SERVE) {
        servers::serve();
        return;
    }
    let size = Size::asked();
    println!(
        "{} series, {} minutes, a sample every {} s: {} samples",
        size.series,
        size.minutes,
        INTERVAL / 1000,
        size.series * size.scrapes() as usize
    );
    ingestion(size);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    runtime.block_on(beside_prometheus(size));
}
