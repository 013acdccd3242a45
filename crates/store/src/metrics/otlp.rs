//! OTLP metrics as Mimir stores them: names with unit suffixes, `target_info`, cumulative
//! sums and histograms only
//! (<https://prometheus.io/docs/guides/opentelemetry/>,
//! <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>).

use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Exemplar as OtlpExemplar, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, SummaryDataPoint, exemplar, metric, number_data_point,
};

use super::head::{Exemplar, Metadata};
use super::limits::{self, Refused};
use super::text::plain;
use super::{Labels, Metrics, stale};

mod names;

use names::{label_name, metric_name};

/// How far apart the samples of `target_info` are at most: half of what a query looks back.
const INFO_EVERY_MS: i64 = 150_000;
/// The flag of a data point that says "no value was recorded".
const NO_VALUE: u32 = 1;

/// Takes an export request, JSON or protobuf.
pub fn receive(metrics: &Metrics, headers: &HeaderMap, body: &Bytes) -> Response {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok());
    let kind = kind.unwrap_or("").split(';').next().unwrap_or("").trim();
    if !matches!(kind, "application/json" | "application/x-protobuf") {
        return refused(&format!(
            "unsupported content type: {kind}, supported: [application/json, application/x-protobuf]"
        ));
    }
    let request: ExportMetricsServiceRequest = match crate::otlp::decode(headers, body) {
        Ok(request) => request,
        Err(why) => return refused(&why),
    };
    let all = request
        .resource_metrics
        .iter()
        .flat_map(|r| &r.scope_metrics);
    let items = all.flat_map(|scope| &scope.metrics).map(items).sum();
    if let Err(refused) = metrics.admit(items) {
        return refused.into_response();
    }
    let mut problems = Vec::new();
    for resource in &request.resource_metrics {
        Writer::new(metrics, resource).write(resource, &mut problems);
    }
    if !problems.is_empty() {
        return refused(&problems.join("; "));
    }
    if kind == "application/json" {
        return super::api::json_ok("{}");
    }
    (
        [(header::CONTENT_TYPE, "application/x-protobuf")],
        Vec::new(),
    )
        .into_response()
}

fn refused(message: &str) -> Response {
    super::api::text(StatusCode::BAD_REQUEST, &format!("{message}\n"))
}

/// How many samples a metric becomes.
fn items(m: &Metric) -> usize {
    match &m.data {
        Some(metric::Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(metric::Data::Sum(sum)) => sum.data_points.len(),
        Some(metric::Data::Histogram(histogram)) => {
            let points = histogram.data_points.iter();
            points.map(|p| p.explicit_bounds.len() + 3).sum()
        }
        Some(metric::Data::Summary(summary)) => {
            let points = summary.data_points.iter();
            points.map(|p| p.quantile_values.len() + 2).sum()
        }
        Some(metric::Data::ExponentialHistogram(_)) | None => 0,
    }
}

type Pairs = Vec<(String, String)>;

/// Writes what one resource reports.
struct Writer<'a> {
    metrics: &'a Metrics,
    target: Pairs,
    info: Pairs,
    times: Option<(i64, i64)>,
    /// The first sample that was not taken.
    problem: Option<String>,
}

impl<'a> Writer<'a> {
    fn new(metrics: &'a Metrics, from: &ResourceMetrics) -> Self {
        let attributes = from.resource.as_ref().map_or(&[][..], |r| &r.attributes);
        let get = |key: &str| {
            let found = attributes.iter().find(|a| a.key == key);
            found.and_then(|a| a.value.as_ref()).map(text)
        };
        let mut target = Pairs::new();
        if let Some(service) = get("service.name") {
            let job = match get("service.namespace") {
                Some(namespace) => format!("{namespace}/{service}"),
                None => service,
            };
            target.push(("job".to_owned(), job));
        }
        if let Some(instance) = get("service.instance.id") {
            target.push(("instance".to_owned(), instance));
        }
        let identity = ["service.name", "service.namespace", "service.instance.id"];
        let others = attributes
            .iter()
            .filter(|a| !identity.contains(&a.key.as_str()));
        Self {
            metrics,
            info: labels_of(others),
            target,
            times: None,
            problem: None,
        }
    }

    fn write(&mut self, from: &ResourceMetrics, problems: &mut Vec<String>) {
        for metric in from.scope_metrics.iter().flat_map(|s| &s.metrics) {
            if let Err(why) = self.metric(metric) {
                problems.push(why);
            }
        }
        problems.extend(self.problem.take());
        self.target_info();
    }

    fn metric(&mut self, m: &Metric) -> Result<(), String> {
        let cumulative = |temporality: i32| {
            if temporality == AggregationTemporality::Cumulative as i32 {
                return Ok(());
            }
            Err(format!(
                "invalid temporality and type combination for metric \"{}\"",
                m.name
            ))
        };
        match &m.data {
            None => {}
            Some(metric::Data::Gauge(gauge)) => {
                let name = metric_name(&m.name, &m.unit, names::Kind::Gauge);
                self.numbers(&name, &gauge.data_points);
                self.describe(&name, "gauge", m);
            }
            Some(metric::Data::Sum(sum)) => {
                cumulative(sum.aggregation_temporality)?;
                let (kind, word) = if sum.is_monotonic {
                    (names::Kind::Counter, "counter")
                } else {
                    (names::Kind::Other, "gauge")
                };
                let name = metric_name(&m.name, &m.unit, kind);
                self.numbers(&name, &sum.data_points);
                self.describe(&name, word, m);
            }
            Some(metric::Data::Histogram(histogram)) => {
                cumulative(histogram.aggregation_temporality)?;
                let name = metric_name(&m.name, &m.unit, names::Kind::Other);
                histogram
                    .data_points
                    .iter()
                    .for_each(|p| self.histogram(&name, p));
                self.describe(&name, "histogram", m);
            }
            Some(metric::Data::Summary(summary)) => {
                let name = metric_name(&m.name, &m.unit, names::Kind::Other);
                summary
                    .data_points
                    .iter()
                    .for_each(|p| self.summary(&name, p));
                self.describe(&name, "summary", m);
            }
            Some(metric::Data::ExponentialHistogram(_)) => {
                return Err(format!(
                    "native histograms are not supported: metric \"{}\" is an exponential histogram, send it with explicit buckets",
                    m.name
                ));
            }
        }
        Ok(())
    }

    fn describe(&self, name: &str, kind: &str, m: &Metric) {
        let metadata = Metadata {
            kind: kind.to_owned(),
            help: m.description.clone(),
            unit: names::unit_word(&m.unit),
        };
        self.metrics.head().set_metadata(name, metadata);
    }

    fn append(
        &mut self,
        name: &str,
        attributes: &[KeyValue],
        extra: Option<(&str, String)>,
        t: i64,
        v: f64,
    ) -> Labels {
        let own = labels_of(attributes.iter());
        let extra = extra.map(|(n, v)| (n.to_owned(), v));
        let named = [("__name__".to_owned(), name.to_owned())];
        let labels = Labels::new(
            own.into_iter()
                .chain(extra)
                .chain(self.target.iter().cloned())
                .chain(named),
        );
        if let Err(refused) = self.check(&labels, t, v) {
            self.problem.get_or_insert(refused.message().to_owned());
        }
        let (first, last) = self.times.unwrap_or((t, t));
        self.times = Some((first.min(t), last.max(t)));
        labels
    }

    fn check(&self, labels: &Labels, t: i64, v: f64) -> Result<(), Refused> {
        limits::check_time(t, self.metrics.clock().now_ms(), || labels.name())?;
        limits::check_size(labels)?;
        let taken = self.metrics.head().append(labels, t, v);
        taken.map_err(|error| Refused::sample(error, labels, t))?;
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "every sample is a float")]
    fn numbers(&mut self, name: &str, points: &[NumberDataPoint]) {
        for p in points {
            let v = match p.value {
                _ if p.flags & NO_VALUE != 0 => stale(),
                Some(number_data_point::Value::AsDouble(v)) => v,
                Some(number_data_point::Value::AsInt(v)) => v as f64,
                None => continue,
            };
            let labels = self.append(name, &p.attributes, None, ms(p.time_unix_nano), v);
            for e in &p.exemplars {
                self.exemplar(&labels, e);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "every sample is a float")]
    fn histogram(&mut self, name: &str, p: &HistogramDataPoint) {
        let t = ms(p.time_unix_nano);
        let none = p.flags & NO_VALUE != 0;
        let value = |v: f64| if none { stale() } else { v };
        if let Some(sum) = p.sum {
            self.append(&format!("{name}_sum"), &p.attributes, None, t, value(sum));
        }
        self.append(
            &format!("{name}_count"),
            &p.attributes,
            None,
            t,
            value(p.count as f64),
        );
        let bucket = format!("{name}_bucket");
        let mut below = 0u64;
        let mut lower = f64::NEG_INFINITY;
        let bounds = p.explicit_bounds.iter().copied().chain([f64::INFINITY]);
        for (n, upper) in bounds.enumerate() {
            below += p.bucket_counts.get(n).copied().unwrap_or(0);
            let count = if upper.is_infinite() { p.count } else { below };
            let le = Some(("le", plain(upper)));
            let labels = self.append(&bucket, &p.attributes, le, t, value(count as f64));
            let within = p.exemplars.iter().filter(|e| {
                let v = exemplar_value(e);
                v > lower && v <= upper
            });
            within.for_each(|e| self.exemplar(&labels, e));
            lower = upper;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "every sample is a float")]
    fn summary(&mut self, name: &str, p: &SummaryDataPoint) {
        let t = ms(p.time_unix_nano);
        let none = p.flags & NO_VALUE != 0;
        let value = |v: f64| if none { stale() } else { v };
        self.append(&format!("{name}_sum"), &p.attributes, None, t, value(p.sum));
        self.append(
            &format!("{name}_count"),
            &p.attributes,
            None,
            t,
            value(p.count as f64),
        );
        for q in &p.quantile_values {
            let quantile = Some(("quantile", plain(q.quantile)));
            self.append(name, &p.attributes, quantile, t, value(q.value));
        }
    }

    fn exemplar(&self, series: &Labels, e: &OtlpExemplar) {
        let mut labels: Pairs = e
            .filtered_attributes
            .iter()
            .filter_map(|a| Some((a.key.clone(), text(a.value.as_ref()?))))
            .collect();
        for (name, id) in [("trace_id", &e.trace_id), ("span_id", &e.span_id)] {
            if !id.is_empty() {
                labels.push((name.to_owned(), crate::otlp::hex(id)));
            }
        }
        let exemplar = Exemplar {
            labels: Labels::new(labels),
            value: exemplar_value(e),
            t: ms(e.time_unix_nano),
        };
        self.metrics.head().add_exemplar(series, exemplar);
    }

    /// The resource's other attributes, as a series of its own.
    fn target_info(&mut self) {
        let Some((first, last)) = self.times else {
            return;
        };
        if self.info.is_empty() || self.target.is_empty() {
            return;
        }
        let named = [("__name__".to_owned(), "target_info".to_owned())];
        let all = self.info.iter().chain(&self.target).cloned();
        let labels = Labels::new(all.chain(named));
        let mut t = first;
        while t < last {
            // A later export may repeat a moment, with the same value.
            let _ = self.metrics.head().append(&labels, t, 1.0);
            t += INFO_EVERY_MS;
        }
        let _ = self.metrics.head().append(&labels, last, 1.0);
        self.metrics.head().set_metadata(
            "target_info",
            Metadata {
                kind: "gauge".to_owned(),
                help: "Target metadata".to_owned(),
                unit: String::new(),
            },
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "every sample is a float")]
const fn exemplar_value(e: &OtlpExemplar) -> f64 {
    match e.value {
        Some(exemplar::Value::AsDouble(v)) => v,
        Some(exemplar::Value::AsInt(v)) => v as f64,
        None => f64::NAN,
    }
}

fn ms(nanos: u64) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX)
}

fn text(value: &AnyValue) -> String {
    crate::otlp::show(value)
}

/// Attributes as labels; values whose names become the same are joined by `;`.
fn labels_of<'k>(attributes: impl Iterator<Item = &'k KeyValue>) -> Pairs {
    let mut sorted: Vec<&KeyValue> = attributes.collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    let mut out = Pairs::new();
    for a in sorted {
        let (name, value) = (
            label_name(&a.key),
            a.value.as_ref().map(text).unwrap_or_default(),
        );
        match out.iter_mut().find(|(n, _)| *n == name) {
            Some((_, known)) => *known = format!("{known};{value}"),
            None => out.push((name, value)),
        }
    }
    out
}
