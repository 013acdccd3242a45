use super::*;
use model::Period;
use telemetry::{SpanKind, SpanStatus};

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(second * 1_000)
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let owned = |text: &&str| (*text).to_owned();
    pairs.iter().map(|(a, b)| (owned(a), owned(b))).collect()
}

fn services() -> Vec<ServiceName> {
    ["orders", "orders-db", "payment"].map(Into::into).to_vec()
}

fn reader(services: &[ServiceName]) -> Reader<'_> {
    Reader {
        services,
        split: Some(at(100)),
        range: TimeRange::last(Period::from_secs(60), at(130)),
    }
}

fn series(names: &[(&str, &str)], points: &[(u64, f64)]) -> Matrix {
    let points = points.iter().map(|(second, value)| Point {
        at: at(*second),
        value: *value,
    });
    Matrix {
        series: vec![Series {
            labels: labels(names),
            points: points.collect(),
        }],
    }
}

#[test]
fn series_show_the_means_before_and_after_the_first_injection() {
    let services = services();
    let up = ("__name__", "up");
    let total = ("__name__", "http_requests_total");
    let payment = ("job", "payment");
    for (names, points, before, after, symptom) in [
        (
            vec![up, payment],
            vec![(90, 1.0), (99, 1.0), (100, 0.0), (120, 0.0)],
            Some(1.0),
            Some(0.0),
            true,
        ),
        (
            vec![up, payment],
            vec![(90, 1.0), (120, 1.0)],
            Some(1.0),
            Some(1.0),
            false,
        ),
        (
            vec![payment],
            vec![(90, f64::NAN), (120, 3.0)],
            None,
            Some(3.0),
            true,
        ),
        (vec![payment], vec![(90, 3.0)], Some(3.0), None, true),
        // A counter that goes on as before shows nothing.
        (
            vec![total, payment],
            vec![(80, 10.0), (90, 20.0), (100, 30.0), (110, 40.0)],
            Some(10.0),
            Some(10.0),
            false,
        ),
        (
            vec![total, payment],
            vec![(80, 10.0), (90, 20.0), (100, 20.0), (110, 20.0)],
            Some(10.0),
            Some(0.0),
            true,
        ),
    ] {
        let evidence = reader(&services).series(&series(&names, &points));
        let [signs] = &evidence.signs[..] else {
            panic!("{evidence:?}");
        };
        assert_eq!((signs.before, signs.after), (before, after), "{points:?}");
        assert_eq!(signs.show_a_symptom(), symptom, "{points:?}");
    }
}

#[test]
fn results_name_services_by_label_and_by_the_longest_pod_prefix() {
    let services = services();
    for (names, expected) in [
        (
            vec![("service", "orders"), ("peer", "payment")],
            vec!["orders", "payment"],
        ),
        (vec![("pod", "orders-db-6c8f9d-x2v7k")], vec!["orders-db"]),
        (
            vec![("pod", "orders-6c8f9d-x2v7k"), ("app", "orders")],
            vec!["orders"],
        ),
        (vec![("pod", "ordersx-1")], vec![]),
        (vec![("app", "customers")], vec![]),
        (vec![], vec![]),
    ] {
        let evidence = reader(&services).series(&series(&names, &[(110, 1.0)]));
        let named: Vec<&str> = evidence.signs.iter().map(|s| s.service.as_str()).collect();
        assert_eq!(named, expected, "{names:?}");
        assert_eq!(evidence.results, 1);
    }
}

#[test]
fn series_that_end_before_the_range_asked_for_are_no_results_but_are_signs() {
    let services = services();
    let evidence = reader(&services).series(&series(&[("job", "payment")], &[(50, 1.0)]));
    assert_eq!(evidence.results, 0);
    assert!(evidence.signs[0].show_a_symptom());
}

#[test]
fn lines_of_warning_or_worse_after_the_injection_are_troubles() {
    let services = services();
    for (second, line, names, troubles) in [
        (
            110,
            r#"{"level":"error","service":"orders","peer":"payment"}"#,
            2,
            1,
        ),
        (
            110,
            r#"{"level":"info","service":"orders","status":502}"#,
            1,
            1,
        ),
        (
            110,
            r#"{"level":"info","service":"orders","status":200}"#,
            1,
            0,
        ),
        (90, r#"{"level":"error","service":"orders"}"#, 1, 0),
        (110, "plain text", 0, 0),
    ] {
        let line = LogLine {
            at: at(second),
            nanos: second * 1_000_000_000,
            labels: Labels::new(),
            line: line.to_owned(),
        };
        let evidence = reader(&services).lines(std::slice::from_ref(&line));
        assert_eq!(evidence.signs.len(), names, "{line:?}");
        let seen: u64 = evidence
            .signs
            .iter()
            .map(|s| s.troubles.min(1))
            .max()
            .unwrap_or(0);
        assert_eq!(seen, troubles, "{line:?}");
    }
}

#[test]
fn failed_and_slow_spans_are_troubles_of_their_service_and_of_whom_it_called() {
    let services = services();
    let span = |second: u64, millis: u64, status: SpanStatus| Span {
        span_id: "1".to_owned(),
        parent: None,
        service: "orders".to_owned(),
        name: "POST /paymentAuth".to_owned(),
        kind: SpanKind::Client,
        start: at(second),
        start_nanos: second * 1_000_000_000,
        duration: Period::from_millis(millis),
        status,
        attributes: labels(&[("server.address", "payment.sock-shop")]),
        resource: Labels::new(),
    };
    let error = || SpanStatus::Error("timed out".to_owned());
    for (span, troubles) in [
        (span(110, 10, error()), 1),
        (span(110, 1_500, SpanStatus::Unset), 1),
        (span(110, 900, SpanStatus::Ok), 0),
        (span(90, 10, error()), 0),
        (span(95, 8_000, error()), 1),
    ] {
        let trace = Trace {
            trace_id: "a".to_owned(),
            spans: vec![span],
        };
        let evidence = reader(&services).traces(7, &[trace]);
        let seen: Vec<(&str, u64)> = evidence
            .signs
            .iter()
            .map(|signs| (signs.service.as_str(), signs.troubles))
            .collect();
        assert_eq!(seen, [("orders", troubles), ("payment", troubles)]);
        assert_eq!(evidence.results, 7);
    }
}
