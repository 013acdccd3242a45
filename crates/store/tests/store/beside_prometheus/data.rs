//! An hour of series that have everything in them that a query may stumble over: resets, gaps,
//! staleness, series that follow each other, values that are no numbers.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use store::metrics::Sample;

use super::wire::{Pairs, Writer};

/// Unix seconds of the first scrape.
pub(crate) const BASE: i64 = 1_760_400_000;
/// How long there are samples.
pub(crate) const MINUTES: i64 = 60;
/// Seconds between two scrapes.
const INTERVAL: i64 = 15;
/// What a counter counted before its first sample: near zero, rates are extrapolated otherwise by
/// Prometheus 2 than by 3.
const PAST: f64 = 10_000.0;
/// Scrapes before the first reset of a counter, for the same reason.
const QUIET: i64 = 20 * 60 / INTERVAL;

/// How the samples of a series come to be.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Grows by up to this at each scrape, and starts again now and then.
    Counter(f64),
    /// Goes up and down by eighths.
    Gauge,
    /// A gauge whose values are no numbers now and then.
    Strange,
    /// A gauge that is missing for minutes, here and there with a marker of staleness.
    Gaps,
    /// 0 or 1.
    Flag,
    /// Always the same.
    Constant(f64),
}

struct Series {
    labels: Pairs,
    kind: Kind,
    /// The scrapes that have it.
    scrapes: std::ops::Range<i64>,
    /// Every how many scrapes it has a sample.
    every: i64,
}

/// The requests of remote write that hold all samples.
pub(crate) fn requests() -> Vec<Vec<u8>> {
    let all = series();
    let labels: Vec<Pairs> = all.iter().map(|s| s.labels.clone()).collect();
    let mut writer = Writer::new(&labels);
    let mut samples: Vec<(usize, Sample)> = Vec::new();
    for (at, series) in all.iter().enumerate() {
        let seed = at as u64 + 1;
        samples.extend(series.samples(seed).into_iter().map(|s| (at, s)));
    }
    samples.sort_by_key(|(at, sample)| (sample.t, *at));
    let mut requests: Vec<Vec<u8>> = Vec::new();
    for (at, sample) in samples {
        requests.extend(writer.add(at, sample));
    }
    requests.push(writer.finish());
    requests
}

impl Series {
    fn samples(&self, seed: u64) -> Vec<Sample> {
        let mut dice = StdRng::seed_from_u64(seed);
        let stale = f64::from_bits(0x7ff0_0000_0000_0002);
        let mut value = PAST;
        let mut missing = 0;
        let mut samples = Vec::new();
        let last = self.scrapes.end == MINUTES * 60 / INTERVAL;
        // A second is not whole where there are samples, so that none lies on a window's edge.
        let shift = 137 + seed.cast_signed() % 40;
        let time = |scrape: i64| (BASE + scrape * INTERVAL) * 1000 + shift;
        for scrape in self.scrapes.clone().filter(|s| s % self.every == 0) {
            let eighth = f64::from(dice.random_range(-400i32..400)) / 8.0;
            let luck = dice.random_range(0..100);
            let v = match self.kind {
                Kind::Counter(by) => {
                    value += (dice.random_range(0.0..1.0) * by).floor();
                    if luck == 0 && scrape > QUIET {
                        value = PAST;
                    }
                    value
                }
                Kind::Gauge => eighth,
                Kind::Strange => match luck {
                    0..5 => f64::NAN,
                    5..8 => f64::INFINITY,
                    8..10 => f64::NEG_INFINITY,
                    10..13 => 1e140,
                    13..16 => -0.0,
                    _ => eighth,
                },
                Kind::Gaps if missing > 0 => {
                    missing -= 1;
                    continue;
                }
                Kind::Gaps if luck < 4 => {
                    missing = dice.random_range(1..30);
                    if luck % 2 == 0 {
                        continue;
                    }
                    stale
                }
                Kind::Gaps => eighth * 1024.0,
                Kind::Flag => f64::from(u8::from(luck > 10)),
                Kind::Constant(v) => v,
            };
            let t = time(scrape);
            samples.push(Sample { t, v });
        }
        if !last {
            let t = time(self.scrapes.end);
            samples.push(Sample { t, v: stale });
        }
        samples
    }
}

fn series() -> Vec<Series> {
    let scrapes = MINUTES * 60 / INTERVAL;
    let mut all = Vec::new();
    let mut add = |name: &str, labels: &[(&'static str, &str)], kind, of, every| {
        let mut pairs: Pairs = vec![("__name__", name.to_owned())];
        pairs.extend(labels.iter().map(|(n, v)| (*n, (*v).to_owned())));
        pairs.sort_unstable();
        all.push(Series {
            labels: pairs,
            kind,
            scrapes: of,
            every,
        });
    };
    let whole = 0..scrapes;
    for job in ["a", "b"] {
        for instance in ["1", "2"] {
            let own = [("job", job), ("instance", instance)];
            let with = |more: &[(&'static str, &'static str)]| [&own[..], more].concat();
            add("up", &own, Kind::Flag, whole.clone(), 1);
            add("mem", &own, Kind::Gaps, whole.clone(), 1);
            add(
                "lag",
                &with(&[("zone", "north")]),
                Kind::Strange,
                whole.clone(),
                1,
            );
            for zone in ["north", "west", "Straße"] {
                add(
                    "temp",
                    &with(&[("zone", zone)]),
                    Kind::Gauge,
                    whole.clone(),
                    1,
                );
            }
            for code in ["200", "404", "500"] {
                for method in ["GET", "POST"] {
                    let labels = with(&[("code", code), ("method", method)]);
                    add("req_total", &labels, Kind::Counter(40.0), whole.clone(), 1);
                }
            }
            add("lat_count", &own, Kind::Counter(60.0), whole.clone(), 1);
            add("lat_sum", &own, Kind::Counter(9.0), whole.clone(), 1);
            for (at, le) in ["0.05", "0.1", "0.5", "2.5", "+Inf"]
                .into_iter()
                .enumerate()
            {
                let kind = Kind::Counter(10.0 * (at + 1) as f64);
                add("lat_bucket", &with(&[("le", le)]), kind, whole.clone(), 1);
            }
            let change = scrapes / 3 + if instance == "1" { 0 } else { 60 };
            let one = Kind::Constant(1.0);
            add("info", &with(&[("version", "1")]), one, 0..change, 1);
            add("info", &with(&[("version", "2")]), one, change..scrapes, 1);
        }
        add("sparse", &[("job", job)], Kind::Gauge, whole.clone(), 17);
    }
    all
}
