//! What a query's numbers are numbers of, read from its text alone: from the
//! names of its metrics and from what is done with them.

mod token;

use token::{Token, tokens};

/// What a number is a number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nothing that could be told.
    Plain,
    Seconds,
    Bytes,
    /// Things per second.
    PerSecond,
    BytesPerSecond,
    /// A share of a whole, shown in percent.
    Ratio,
}

/// A longer query is not read: nobody writes one, and reading descends.
const MOST: usize = 1_000;

/// Operators, the loosest first.
const LEVELS: [&[&str]; 6] = [
    &["or"],
    &["and", "unless"],
    &["==", "!=", ">", "<", ">=", "<="],
    &["+", "-"],
    &["*", "/", "%"],
    &["^"],
];

impl Unit {
    /// The unit of what `query` (PromQL, or LogQL that counts) answers.
    pub(crate) fn of(query: &str) -> Self {
        let tokens = tokens(query);
        if tokens.len() > MOST {
            return Self::Plain;
        }
        let mut reader = Reader {
            tokens: &tokens,
            at: 0,
            measured: None,
        };
        reader.chain(0).map_or(Self::Plain, Powers::unit)
    }
}

/// A unit as a product: `things · bytes · seconds`, each to a power. A number
/// without one (`None` where this is optional) was written by hand, or was
/// scaled by one that was.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Powers {
    things: i8,
    bytes: i8,
    seconds: i8,
}

impl Powers {
    const NONE: Self = Self::new(0, 0, 0);
    const THINGS: Self = Self::new(1, 0, 0);
    const BYTES: Self = Self::new(0, 1, 0);
    const SECONDS: Self = Self::new(0, 0, 1);

    const fn new(things: i8, bytes: i8, seconds: i8) -> Self {
        Self {
            things,
            bytes,
            seconds,
        }
    }

    /// The unit of a metric by its name, as Prometheus names metrics.
    fn of_metric(name: &str, resource: Option<&str>) -> Option<Self> {
        if name.starts_with("kube_pod_container_resource_") {
            // One name for several units: a label says which.
            return Some(match resource {
                Some("memory") => Self::BYTES,
                Some("cpu") => Self::NONE,
                _ => Self::THINGS,
            });
        }
        if name.ends_with("_count") {
            return Some(Self::THINGS);
        }
        let base = ["_total", "_sum", "_bucket"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(name);
        // A date is no length of time.
        if base.ends_with("_time_seconds") || base.ends_with("_timestamp_seconds") {
            return None;
        }
        Some(match base {
            base if base.ends_with("_seconds") => Self::SECONDS,
            base if base.ends_with("_bytes") => Self::BYTES,
            base if base.ends_with("_ratio") => Self::NONE,
            _ => Self::THINGS,
        })
    }

    const fn per_second(self) -> Self {
        Self::new(self.things, self.bytes, self.seconds.saturating_sub(1))
    }

    const fn times(self, other: Self) -> Self {
        Self::new(
            self.things.saturating_add(other.things),
            self.bytes.saturating_add(other.bytes),
            self.seconds.saturating_add(other.seconds),
        )
    }

    const fn per(self, other: Self) -> Self {
        Self::new(
            self.things.saturating_sub(other.things),
            self.bytes.saturating_sub(other.bytes),
            self.seconds.saturating_sub(other.seconds),
        )
    }

    const fn unit(self) -> Unit {
        // Seconds per request are seconds, bytes per request bytes.
        match (self.things, self.bytes, self.seconds) {
            (0, 0, 0) => Unit::Ratio,
            (..=0, 0, 1) => Unit::Seconds,
            (..=0, 1, 0) => Unit::Bytes,
            (..=0, 1, -1) => Unit::BytesPerSecond,
            (_, 0, -1) => Unit::PerSecond,
            _ => Unit::Plain,
        }
    }
}

/// Reads tokens from left to right; what is no query is read as far as it goes.
struct Reader<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    /// What the last metric measures, were it no histogram.
    measured: Option<Powers>,
}

impl<'a> Reader<'a> {
    /// Operands with the operators of `level` and of all tighter ones.
    fn chain(&mut self, level: usize) -> Option<Powers> {
        let Some(operators) = LEVELS.get(level) else {
            return self.operand();
        };
        let mut left = self.chain(level + 1);
        while let Some(operator) = self.any_of(operators) {
            let asks = self.any_of(&["bool"]).is_some();
            self.matching();
            let right = self.chain(level + 1);
            left = match (operator, left, right) {
                _ if asks => None,
                ("*", Some(left), Some(right)) => Some(left.times(right)),
                ("/", Some(left), Some(right)) => Some(left.per(right)),
                // Who scales by hand has a unit of their own.
                ("*" | "/" | "^", ..) => None,
                (_, left, right) => left.or(right),
            };
        }
        left
    }

    fn operand(&mut self) -> Option<Powers> {
        let token = self.next()?;
        let found = match token {
            Token::Sign("-" | "+") => return self.operand(),
            Token::Sign("(") => {
                let inner = self.chain(0);
                self.any_of(&[")"]);
                inner
            }
            // Lines of a log.
            Token::Sign("{") => {
                self.selector();
                Some(Powers::THINGS)
            }
            Token::Word(name) => self.named(name),
            Token::Number | Token::Text(_) | Token::Sign(_) => None,
        };
        self.behind();
        found
    }

    /// A function, an aggregation, or a metric.
    fn named(&mut self, name: &str) -> Option<Powers> {
        self.grouping();
        if self.any_of(&["("]).is_some() {
            let arguments = self.arguments();
            self.grouping();
            return called(name, arguments, self.measured);
        }
        if matches!(name.to_ascii_lowercase().as_str(), "inf" | "nan") {
            return None;
        }
        let resource = self.any_of(&["{"]).and_then(|_| self.selector());
        let base = name.strip_suffix("_bucket").unwrap_or(name);
        self.measured = Powers::of_metric(base, resource);
        if base == name {
            self.measured
        } else {
            Some(Powers::THINGS)
        }
    }

    /// The first argument that has a unit; up to the closing parenthesis.
    fn arguments(&mut self) -> Option<Powers> {
        let mut first = None;
        loop {
            if self.any_of(&[")"]).is_some() {
                return first;
            }
            let argument = self.chain(0);
            first = first.or(argument);
            if self.any_of(&[","]).is_none() {
                self.any_of(&[")"]);
                return first;
            }
        }
    }

    /// Up to the closing brace; the value of the label `resource`.
    fn selector(&mut self) -> Option<&'a str> {
        let mut resource = None;
        let mut before = (Token::Number, Token::Number);
        while let Some(token) = self.next() {
            match (before, token) {
                (_, Token::Sign("}")) => break,
                ((Token::Word("resource"), Token::Sign("=")), Token::Text(value)) => {
                    resource = Some(value);
                }
                _ => {}
            }
            before = (before.1, token);
        }
        resource
    }

    /// What may stand behind an operand: ranges, offsets, a pipeline of LogQL.
    fn behind(&mut self) {
        while let Some(token) = self.any_of(&["[", "offset", "@", "|"]) {
            match token {
                "[" => self.skip_past("]"),
                "|" => {
                    let ends = |token: &Token<'_>| matches!(token, Token::Sign("[" | ")"));
                    while self.peek().is_some_and(|token| !ends(&token)) {
                        self.at += 1;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    fn grouping(&mut self) {
        while self.any_of(&["by", "without"]).is_some() {
            self.any_of(&["("]);
            self.skip_past(")");
        }
    }

    fn matching(&mut self) {
        while self
            .any_of(&["on", "ignoring", "group_left", "group_right"])
            .is_some()
        {
            if self.any_of(&["("]).is_some() {
                self.skip_past(")");
            }
        }
    }

    fn skip_past(&mut self, end: &str) {
        while let Some(token) = self.next() {
            if token == Token::Sign(end) {
                return;
            }
        }
    }

    /// Takes the next token where it is one of `words`.
    fn any_of(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let (Token::Word(text) | Token::Sign(text)) = self.peek()? else {
            return None;
        };
        let found = *words.iter().find(|word| word.eq_ignore_ascii_case(text))?;
        self.at += 1;
        Some(found)
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }
}

/// What a function makes of its argument.
fn called(name: &str, argument: Option<Powers>, measured: Option<Powers>) -> Option<Powers> {
    match name.to_ascii_lowercase().as_str() {
        "rate" | "irate" | "deriv" => argument.map(Powers::per_second),
        "bytes_rate" => Some(Powers::BYTES.per_second()),
        "bytes_over_time" => Some(Powers::BYTES),
        "histogram_quantile" => measured,
        "count" | "count_values" | "count_over_time" | "changes" | "resets" | "group"
        | "absent" | "absent_over_time" | "present_over_time" => Some(Powers::THINGS),
        "time" | "timestamp" | "stdvar" | "stdvar_over_time" | "ln" | "log2" | "log10" | "exp"
        | "sqrt" | "sgn" => None,
        _ => argument,
    }
}

#[cfg(test)]
mod tests {
    use super::Unit;

    #[test]
    fn the_unit_is_read_from_the_query() {
        for (query, unit) in [
            ("up", Unit::Plain),
            (r#"up{job="a_seconds"}"#, Unit::Plain),
            ("process_resident_memory_bytes", Unit::Bytes),
            (
                "sum by (container) (container_memory_working_set_bytes)",
                Unit::Bytes,
            ),
            (
                "sum(container_memory_working_set_bytes) by (pod_seconds)",
                Unit::Bytes,
            ),
            ("rate(http_requests_total[15s])", Unit::PerSecond),
            (
                "sum by (service) (irate(http_requests_total{a=\"}\"}[15s] offset 1m))",
                Unit::PerSecond,
            ),
            ("increase(http_requests_total[5m])", Unit::Plain),
            ("rate(network_bytes_total[1m])", Unit::BytesPerSecond),
            ("rate(a_seconds_count[1m])", Unit::PerSecond),
            (
                "histogram_quantile(0.95, sum by (service, le) (rate(http_request_duration_seconds_bucket[15s])))",
                Unit::Seconds,
            ),
            (
                "topk(10, histogram_quantile(0.5, sum by (le) (rate(size_bytes_bucket[1m]))))",
                Unit::Bytes,
            ),
            (
                "rate(a_seconds_sum[1m]) / rate(a_seconds_count[1m])",
                Unit::Seconds,
            ),
            // A second per second is a share of a core.
            ("rate(container_cpu_usage_seconds_total[15s])", Unit::Ratio),
            ("cache_hit_ratio", Unit::Ratio),
            (
                "(sum(rate(e_total[5s])) or 0 * sum(rate(r_total[5s]))) / sum(rate(r_total[5s]))",
                Unit::Ratio,
            ),
            (
                "1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[1m]))",
                Unit::Ratio,
            ),
            (
                r#"max(m_bytes) / on (pod) group_left max(kube_pod_container_resource_limits{resource="memory"})"#,
                Unit::Ratio,
            ),
            (
                r#"kube_pod_container_resource_limits{resource="memory"}"#,
                Unit::Bytes,
            ),
            ("a_bytes > 5 and on (pod) b_seconds", Unit::Bytes),
            ("a_total / b_total > bool 0.5", Unit::Plain),
            ("100 * a_ratio", Unit::Plain),
            ("a_bytes / 1024", Unit::Plain),
            ("process_start_time_seconds", Unit::Plain),
            ("count(a_bytes)", Unit::Plain),
            (
                r#"sum by (app) (rate({app="x"} | json | level=~"warn|error" [30s]))"#,
                Unit::PerSecond,
            ),
            (
                r#"sum(bytes_rate({app="x"} |= "a" [30s]))"#,
                Unit::BytesPerSecond,
            ),
            ("", Unit::Plain),
            ("((((", Unit::Plain),
            ("sum by (", Unit::Plain),
            ("rate(\"ü", Unit::Plain),
        ] {
            assert_eq!(Unit::of(query), unit, "{query}");
        }
    }

    #[test]
    fn a_query_of_any_depth_is_read() {
        let deep = "(".repeat(200_000);
        assert_eq!(Unit::of(&deep), Unit::Plain);
    }
}
