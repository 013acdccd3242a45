//! The columns of Jobs and CronJobs.

use jiff::Timestamp;
use serde_json::Value;

use super::age::{short, since};
use super::columns::{AGE, Column, NAME, count, text, with_templates};
use crate::objects::meta;

/// A Job's columns, in `kubectl`'s words.
pub(super) fn job_columns() -> Vec<Column> {
    with_templates(vec![
        NAME,
        text("Status", |o, _| state(o).into()),
        text("Completions", |o, _| {
            let done = meta::number(o, "/status/succeeded").unwrap_or(0);
            format!(
                "{done}/{}",
                meta::number(o, "/spec/completions").unwrap_or(1)
            )
            .into()
        }),
        text("Duration", |o, now| duration(o, now).into()),
        AGE,
    ])
}

/// A CronJob's columns.
pub(super) fn cron_job_columns() -> Vec<Column> {
    vec![
        NAME,
        text("Schedule", |o, _| o["spec"]["schedule"].clone()),
        text("Timezone", |o, _| match meta::text(o, "/spec/timeZone") {
            "" => "<none>".into(),
            zone => zone.into(),
        }),
        text("Suspend", |o, _| {
            if o["spec"]["suspend"] == true {
                "True".into()
            } else {
                "False".into()
            }
        }),
        count("Active", |o, _| {
            meta::items(o, "/status/active").len().into()
        }),
        text("Last Schedule", |o, now| {
            match meta::text(o, "/status/lastScheduleTime") {
                "" => "<none>".into(),
                last => since(last, now).into(),
            }
        }),
        AGE,
    ]
}

fn state(job: &Value) -> &'static str {
    for (condition, word) in [
        ("Complete", "Complete"),
        ("Failed", "Failed"),
        ("Suspended", "Suspended"),
    ] {
        if meta::condition_is_true(job, condition) {
            return word;
        }
    }
    if meta::is_terminating(job) {
        "Terminating"
    } else {
        "Running"
    }
}

/// From the start to the end, or until now.
fn duration(job: &Value, now: Timestamp) -> String {
    let time = |pointer: &str| meta::text(job, pointer).parse::<Timestamp>().ok();
    time("/status/startTime").map_or_else(String::new, |start| {
        let end = time("/status/completionTime").unwrap_or(now);
        short(end.as_second() - start.as_second())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_job_shows_how_far_it_is() {
        let now: Timestamp = "2026-01-01T00:10:00Z".parse().unwrap();
        let start = "2026-01-01T00:00:00Z";
        for (status, expected) in [
            (json!({}), ("Running", "")),
            (json!({ "startTime": start }), ("Running", "10m")),
            (
                json!({ "startTime": start, "completionTime": "2026-01-01T00:00:09Z",
                    "conditions": [{ "type": "Complete", "status": "True" }] }),
                ("Complete", "9s"),
            ),
            (
                json!({ "startTime": start, "conditions": [{ "type": "Failed", "status": "True" }] }),
                ("Failed", "10m"),
            ),
        ] {
            let job = json!({ "status": status });
            assert_eq!((state(&job), duration(&job, now).as_str()), expected);
        }
    }
}
