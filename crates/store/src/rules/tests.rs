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
