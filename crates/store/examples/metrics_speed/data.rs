//! Series as the shop's own pods have them, and values that behave as theirs do.

use store::metrics::Sample;

use crate::wire::Pairs;

/// Milliseconds between two scrapes of a pod.
pub(crate) const INTERVAL: i64 = 5000;

const NAMESPACES: [&str; 4] = ["sock-shop", "shopmicro", "online-boutique", "ecommerce"];
const SERVICES: [&str; 8] = [
    "front-end",
    "orders",
    "payment",
    "carts",
    "user",
    "catalogue",
    "shipping",
    "queue-master",
];
const ROUTES: [(&str, &str); 5] = [
    ("GET", "/health"),
    ("GET", "/items/{id}"),
    ("POST", "/items"),
    ("DELETE", "/items/{id}"),
    ("GET", "/search"),
];
const PEERS: [&str; 4] = ["user", "carts-db", "payment", "catalogue-db"];
const BOUNDS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
/// What each counter has counted before the first scrape: near zero, rates are extrapolated
/// otherwise by Prometheus 2 than by 3.
const PAST: u64 = 1000;
const MEMORY_LIMIT: f64 = 268_435_456.0;

/// Numbers that look random and are always the same (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// How many of the events that come at `rate` per interval came in one.
    fn events(&mut self, rate: f64) -> u64 {
        (rate * (0.5 + self.unit()) + self.unit()).floor() as u64
    }
}

/// A time in seconds, exact to a nanosecond; long ones are rare.
fn observed(dice: &mut Dice, typical: f64) -> f64 {
    (typical * 1e9 * -dice.unit().max(1e-9).ln()).round() / 1e9
}

/// What makes the values of one or more series that stand side by side.
enum Source {
    /// Buckets, sum, count, and how many there were once more.
    Histogram {
        rate: f64,
        typical: f64,
        buckets: [u64; 12],
        sum: f64,
        twice: u64,
    },
    Counter {
        rate: f64,
        total: u64,
    },
    Cpu {
        rate: f64,
        total: f64,
    },
    Walk {
        value: f64,
        step: f64,
        unit: f64,
    },
    Few {
        most: u64,
    },
    Constant(f64),
}

impl Source {
    fn advance(&mut self, dice: &mut Dice, out: &mut Vec<f64>) {
        match self {
            Self::Histogram {
                rate,
                typical,
                buckets,
                sum,
                twice,
            } => {
                for _ in 0..dice.events(*rate) {
                    let seconds = observed(dice, *typical);
                    buckets[BOUNDS.partition_point(|b| *b < seconds)] += 1;
                    *sum += seconds;
                }
                let mut total = 0;
                for count in buckets {
                    total += *count;
                    out.push(total as f64);
                }
                out.push(*sum);
                for _ in 0..*twice {
                    out.push(total as f64);
                }
            }
            Self::Counter { rate, total } => {
                *total += dice.events(*rate);
                out.push(*total as f64);
            }
            Self::Cpu { rate, total } => {
                let micros = (*rate * (0.5 + dice.unit()) * 1e6).round();
                *total += micros / 1e6;
                out.push(*total);
            }
            Self::Walk { value, step, unit } => {
                *value = (*value + *step * (dice.unit() - 0.5)).abs();
                out.push((*value / *unit).round() * *unit);
            }
            Self::Few { most } => out.push((dice.next() % *most) as f64),
            Self::Constant(value) => out.push(*value),
        }
    }

    /// As after a restart of the process.
    fn restart(&mut self) {
        match self {
            Self::Histogram { buckets, sum, .. } => (*buckets, *sum) = ([0; 12], 0.0),
            Self::Counter { total, .. } => *total = 0,
            Self::Cpu { total, .. } => *total = 0.0,
            Self::Walk { .. } | Self::Few { .. } | Self::Constant(_) => {}
        }
    }
}

/// A pod: its series share a time of scraping.
struct Pod {
    /// Milliseconds after the beginning of an interval at which it is scraped.
    offset: i64,
    /// The scrape before which it starts anew.
    restarts: Option<i64>,
    sources: Vec<Source>,
    series: usize,
}

/// All series and what they do next.
pub(crate) struct Shop {
    pods: Vec<Pod>,
    /// The labels of each series.
    pub(crate) series: Vec<Pairs>,
    dice: Dice,
}

impl Shop {
    /// A shop with so many series, fewer in the last pod.
    pub(crate) fn new(series: usize) -> Self {
        let mut shop = Self {
            pods: Vec::new(),
            series: Vec::new(),
            dice: Dice(7),
        };
        while shop.series.len() < series {
            shop.add_pod(shop.pods.len());
        }
        shop.series.truncate(series);
        shop
    }

    /// The samples of the scrape with this number, the first of which begins at `start`.
    pub(crate) fn scrape(&mut self, start: i64, number: i64, each: &mut impl FnMut(usize, Sample)) {
        let (mut next, mut values) = (0, Vec::new());
        for pod in &mut self.pods {
            values.clear();
            for source in &mut pod.sources {
                if pod.restarts == Some(number) {
                    source.restart();
                }
                source.advance(&mut self.dice, &mut values);
            }
            let t = start + number * INTERVAL + pod.offset;
            for (at, v) in values.iter().enumerate() {
                if next + at < self.series.len() {
                    each(next + at, Sample { t, v: *v });
                }
            }
            next += pod.series;
        }
    }

    fn add_pod(&mut self, number: usize) {
        let service = SERVICES[number % 8];
        let namespace = NAMESPACES[number / 8 % 4];
        let replica = number / 32;
        let mut pod = PodLabels {
            pod: format!("{service}-{:08x}-{replica:05}", number * 0x9e_3779),
            instance: format!("127.1.{}.{}:80", number / 250, number % 250 + 2),
            service,
            namespace,
            series: Vec::new(),
            sources: Vec::new(),
        };
        pod.requests(&mut self.dice);
        pod.calls(&mut self.dice);
        pod.process(&mut self.dice);
        pod.platform(number, replica, &mut self.dice);
        self.pods.push(Pod {
            // Never on a whole second, so that no sample lies on the edge of a window.
            offset: (number as i64 * 379) % 4900 + 33,
            restarts: number.is_multiple_of(6).then_some(300),
            series: pod.series.len(),
            sources: pod.sources,
        });
        self.series.append(&mut pod.series);
    }
}

struct PodLabels {
    pod: String,
    instance: String,
    service: &'static str,
    namespace: &'static str,
    series: Vec<Pairs>,
    sources: Vec<Source>,
}

impl PodLabels {
    fn one(&mut self, name: &str, own: &[(&'static str, &str)]) {
        let mut labels: Pairs = vec![
            ("__name__", name.to_owned()),
            ("instance", self.instance.clone()),
            ("job", self.service.to_owned()),
            ("namespace", self.namespace.to_owned()),
            ("pod", self.pod.clone()),
        ];
        labels.extend(own.iter().map(|(n, v)| (*n, (*v).to_owned())));
        labels.sort();
        self.series.push(labels);
    }

    fn add(&mut self, name: &str, own: &[(&'static str, &str)], source: Source) {
        self.one(name, own);
        self.sources.push(source);
    }

    fn histogram(
        &mut self,
        name: &str,
        own: &[(&'static str, &str)],
        (rate, typical): (f64, f64),
        dice: &mut Dice,
    ) {
        for bound in BOUNDS.iter().map(f64::to_string).chain(["+Inf".to_owned()]) {
            let with_bound: Vec<_> = own.iter().copied().chain([("le", &*bound)]).collect();
            self.one(&format!("{name}_bucket"), &with_bound);
        }
        self.one(&format!("{name}_sum"), own);
        self.one(&format!("{name}_count"), own);
        let mut source = Source::Histogram {
            rate: PAST as f64,
            typical,
            buckets: [0; 12],
            sum: 0.0,
            twice: 1,
        };
        if rate > 0.0 {
            source.advance(dice, &mut Vec::new());
        }
        if let Source::Histogram { rate: from_now, .. } = &mut source {
            *from_now = rate;
        }
        self.sources.push(source);
    }

    fn requests(&mut self, dice: &mut Dice) {
        for (method, route) in ROUTES {
            let busy = [0.0, 1.0, 10.0, 60.0][(dice.next() % 4) as usize];
            for (status_code, share) in [("200", 1.0), ("404", 0.02), ("500", 0.005)] {
                let own = [
                    ("service", self.service),
                    ("method", method),
                    ("route", route),
                    ("status_code", status_code),
                ];
                let name = "http_request_duration_seconds";
                let typical = 0.004 + dice.unit() * 0.05;
                self.histogram(name, &own, (busy * share, typical), dice);
                if let Some(Source::Histogram { twice, .. }) = self.sources.last_mut() {
                    *twice = if status_code == "500" { 3 } else { 2 };
                }
                self.one("http_requests_total", &own);
                if status_code == "500" {
                    self.one("http_request_errors_total", &own);
                }
            }
        }
    }

    fn calls(&mut self, dice: &mut Dice) {
        let service = self.service;
        for peer in PEERS {
            let rate = dice.unit() * 40.0;
            for (outcome, share) in [("ok", 1.0), ("timeout", 0.01), ("error", 0.003)] {
                let own = [("service", service), ("peer", peer), ("outcome", outcome)];
                let source = Source::Counter {
                    rate: rate * share,
                    total: PAST,
                };
                self.add("http_client_requests_total", &own, source);
            }
            let own = [("service", service), ("peer", peer)];
            let name = "http_client_request_duration_seconds";
            let typical = 0.002 + dice.unit() * 0.02;
            self.histogram(name, &own, (rate, typical), dice);
            let own = [("breaker", peer)];
            self.add("circuit_breaker_open", &own, Source::Constant(0.0));
        }
        for operation in ["select", "insert", "update"] {
            let own = [
                ("service", service),
                ("peer", "orders-db"),
                ("operation", operation),
            ];
            let name = "db_client_operation_duration_seconds";
            let how = (dice.unit() * 20.0, 0.001 + dice.unit() * 0.01);
            self.histogram(name, &own, how, dice);
        }
    }

    fn process(&mut self, dice: &mut Dice) {
        let service = [("service", self.service)];
        self.add(
            "http_requests_in_flight",
            &service,
            Source::Few { most: 12 },
        );
        let walk = |value, step, unit| Source::Walk { value, step, unit };
        let memory = || walk(48e6, 2e5, 4096.0);
        self.add("process_resident_memory_bytes", &[], memory());
        self.add("process_open_fds", &[], Source::Few { most: 4 });
        self.add("process_threads", &[], Source::Constant(9.0));
        let started = Source::Constant(1_760_436_000.37);
        self.add("process_start_time_seconds", &[], started);
        let cpu = |dice: &mut Dice| Source::Cpu {
            rate: dice.unit(),
            total: PAST as f64,
        };
        self.add("process_cpu_seconds_total", &[], cpu(dice));
        self.add("up", &[], Source::Constant(1.0));
        self.add("scrape_duration_seconds", &[], walk(0.004, 0.002, 1e-9));
        self.add("scrape_samples_scraped", &[], Source::Constant(364.0));
        let container = [("container", self.service)];
        self.add("container_memory_working_set_bytes", &container, memory());
        self.add("container_cpu_usage_seconds_total", &container, cpu(dice));
    }

    fn platform(&mut self, number: usize, replica: usize, dice: &mut Dice) {
        let container = [("container", self.service)];
        let restarts = Source::Counter {
            rate: if number.is_multiple_of(5) { 0.01 } else { 0.0 },
            total: 0,
        };
        let name = "kube_pod_container_status_restarts_total";
        self.add(name, &container, restarts);
        for (resource, limit) in [("memory", MEMORY_LIMIT), ("cpu", 0.5)] {
            let own = [("container", self.service), ("resource", resource)];
            let name = "kube_pod_container_resource_limits";
            self.add(name, &own, Source::Constant(limit));
        }
        let own = [("container", self.service), ("reason", "CrashLoopBackOff")];
        let waiting = if dice.next().is_multiple_of(9) {
            1.0
        } else {
            0.0
        };
        let name = "kube_pod_container_status_waiting_reason";
        self.add(name, &own, Source::Constant(waiting));
        for phase in ["Pending", "Running", "Succeeded", "Failed", "Unknown"] {
            let is = f64::from(u8::from(phase == "Running"));
            let own = [("phase", phase)];
            self.add("kube_pod_status_phase", &own, Source::Constant(is));
        }
        if replica == 0 {
            let own = [("deployment", self.service)];
            let name = "kube_deployment_spec_replicas";
            self.add(name, &own, Source::Constant(4.0));
            let name = "kube_deployment_status_replicas_available";
            self.add(name, &own, Source::Few { most: 5 });
        }
    }
}
