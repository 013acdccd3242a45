//! The JSON Schemas accept what the readers accept.

use boon::{Compiler, SchemaIndex, Schemas};
use catalog::{DocumentKind, schema};
use serde_json::{Value, json};

use crate::vocabulary::vocabulary;

#[test]
fn each_schema_is_as_it_was_reviewed() {
    for kind in DocumentKind::ALL {
        let name = format!("schema-of-{kind:?}").to_lowercase();
        let text = format!("{:#}", schema(kind, &vocabulary()));
        insta::assert_snapshot!(name, text);
    }
}

#[test]
fn a_whole_scenario_is_valid_and_what_is_broken_in_it_is_not() {
    let (schemas, index) = compiled(DocumentKind::Scenario);
    let whole = json(include_str!("../whole.yaml"));
    if let Err(error) = schemas.validate(&whole, index) {
        panic!("{error:#}");
    }
    for (pointer, wrong) in [
        ("/name", json!("Payment Hangs")),
        ("/shop", json!("sok-shop")),
        ("/matrix", json!("M6")),
        ("/level", json!(6)),
        ("/load", json!({ "steady": { "users": 0 } })),
        ("/load", json!({ "steady": { "users": 1 }, "burst": {} })),
        ("/steady-state", json!([])),
        ("/timeline/0/at", json!(5)),
        ("/timeline/0/at", json!("5 seconds")),
        (
            "/timeline/0/inject",
            json!({ "hangs": { "service": "payment" } }),
        ),
        ("/timeline/0/inject", json!({ "hang": {} })),
        (
            "/timeline/0/inject",
            json!({ "hang": { "service": "paymnet" } }),
        ),
        (
            "/timeline/0/inject",
            json!({ "crash": { "service": "payment", "times": 11 } }),
        ),
        (
            "/timeline/0/inject",
            json!({ "starve": { "service": "payment", "memory": "64M" } }),
        ),
        (
            "/timeline/0/inject",
            json!({ "probe": { "service": "payment", "probe": "startup" } }),
        ),
        (
            "/timeline/1",
            json!({ "at": "1m", "for": "1m", "change": { "apply": "payment" } }),
        ),
        ("/timeline/1", json!({ "at": "1m" })),
        (
            "/timeline/1/change",
            json!({ "set-resources": { "service": "orders" } }),
        ),
        (
            "/timeline/1/change",
            json!({ "scale": { "service": "orders", "replicas": 101 } }),
        ),
        ("/hypothesis/symptoms/0", json!({ "below": "50%" })),
        (
            "/hypothesis/symptoms/0",
            json!({ "alert": "PaymentDown", "below": "50%" }),
        ),
        ("/hypothesis/symptoms/0/below", json!("150%")),
        ("/hypothesis/alerts/0", json!("PaymentIsDown")),
        ("/answer/mode", json!("hung")),
        ("/answer/severity", json!("critical")),
        ("/hints/0/cost", json!(101)),
        ("/responders", json!({ "novice": [] })),
        (
            "/responders/expert/0",
            json!({ "when": { "alrt": "PaymentDown" } }),
        ),
        (
            "/responders/expert/1",
            json!({ "acknowledge": { "now": true } }),
        ),
        (
            "/responders/expert/1",
            json!({ "acknowledge": {}, "resolve": {} }),
        ),
    ] {
        let mut broken = whole.clone();
        let (parent, key) = pointer.rsplit_once('/').expect(pointer);
        match broken.pointer_mut(parent).expect(pointer) {
            Value::Array(items) => items[key.parse::<usize>().expect("an index")] = wrong.clone(),
            parent => parent[key] = wrong.clone(),
        }
        assert!(
            schemas.validate(&broken, index).is_err(),
            "{pointer}: {wrong}"
        );
    }
}

#[test]
fn the_smaller_documents_are_valid_as_the_book_shows_them() {
    for (kind, text) in [
        (
            DocumentKind::Suite,
            "name: s\ntitle: t\nscenarios: [../sock-shop/payment-hangs.yaml]\n",
        ),
        (
            DocumentKind::Matrix,
            "rows:\n  - { id: M01, shop: sock-shop, failed: orders, impact: i, experience: e, journeys: [checkout], shows: [s], detect: 10s, recovery: { itself: 30s } }\n  - { id: M02, shop: sock-shop, failed: orders, impact: i, experience: e, detect: 10s, recovery: manual-restart }\n",
        ),
        (
            DocumentKind::Slos,
            "checks:\n  - { name: a, title: t, query: up, bound: { at-least: 95% } }\n  - { name: b, title: t, query: up, bound: { within: 1s } }\n  - { name: c, title: t, query: up, bound: { at-most: 3 } }\n",
        ),
    ] {
        let (schemas, index) = compiled(kind);
        if let Err(error) = schemas.validate(&json(text), index) {
            panic!("{kind:?}: {error:#}");
        }
        assert!(
            schemas.validate(&json!({ "other": 1 }), index).is_err(),
            "{kind:?}"
        );
    }
}

fn json(text: &str) -> Value {
    serde_saphyr::from_str(text).expect("YAML")
}

fn compiled(kind: DocumentKind) -> (Schemas, SchemaIndex) {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler
        .add_resource("mem:schema", schema(kind, &vocabulary()))
        .expect("a schema");
    let index = compiler
        .compile("mem:schema", &mut schemas)
        .expect("a schema of draft 2020-12");
    (schemas, index)
}
