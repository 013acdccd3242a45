//! Writes queries at random: well-typed ones, of the whole language but what needs a flag, native
//! histograms, and what versions of Prometheus answer differently.

use std::fmt::Write;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::data::{BASE, MINUTES};

/// Metrics whose samples are floats as they come.
const GAUGES: [&str; 7] = ["temp", "mem", "up", "info", "sparse", "lag", "lat_sum"];
const COUNTERS: [&str; 3] = ["req_total", "lat_count", "lat_bucket"];
const LABELS: [&str; 7] = [
    "job", "instance", "code", "method", "zone", "version", "nosuch",
];
const MATCHERS: [&str; 14] = [
    "job=\"a\"",
    "job!=\"a\"",
    "job=~\"a|b\"",
    "job!~\"b.*\"",
    "instance=\"1\"",
    "instance=~\".+\"",
    "instance=~\".*\"",
    "instance!~\"\"",
    "nosuch=\"\"",
    "nosuch!=\"\"",
    "code=~\"5..\"",
    "code!=\"200\"",
    "le=\"+Inf\"",
    "zone=~\"(?i)NORTH|west\"",
];
/// What gives the same to the last bit whatever the order of summation.
const EXACT_OF_RANGES: [&str; 8] = [
    "changes",
    "resets",
    "min_over_time",
    "max_over_time",
    "sum_over_time",
    "count_over_time",
    "present_over_time",
    "last_over_time",
];
const OF_RANGES: [&str; 9] = [
    "delta",
    "irate",
    "idelta",
    "deriv",
    "avg_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "last_over_time",
    "max_over_time",
];
/// What jumps, so that it wants what is exact.
const OF_EXACT: [&str; 18] = [
    "ceil",
    "floor",
    "sgn",
    "sqrt",
    "exp",
    "ln",
    "log2",
    "log10",
    "round",
    "sin",
    "cos",
    "minute",
    "hour",
    "day_of_week",
    "day_of_month",
    "day_of_year",
    "days_in_month",
    "year",
];
const OF_VECTORS: [&str; 8] = [
    "abs",
    "absent",
    "sort",
    "sort_desc",
    "atan",
    "tanh",
    "deg",
    "rad",
];
const AGGREGATIONS: [&str; 6] = ["sum", "avg", "min", "max", "count", "group"];
const EXACT_AGGREGATIONS: [&str; 5] = ["sum", "min", "max", "count", "group"];
const ARITHMETIC: [&str; 6] = ["+", "-", "*", "/", "^", "%"];
const COMPARISONS: [&str; 6] = ["==", "!=", ">", "<", ">=", "<="];
const NUMBERS: [&str; 14] = [
    "0", "1", "2", "0.5", "-1", "3.25", "1e3", "0x1f", "100", "Inf", "-Inf", "NaN", ".5e-1",
    "1000000",
];
const RANGES: [&str; 8] = ["31s", "1m", "2m", "5m", "9m10s", "15m", "600s", "20m"];
const STEPS: [&str; 5] = ["15s", "30s", "1m", "47s", ""];
/// Also what moves a subquery's steps off the edges of the range around it.
const OFFSETS: [&str; 4] = ["333ms", "1m333ms", "-2m333ms", "7m333ms"];

/// Writes one query after the other.
pub(crate) struct Author {
    dice: StdRng,
}

impl Author {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            dice: StdRng::seed_from_u64(seed),
        }
    }

    /// A query, of a vector or a scalar.
    pub(crate) fn query(&mut self) -> String {
        let depth = self.dice.random_range(1..5);
        match self.dice.random_range(0..12) {
            0 => self.scalar(depth),
            // Equals make no difference here, where only the values are compared.
            1 => {
                let name = self.one(&["topk", "bottomk"]);
                let (k, of) = (self.dice.random_range(0..4), self.vector(depth - 1));
                let by = self.grouping();
                format!("{name}{by}({k}, {of})")
            }
            _ => self.vector(depth),
        }
    }

    /// From the first to after the last sample, never at one, nor at a step of a subquery.
    pub(crate) fn time(&mut self) -> String {
        let seconds = self.dice.random_range(-60..MINUTES * 60 + 420);
        format!("{}.45", BASE + seconds)
    }

    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.dice.random_range(0..100) < percent
    }

    pub(crate) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.dice.random_range(0..of.len())]
    }

    fn selector(&mut self, name: &str) -> String {
        let mut matchers = Vec::new();
        while self.chance(30) {
            matchers.push(self.one(&MATCHERS));
        }
        match matchers.is_empty() {
            true => name.to_owned(),
            false => format!("{name}{{{}}}", matchers.join(",")),
        }
    }

    fn metric(&mut self) -> &'static str {
        match self.chance(40) {
            true => self.one(&COUNTERS),
            false => self.one(&GAUGES),
        }
    }

    /// `offset` and `@`, or nothing.
    fn moved(&mut self, always: bool) -> String {
        let mut out = String::new();
        if self.chance(12) {
            let at = match self.dice.random_range(0..3) {
                0 => "start()".to_owned(),
                1 => "end()".to_owned(),
                _ => self.time(),
            };
            let _ = write!(out, " @ {at}");
        }
        if always || self.chance(12) {
            let _ = write!(out, " offset {}", self.one(&OFFSETS));
        }
        out
    }

    fn range(&mut self, depth: u32) -> String {
        let range = self.one(&RANGES);
        if depth > 1 && self.chance(30) {
            let of = self.vector(depth - 1);
            let (step, moved) = (self.one(&STEPS), self.moved(true));
            return format!("({of})[{range}:{step}]{moved}");
        }
        let metric = self.metric();
        let (selector, moved) = (self.selector(metric), self.moved(false));
        format!("{selector}[{range}]{moved}")
    }

    fn labels(&mut self) -> String {
        let mut labels: Vec<&str> = Vec::new();
        while self.chance(50) {
            let label = self.one(&LABELS);
            if !labels.contains(&label) {
                labels.push(label);
            }
        }
        labels.join(", ")
    }

    fn grouping(&mut self) -> String {
        match self.dice.random_range(0..3) {
            0 => String::new(),
            1 => format!(" by ({})", self.labels()),
            _ => format!(" without ({})", self.labels()),
        }
    }

    /// A vector whose values do not depend on how a server rounds.
    fn exact(&mut self, depth: u32) -> String {
        if depth <= 1 || self.chance(25) {
            let metric = self.metric();
            let (selector, moved) = (self.selector(metric), self.moved(false));
            return format!("{selector}{moved}");
        }
        match self.dice.random_range(0..6) {
            0 | 1 => {
                let (of, by) = (self.exact(depth - 1), self.grouping());
                format!("{}{by}({of})", self.one(&EXACT_AGGREGATIONS))
            }
            2 => format!("-({})", self.exact(depth - 1)),
            3 => format!("({}) * {}", self.exact(depth - 1), self.one(&NUMBERS)),
            _ => {
                let metric = self.metric();
                let (selector, moved) = (self.selector(metric), self.moved(false));
                let (name, range) = (self.one(&EXACT_OF_RANGES), self.one(&RANGES));
                format!("{name}({selector}[{range}]{moved})")
            }
        }
    }

    fn vector(&mut self, depth: u32) -> String {
        if depth <= 1 {
            return self.exact(1);
        }
        match self.dice.random_range(0..20) {
            0..3 => self.of_range(depth),
            3 | 4 => self.growth(depth),
            5..8 => self.aggregation(depth),
            8 => format!("{}({})", self.one(&OF_VECTORS), self.vector(depth - 1)),
            9 if self.chance(20) => {
                // Without `@`, where Prometheus 2 finds nothing.
                let metric = self.metric();
                format!("timestamp({})", self.selector(metric))
            }
            9 | 10 => format!("{}({})", self.one(&OF_EXACT), self.exact(depth - 1)),
            11 => self.histogram_quantile(depth),
            12 => self.clamped(depth),
            13 => self.relabelled(depth),
            14 => format!("vector({})", self.scalar(depth - 1)),
            15 | 16 => self.with_scalar(depth),
            17 => self.set_operation(depth),
            _ => self.matched(depth),
        }
    }

    /// Only of counters: what is near zero is extrapolated otherwise by Prometheus 2 than by 3.
    fn growth(&mut self, depth: u32) -> String {
        let metric = self.one(&COUNTERS);
        let (selector, range) = (self.selector(metric), self.one(&RANGES));
        let name = self.one(&["rate", "increase"]);
        if depth > 2 && self.chance(30) {
            let (step, moved) = (self.one(&STEPS), self.moved(true));
            return format!("{name}({selector}[{range}:{step}]{moved})");
        }
        format!("{name}({selector}[{range}]{})", self.moved(false))
    }

    fn of_range(&mut self, depth: u32) -> String {
        let range = self.range(depth - 1);
        match self.dice.random_range(0..8) {
            0 => {
                let q = self.one(&["0", "0.5", "0.9", "1", "-1", "2", "NaN"]);
                format!("quantile_over_time({q}, {range})")
            }
            // Prometheus 2 answers for some of the steps only where `@` holds its range fast.
            1 if !range.contains('@') => format!("predict_linear({range}, {})", self.scalar(1)),
            2 => format!("absent_over_time({range})"),
            _ => format!("{}({range})", self.one(&OF_RANGES)),
        }
    }

    fn aggregation(&mut self, depth: u32) -> String {
        let by = self.grouping();
        match self.dice.random_range(0..9) {
            // The label is the last in order, as Prometheus 2 wants it.
            0 => format!("count_values{by}(\"zzz\", {})", self.exact(depth - 1)),
            1 => {
                let q = self.one(&["0", "0.25", "0.5", "0.99", "1", "-0.5", "1.5", "NaN"]);
                format!("quantile{by}({q}, {})", self.vector(depth - 1))
            }
            2 => format!("sum(topk(2, {}))", self.vector(depth - 1)),
            // Of what is a number: of one that is none Prometheus 2 gives 0.
            3 => {
                let metric = self.one(&["req_total", "temp", "lat_bucket", "up"]);
                let (name, of) = (self.one(&["stddev", "stdvar"]), self.selector(metric));
                format!("{name}{by}({of})")
            }
            _ => {
                let (name, of) = (self.one(&AGGREGATIONS), self.vector(depth - 1));
                match self.chance(50) {
                    true => format!("{name}{by}({of})"),
                    false => format!("{name}({of}){by}"),
                }
            }
        }
    }

    fn histogram_quantile(&mut self, depth: u32) -> String {
        let q = self.one(&["0", "0.5", "0.9", "0.99", "1", "-1", "2", "NaN"]);
        let selector = self.selector("lat_bucket");
        let moved = self.moved(false);
        let of = match self.dice.random_range(0..4) {
            0 => format!("{selector}{moved}"),
            1 => format!("rate({selector}[5m]{moved})"),
            2 => format!("sum by (le, job) (rate({selector}[5m]{moved}))"),
            _ => self.vector(depth - 1),
        };
        format!("histogram_quantile({q}, {of})")
    }

    fn clamped(&mut self, depth: u32) -> String {
        let of = self.vector(depth - 1);
        let (low, high) = (self.scalar(1), self.scalar(1));
        match self.dice.random_range(0..4) {
            0 => format!("clamp({of}, {low}, {high})"),
            1 => format!("clamp_min({of}, {low})"),
            2 => format!("clamp_max({of}, {high})"),
            _ => format!("round({}, {low})", self.exact(depth - 1)),
        }
    }

    fn relabelled(&mut self, depth: u32) -> String {
        let of = self.vector(depth - 1);
        let (from, to) = (
            self.one(&LABELS),
            self.one(&["job", "made", "code", "__name__"]),
        );
        match self.chance(60) {
            true => {
                let regex = self.one(&["(.*)", "(.).*", "a", "", "(?P<x>.+)", "(\\\\d)\\\\d+"]);
                let with = self.one(&["$1", "x-$1", "", "${1}y", "$x", "fixed", "$$1"]);
                format!("label_replace({of}, \"{to}\", \"{with}\", \"{from}\", \"{regex}\")")
            }
            false => format!("label_join({of}, \"{to}\", \"-\", \"job\", \"{from}\")"),
        }
    }

    fn with_scalar(&mut self, depth: u32) -> String {
        let (of, number) = (self.exact(depth - 1), self.scalar(depth - 1));
        let operator = self.operator();
        match self.chance(70) {
            true => format!("({of}) {operator} ({number})"),
            false => format!("({number}) {operator} ({of})"),
        }
    }

    /// Of arithmetic or a comparison, now and then with `bool`.
    fn operator(&mut self) -> String {
        match self.dice.random_range(0..3) {
            0 => format!("{} bool", self.one(&COMPARISONS)),
            1 => self.one(&COMPARISONS).to_owned(),
            _ => self.one(&ARITHMETIC).to_owned(),
        }
    }

    fn set_operation(&mut self, depth: u32) -> String {
        let (a, b) = (self.vector(depth - 1), self.vector(depth - 1));
        let operator = self.one(&["and", "or", "unless"]);
        let matching = match self.dice.random_range(0..4) {
            0 => format!("on ({})", self.labels()),
            1 => format!("ignoring ({})", self.labels()),
            _ => String::new(),
        };
        format!("({a}) {operator} {matching} ({b})")
    }

    /// Two vectors, matched one to one or many to one.
    fn matched(&mut self, depth: u32) -> String {
        let operator = self.operator();
        if self.chance(40) {
            let name = self.metric();
            let (a, b) = (self.selector(name), self.selector(name));
            return format!("{a} {operator} {b}");
        }
        let (name, of) = (self.one(&EXACT_AGGREGATIONS), self.exact(depth - 1));
        let by = self.one(&["job", "job, instance", "instance"]);
        let one = format!("{name} by ({by}) ({of})");
        let many = self.exact(depth - 1);
        let carried = self.one(&["", "version", "job", "zone"]);
        match self.dice.random_range(0..3) {
            0 => format!("({many}) {operator} on ({by}) group_left ({carried}) ({one})"),
            1 => format!("({one}) {operator} on ({by}) group_right ({carried}) ({many})"),
            _ => {
                let other = self.one(&EXACT_AGGREGATIONS);
                format!("({one}) {operator} {other} by ({by}) ({many})")
            }
        }
    }

    fn scalar(&mut self, depth: u32) -> String {
        if depth <= 1 {
            return self.one(&NUMBERS).to_owned();
        }
        match self.dice.random_range(0..8) {
            0 => "time()".to_owned(),
            1 => "pi()".to_owned(),
            2 | 3 => format!("scalar({})", self.exact(depth - 1)),
            4 => format!("-({})", self.scalar(depth - 1)),
            5 => {
                let (a, b) = (self.scalar(depth - 1), self.scalar(depth - 1));
                format!("({a}) {} ({b})", self.one(&ARITHMETIC))
            }
            6 => {
                let (a, b) = (self.scalar(depth - 1), self.scalar(depth - 1));
                format!("({a}) {} bool ({b})", self.one(&COMPARISONS))
            }
            _ => self.one(&NUMBERS).to_owned(),
        }
    }
}
