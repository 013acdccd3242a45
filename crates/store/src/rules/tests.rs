//! Rules on a small database: states over time, what is written, what is refused.

use super::*;
use crate::Limits;
use crate::clock::Clock;
use crate::metrics::Matcher;

fn ruler(text: &str) -> Result<(Arc<Metrics>, Ruler), Vec<RuleError>> {
    let metrics = Arc::new(Metrics::new(&Limits::default(), Clock::at(0)));
    let file = RuleFile {
        name: "test.yaml".to_owned(),
        text: text.to_owned(),
    };
    let ruler = Ruler::new(&[file], Duration::from_secs(1), Arc::clone(&metrics))?;
    Ok((metrics, ruler))
}

const RULES: &str = "
groups:
- name: g
  rules:
  - record: job:up:sum
    expr: sum by (job) (up)
    labels: {team: shop}
  - alert: Down
    expr: up == 0
    for: 3s
    keep_firing_for: 2s
    labels: {severity: critical}
    annotations: {summary: '{{ $labels.job }} is {{ $value }}'}
";

#[tokio::test]
async fn an_alert_is_pending_then_firing_then_kept_then_gone() {
    let (metrics, ruler) = ruler(RULES).unwrap();
    let up = Labels::new([("__name__", "up"), ("job", "carts")]);
    let mut seen = Vec::new();
    for second in 0..10i64 {
        let v = if (1..=5).contains(&second) { 0.0 } else { 1.0 };
        metrics.head().append(&up, second * 1000, v).unwrap();
        ruler.evaluate_all(second * 1000);
        seen.push(ruler.alerts().first().map_or("-", |a| a.state.as_str()));
    }
    let want = [
        "-", "pending", "pending", "pending", "firing", "firing", "firing", "firing", "-", "-",
    ];
    assert_eq!(seen, want);
}

#[tokio::test]
async fn alerts_and_records_are_series_that_go_stale() {
    let (metrics, ruler) = ruler(RULES).unwrap();
    let up = Labels::new([("__name__", "up"), ("job", "carts")]);
    metrics.head().append(&up, 1000, 0.0).unwrap();
    ruler.evaluate_all(1000);
    ruler.evaluate_all(4000);
    let alert = &ruler.alerts()[0];
    assert_eq!(alert.annotations["summary"], "carts is 0");
    assert_eq!(
        alert.labels.to_string(),
        r#"{alertname="Down", job="carts", severity="critical"}"#
    );
    let at = |name: &str, t: i64| {
        let expr = promql::parse(name).unwrap();
        query(&metrics, &expr, name, t).unwrap()
    };
    assert_eq!(at("ALERTS", 1000)[0].0.get("alertstate"), "pending");
    let firing = at("ALERTS", 4000);
    assert_eq!(firing.len(), 1, "the pending series ended: {firing:?}");
    assert_eq!(firing[0].0.get("alertstate"), "firing");
    assert_eq!(at("ALERTS_FOR_STATE", 4000)[0].1, 1.0);
    assert_eq!(at("job:up:sum", 4000)[0].0.get("team"), "shop");
    assert_eq!(
        metrics
            .head()
            .select(&[Matcher::equal("team", "shop")], 0, 9999)
            .len(),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn groups_are_evaluated_at_their_interval() {
    let (metrics, ruler) = ruler(RULES).unwrap();
    let ruler = Arc::new(ruler);
    let up = Labels::new([("__name__", "up"), ("job", "carts")]);
    metrics.head().append(&up, 0, 0.0).unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(Arc::clone(&ruler).run(stop.clone()));
    let fired = async {
        let mut tick = tokio::time::interval(Duration::from_millis(100));
        loop {
            tick.tick().await;
            if ruler
                .alerts()
                .first()
                .is_some_and(|a| a.state == AlertState::Firing)
            {
                return metrics.clock().now_ms();
            }
        }
    };
    let at = tokio::time::timeout(Duration::from_secs(60), fired)
        .await
        .unwrap();
    assert!((4000..=4300).contains(&at), "{at}");
    stop.cancel();
    running.await.unwrap();
}

#[test]
fn all_errors_of_a_file_are_told_with_their_places() {
    let errors = ruler(
        "
groups:
- name: g
  interval: 5x
  rules:
  - record: bad name
    expr: sum(
  - alert: A
    record: b
    expr: up
  - alert: B
    expr: up
    for: soon
    annotations: {a: '{{ $vlaue }}'}
  - expr: up
- name: g
",
    )
    .err()
    .unwrap();
    let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[tokio::test]
async fn a_group_is_set_read_and_deleted_as_in_mimir() {
    let (metrics, ruler) = ruler(RULES).unwrap();
    let up = Labels::new([("__name__", "up"), ("job", "carts")]);
    metrics.head().append(&up, 1000, 0.0).unwrap();
    ruler.evaluate_all(1000);
    let group = "
name: g
interval: 90s
source_tenants: [other]
rules:
- alert: Down
  expr: up == 0
  for: 5m
  labels: {severity: critical}
- alert: Else
  expr: up > 1
";
    ruler.set_group("test.yaml", group).unwrap();
    assert_eq!(ruler.alerts().len(), 1, "what a rule knew stays");
    insta::assert_snapshot!(ruler.namespaces_yaml(None));
    ruler
        .set_group("other", "{name: h, rules: [{record: r, expr: '1'}]}")
        .unwrap();
    assert!(
        ruler
            .group_yaml("other", "h")
            .unwrap()
            .contains("record: r")
    );
    ruler.evaluate_all(2000);
    let at = |name: &str, t: i64| {
        let expr = promql::parse(name).unwrap();
        query(&metrics, &expr, name, t).unwrap().len()
    };
    assert_eq!(
        (at("job:up:sum", 1000), at("job:up:sum", 2000)),
        (1, 0),
        "it ended"
    );
    ruler.delete_group("other", "h").unwrap();
    assert_eq!(
        ruler.delete_group("other", "h"),
        Err(NamespaceError::NoGroup)
    );
    assert_eq!(
        ruler.delete_namespace("other"),
        Err(NamespaceError::NoNamespace)
    );
    ruler.delete_namespace("test.yaml").unwrap();
    assert_eq!(ruler.namespaces_yaml(None), "{}\n");
    assert!(ruler.alerts().is_empty());
}

#[tokio::test]
async fn groups_that_are_wrong_are_refused_in_mimirs_words() {
    let (_, ruler) = ruler("groups: []").unwrap();
    let many: String = (0..21)
        .map(|n| format!("- {{record: r{n}, expr: '1'}}\n"))
        .collect();
    for (group, want) in [
        ("[", "unable to decode rule group".to_owned()),
        (
            "rules: []",
            "invalid rules configuration: rule group name must not be empty".to_owned(),
        ),
        (
            "name: g",
            "invalid rules configuration: rule group 'g' has no rules".to_owned(),
        ),
        (
            "{name: g, rules: [{alert: A, expr: 'sum('}]}",
            "group \"g\", rule 1, \"A\": could not parse expression: 1:5: parse error: unclosed left parenthesis".to_owned(),
        ),
        (
            "{name: g, rules: [{record: r, expr: '1'}, {record: 'a b', expr: '1', for: 5m}]}",
            "group \"g\", rule 2, \"a b\": invalid recording rule name: a b, group \"g\", rule 2, \"a b\": invalid field 'for' in recording rule".to_owned(),
        ),
        (
            &format!("name: g\nrules:\n{many}"),
            "per-user rules per rule group limit (limit: 20 actual: 21) exceeded".to_owned(),
        ),
    ] {
        let refused = ruler.set_group("n", group).unwrap_err();
        assert_eq!(refused.to_string(), want, "{group}");
    }
}

#[tokio::test]
async fn the_state_of_an_alert_is_restored_when_its_group_begins_anew() {
    let (metrics, ruler) = ruler("groups: []").unwrap();
    let up = Labels::new([("__name__", "up"), ("job", "carts")]);
    let minute = 60_000;
    for n in 0..30 {
        metrics.head().append(&up, n * minute, 0.0).unwrap();
    }
    let group = "{name: g, rules: [{alert: Down, expr: up == 0, for: 10m}]}";
    ruler.set_group("a", group).unwrap();
    for n in 0..5 {
        ruler.evaluate_all(n * minute);
    }
    // The clock stands at 0: the group ends there, and its series have newer samples.
    ruler.delete_namespace("a").unwrap();
    ruler.set_group("b", group).unwrap();
    ruler.evaluate_all(8 * minute);
    let alert = &ruler.alerts()[0];
    assert_eq!(
        alert.active_at,
        4 * minute,
        "four minutes away do not count"
    );
    ruler.evaluate_all(13 * minute);
    assert_eq!(ruler.alerts()[0].state, AlertState::Pending);
    ruler.evaluate_all(14 * minute);
    assert_eq!(ruler.alerts()[0].state, AlertState::Firing);
}

#[tokio::test]
async fn a_query_offset_moves_expressions_and_samples_into_the_past() {
    let rules = "
groups:
- name: g
  query_offset: 1m
  rules:
  - record: late
    expr: up
";
    let (metrics, ruler) = ruler(rules).unwrap();
    let up = Labels::new([("__name__", "up")]);
    metrics.head().append(&up, 0, 1.0).unwrap();
    metrics.head().append(&up, 60_000, 2.0).unwrap();
    ruler.evaluate_all(61_000);
    let matcher = [Matcher::equal("__name__", "late")];
    let series = metrics.head().select(&matcher, 0, 100_000);
    let samples = series[0].samples(0, 100_000);
    assert_eq!((samples[0].t, samples[0].v), (1000, 1.0));
}

#[tokio::test]
async fn an_alertmanager_hears_what_fires_and_what_is_over() {
    let (metrics, ruler) = ruler(RULES).unwrap();
    let clock = Clock::at(10_000);
    let alertmanager = Arc::new(crate::alertmanager::Alertmanager::new(None, clock).unwrap());
    let ruler = ruler.notifying(Arc::clone(&alertmanager));
    ruler.set_external_url("http://h/prometheus".to_owned());
    let up = Labels::new([("__name__", "up"), ("job", "carts")]);
    let mut heard = Vec::new();
    for second in 0..10i64 {
        let v = if (1..=5).contains(&second) { 0.0 } else { 1.0 };
        metrics.head().append(&up, second * 1000, v).unwrap();
        ruler.evaluate_all(second * 1000);
        let known = alertmanager.alerts();
        heard.push(known.first().map(|a| (a.starts_at, a.ends_at)));
    }
    // It fires at 4 and is sent as valid for four minutes; it is kept until 8.
    let firing = Some((4000, 244_000));
    let over = Some((4000, 8000));
    let want = [
        None, None, None, None, firing, firing, firing, firing, over, over,
    ];
    assert_eq!(heard, want);
}
