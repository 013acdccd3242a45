//! What is listed, and in which order.

use engine::{DeploymentRow, EventRow, PodRow, ServiceRow, Usage};
use model::Period;

use super::*;

fn pod(name: &str, age: u64, restarts: u32, millicores: u64, bytes: u64) -> PodRow {
    let service = name.split('-').next().unwrap_or_default();
    PodRow {
        name: name.into(),
        ready: 1,
        containers: 1,
        status: "Running".into(),
        restarts,
        restarted: None,
        age: Period::from_secs(age),
        address: "127.8.0.7".into(),
        labels: [("name".to_owned(), service.to_owned())].into(),
        usage: Some(Usage { millicores, bytes }),
    }
}

fn pane() -> ClusterPane {
    let mut crashing = pod("user-1", 5, 1, 1, 1);
    crashing.ready = 0;
    ClusterPane {
        snapshot: Snapshot {
            pods: vec![
                pod("carts-1", 30, 0, 20, 300),
                pod("carts-2", 10, 7, 10, 200),
                pod("orders-1", 20, 2, 30, 100),
                crashing,
            ],
            ..Snapshot::default()
        },
        ..ClusterPane::default()
    }
}

fn names(pane: &ClusterPane) -> Vec<&str> {
    pane.listed().iter().map(Listed::name).collect()
}

#[test]
fn trouble_comes_first_in_every_order() {
    let mut pane = pane();
    for (sort, rest) in [
        (Sort::Name, ["carts-1", "carts-2", "orders-1"]),
        (Sort::Age, ["carts-2", "orders-1", "carts-1"]),
        (Sort::Restarts, ["carts-2", "orders-1", "carts-1"]),
        (Sort::Cpu, ["orders-1", "carts-1", "carts-2"]),
        (Sort::Memory, ["carts-1", "carts-2", "orders-1"]),
    ] {
        assert_eq!(pane.sort(), sort);
        assert_eq!(names(&pane)[0], "user-1", "{sort:?}");
        assert_eq!(names(&pane)[1..], rest, "{sort:?}");
        pane.resort();
    }
    assert_eq!(pane.sort(), Sort::Name);
}

#[test]
fn the_selected_row_stays_selected_when_the_order_or_the_cluster_changes() {
    let mut pane = pane();
    pane.selected = 3;
    pane.resort();
    assert_eq!(pane.row().map(|row| row.name()), Some("orders-1"));
    let mut snapshot = pane.snapshot.clone();
    snapshot.pods.retain(|pod| pod.name != "user-1");
    pane.take(snapshot);
    assert_eq!(pane.row().map(|row| row.name()), Some("orders-1"));
    pane.take(Snapshot::default());
    assert_eq!(pane.selected, 0);
}

#[test]
fn rows_are_filtered_by_a_text_and_by_their_deployment() {
    let mut pane = pane();
    pane.filter = "ORD".into();
    assert_eq!(names(&pane), ["orders-1"]);
    pane.filter.clear();
    pane.owner = Some(Owner {
        name: "carts".into(),
        selector: [("name".to_owned(), "carts".to_owned())].into(),
    });
    assert_eq!(names(&pane), ["carts-1", "carts-2"]);
    assert_eq!(
        pane.kubectl("shop"),
        "kubectl -n shop get pods -l name=carts"
    );
    pane.turn(-1);
    assert_eq!((pane.tab, pane.owner), (Tab::Events, None));
}

#[test]
fn what_wants_a_look_is_in_trouble() {
    use RowStanding::{Trouble, Well};
    let usual = || pod("carts-1", 600, 1, 1, 1);
    let pods = [
        (usual(), Well),
        (
            PodRow {
                ready: 0,
                ..usual()
            },
            Trouble,
        ),
        (
            PodRow {
                status: "Pending".into(),
                ..usual()
            },
            Trouble,
        ),
        (
            PodRow {
                status: "Completed".into(),
                ready: 0,
                ..usual()
            },
            Well,
        ),
        (
            PodRow {
                restarted: Some(Period::from_secs(299)),
                ..usual()
            },
            Trouble,
        ),
        (
            PodRow {
                restarted: Some(Period::from_secs(301)),
                ..usual()
            },
            Well,
        ),
    ];
    for (row, standing) in pods {
        assert_eq!(Listed::Pod(&row).standing(), standing, "{row:?}");
    }
    for (wanted, ready, updated, standing) in [
        (1, 1, 1, Well),
        (2, 1, 2, Trouble),
        (2, 2, 1, Trouble),
        (0, 0, 0, Trouble),
    ] {
        let row = DeploymentRow {
            name: "carts".into(),
            ready,
            wanted,
            updated,
            available: ready,
            age: Period::ZERO,
            image: String::new(),
            selector: BTreeMap::new(),
        };
        assert_eq!(Listed::Deployment(&row).standing(), standing, "{row:?}");
    }
    for (ready, unready, standing) in [(1, 0, Well), (1, 1, Trouble), (0, 0, Trouble)] {
        let row = ServiceRow {
            name: "carts".into(),
            kind: "ClusterIP".into(),
            address: String::new(),
            ports: String::new(),
            ready: vec!["127.8.0.7:80".into(); ready],
            unready,
            age: Period::ZERO,
        };
        assert_eq!(Listed::Service(&row).standing(), standing, "{row:?}");
    }
}

#[test]
fn an_event_leads_to_what_it_is_about_where_that_can_be_described() {
    for (object, leads) in [
        ("pod/carts-1", Some((engine::ObjectKind::Pod, "carts-1"))),
        (
            "deployment/carts",
            Some((engine::ObjectKind::Deployment, "carts")),
        ),
        ("replicaset/carts-6d8f", None),
    ] {
        let row = EventRow {
            age: Period::ZERO,
            kind: "Warning".into(),
            reason: "BackOff".into(),
            object: object.into(),
            message: String::new(),
        };
        assert_eq!(Listed::Event(&row).object(), leads);
    }
}
