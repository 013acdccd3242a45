//! Queries that would take all of the stack, of memory or of time.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::Limits;
use crate::metrics::{Head, Labels};

const MINUTE: i64 = 60_000;

fn evaluated(query: &str) -> Result<Outcome, String> {
    let expr = parse(query).map_err(|error| error.to_string())?;
    let head = Head::new(&Limits::default());
    for n in 0..10 {
        let labels = Labels::new([("__name__", "a"), ("b", "c")]);
        head.append(&labels, n * MINUTE, 1.0).expect("taken");
    }
    let request = Request {
        query,
        expr: &expr,
        start: 9 * MINUTE,
        end: 9 * MINUTE,
        step: None,
        lookback: LOOKBACK,
        max_samples: 100_000,
        deadline: None,
    };
    evaluate(&head, &request, &AtomicBool::new(false)).map_err(|error| error.to_string())
}

#[test]
fn what_would_take_all_of_the_stack_is_refused() {
    let deep = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
    let long = |n: usize| vec!["a"; n].join(" + ");
    let subqueries = |n: usize| format!("a{}", "[1m:1m]".repeat(n));
    for (query, refused) in [
        (deep(150), None),
        (deep(10_000), Some("expression is nested too deeply")),
        (long(500), None),
        (long(10_000), Some("expression has too many operators")),
        (
            subqueries(10_000),
            Some("expression has too many operators"),
        ),
    ] {
        let told = evaluated(&query).err();
        match refused {
            Some(refused) => assert!(told.is_some_and(|told| told.ends_with(refused))),
            None => assert_eq!(told, None),
        }
    }
}

#[test]
fn a_subquery_of_more_steps_than_samples_may_be_loaded_is_refused() {
    let too_many = "query processing would load too many samples into memory in query execution";
    for (query, refused) in [
        ("max_over_time(vector(1)[10m:1s])", None),
        ("max_over_time(a[10m:20ms])", None),
        ("max_over_time(vector(1)[100y:1ms])", Some(too_many)),
        ("max_over_time(a[100y:1ms])", Some(too_many)),
        (
            "sum_over_time((1 + a)[292y:1ms] offset -290y)",
            Some(too_many),
        ),
    ] {
        assert_eq!(evaluated(query).err().as_deref(), refused, "{query}");
    }
}

#[test]
fn times_at_the_ends_of_what_can_be_said_are_no_reason_to_panic() {
    for query in [
        "a @ 9e15",
        "a @ -9e15",
        "rate(a[290y] @ -9e15 offset 290y)",
        "max_over_time(a[1m:1m] @ 9e15 offset -290y)",
    ] {
        assert!(evaluated(query).is_ok(), "{query}");
    }
}
