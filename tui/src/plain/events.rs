//! What is told when something happens in the drill.

use model::{Event, Happening, Severity, Verdict};
use serde_json::json;

use super::status::severity_word;
use super::told::Told;
use crate::story::event_text;
use crate::update::shown_during_drill;

/// What is told of `event`; nothing of what a responder must find out, nor of what they
/// did themselves, which was answered.
pub(super) fn event(event: &Event) -> Option<Told> {
    if !shown_during_drill(&event.what) {
        return None;
    }
    let words = event_text(&event.what);
    let told = |kind, text: String| Told::new(event.at, kind, text);
    Some(match &event.what {
        Happening::ShopReady { services, .. } => told(
            "ready",
            format!("ready: {words}; now the shop must run well for a while"),
        )
        .with("services", json!(services)),
        Happening::SteadyState { .. } => told(
            "steady",
            format!("steady: {words}; from now on something may break"),
        ),
        Happening::AlertFired {
            alert,
            severity,
            service,
            summary,
            runbook,
        } => {
            let word = match severity {
                Severity::Page => "page",
                Severity::Ticket => "ticket",
                Severity::Info => "trend",
            };
            let of = service
                .as_ref()
                .map_or(String::new(), |service| format!(" ({service})"));
            told(
                "alert-fired",
                format!("{word}: {alert}{of}: {summary}; runbook: {runbook}"),
            )
            .with("alert", json!(alert))
            .with("severity", json!(severity_word(*severity)))
            .with("service", json!(service))
            .with("summary", json!(summary))
            .with("runbook", json!(runbook))
        }
        Happening::AlertResolved { alert, service } => {
            told("alert-resolved", format!("alert resolved: {words}"))
                .with("alert", json!(alert))
                .with("service", json!(service))
        }
        Happening::HintGiven { index, cost, text } => told("hint-given", words)
            .with("index", json!(index))
            .with("cost", json!(cost))
            .with("hint", json!(text)),
        Happening::Recovered => told(
            "recovered",
            format!("{words}; when you are sure that it is over: resolve"),
        ),
        Happening::Relapsed { check } => {
            told("relapsed", format!("{words} does not hold any more")).with("check", json!(check))
        }
        Happening::Finished(verdict) => {
            let (word, why) = match verdict {
                Verdict::Complete => ("complete", None),
                Verdict::Invalid(why) => ("invalid", Some(why)),
                Verdict::Interrupted => ("interrupted", None),
            };
            told("finished", format!("finished: {words}"))
                .with("verdict", json!(word))
                .with("why", json!(why))
        }
        _ => return None,
    })
}
