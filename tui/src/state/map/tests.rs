use model::Timestamp;
use telemetry::{Matrix, Point, Series};

use super::{OwnCalls, Row, ServiceMap, Way};

fn series(labels: &[(&str, &str)], value: f64) -> Series {
    let labels = labels
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Series {
        labels: labels.collect(),
        points: vec![Point {
            at: Timestamp::from_millis(0),
            value,
        }],
    }
}

/// The map of spans, each given as maker, peer, kind, status and how many.
fn map(spans: &[(&str, &str, &str, &str, f64)]) -> ServiceMap {
    let calls = spans.iter().map(|(maker, peer, kind, status, count)| {
        let labels = [
            ("resource.service.name", *maker),
            ("span.peer.service", *peer),
            ("kind", *kind),
            ("status", *status),
        ];
        series(&labels, *count)
    });
    ServiceMap::of(
        &Matrix {
            series: calls.collect(),
        },
        &Matrix::default(),
    )
}

fn drawn(map: &ServiceMap) -> Vec<String> {
    let line = |row: &Row| {
        let more = match row.own {
            OwnCalls::Here => "",
            OwnCalls::Elsewhere => " …",
        };
        format!("{}{}{more}", row.branch, row.service)
    };
    map.rows.iter().map(line).collect()
}

#[test]
fn callers_stand_above_whom_they_call_and_own_calls_are_drawn_once() {
    let call = |caller, callee| (caller, callee, "client", "unset", 1.0);
    for (spans, lines) in [
        (vec![], vec![]),
        (
            vec![
                call("customers", "front-end"),
                call("front-end", "orders"),
                call("front-end", "user"),
                call("orders", "user"),
                call("user", "user-db"),
                call("orders", "orders-db"),
            ],
            vec![
                "customers",
                "└ front-end",
                "  ├ orders",
                "  │ ├ orders-db",
                "  │ └ user …",
                "  └ user",
                "    └ user-db",
            ],
        ),
        // Round in a circle, by way of a queue.
        (
            vec![
                call("customers", "orders"),
                ("orders", "rabbitmq", "producer", "unset", 1.0),
                ("queue-master", "rabbitmq", "consumer", "unset", 1.0),
                call("queue-master", "orders"),
            ],
            vec![
                "customers",
                "└ orders",
                "  └ rabbitmq",
                "    └ queue-master",
                "      └ orders …",
            ],
        ),
        // Nobody begins: all are drawn all the same, and none for ever.
        (
            vec![call("a", "b"), call("b", "a"), call("c", "c")],
            vec!["c", "└ c …", "a", "└ b", "  └ a …"],
        ),
    ] {
        assert_eq!(drawn(&map(&spans)), lines, "{spans:?}");
    }
}

#[test]
fn an_edge_sums_its_calls_and_takes_its_latencies() {
    let labels = |status, system| {
        [
            ("resource.service.name", "orders"),
            ("span.peer.service", "orders-db"),
            ("kind", "client"),
            ("status", status),
            ("span.db.system.name", system),
        ]
    };
    let took = |p, seconds| {
        let labels = [
            ("resource.service.name", "orders"),
            ("span.peer.service", "orders-db"),
            ("kind", "client"),
            ("p", p),
        ];
        series(&labels, seconds)
    };
    let map = ServiceMap::of(
        &Matrix {
            series: vec![
                series(&labels("unset", "postgresql"), 90.0),
                series(&labels("error", ""), 10.0),
                series(&[("kind", "client")], 7.0),
            ],
        },
        &Matrix {
            series: vec![took("0.5", 0.004), took("0.95", 0.6)],
        },
    );
    let [edge] = map.edges.as_slice() else {
        panic!("{map:?}");
    };
    assert_eq!((edge.calls, edge.failed), (100.0, 10.0));
    assert_eq!((edge.median, edge.slowest), (Some(0.004), Some(0.6)));
    assert_eq!(edge.system.as_deref(), Some("postgresql"));
    assert!(edge.is_failing() && edge.is_slow());
}

#[test]
fn marks_need_more_than_a_few_failures_or_milliseconds() {
    let mut map = map(&[("a", "b", "client", "unset", 1_000.0)]);
    for (failed, slowest, marks) in [
        (0.0, None, (false, false)),
        (9.0, Some(0.499), (false, false)),
        (10.0, Some(0.5), (true, true)),
    ] {
        let edge = &mut map.edges[0];
        (edge.failed, edge.slowest) = (failed, slowest);
        assert_eq!((edge.is_failing(), edge.is_slow()), marks);
    }
}

#[test]
fn a_row_is_asked_for_in_traceql() {
    let mut map = map(&[
        ("front-end", "orders", "client", "unset", 1.0),
        ("queue-master", "rabbitmq", "consumer", "unset", 1.0),
    ]);
    for (edge, slowest) in map.edges.iter_mut().zip([5.001, 0.000_9]) {
        edge.slowest = Some(slowest);
    }
    let asked: Vec<[String; 2]> = map
        .rows
        .iter()
        .map(|row| [map.troubled(row), map.failed(row)])
        .collect();
    let calls = r#"resource.service.name = "front-end" && span.peer.service = "orders""#;
    let handed = r#"resource.service.name = "queue-master" && span.peer.service = "rabbitmq" && kind = consumer"#;
    let wanted = [
        (r#"resource.service.name = "front-end""#, "500ms"),
        (calls, "2500ms"),
        (r#"span.peer.service = "rabbitmq""#, "500ms"),
        (handed, "450us"),
    ]
    .map(|(spans, slow)| {
        [
            format!("{{ {spans} && (status = error || duration > {slow}) }}"),
            format!("{{ {spans} && status = error }}"),
        ]
    });
    assert_eq!(asked, wanted);
}

#[test]
fn a_row_is_found_again_in_a_newer_map() {
    let call = |caller, callee| (caller, callee, "client", "unset", 1.0);
    let old = map(&[call("customers", "front-end"), call("front-end", "orders")]);
    let new = map(&[
        call("customers", "front-end"),
        call("front-end", "carts"),
        call("front-end", "orders"),
    ]);
    let places: Vec<Option<usize>> = old.rows.iter().map(|r| new.place_of(&old, r)).collect();
    assert_eq!(places, [Some(0), Some(1), Some(3)]);
    assert_eq!(old.place_of(&new, &new.rows[2]), None);
    assert_eq!(old.edges[0].way, Way::Asks);
}
