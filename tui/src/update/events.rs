//! What an Event of the drill changes on the screen.

use model::{Event, Happening, Severity};

use crate::effect::Effect;
use crate::state::{Bell, Firing, Screen, State, Tone};

/// Takes an Event.
pub(super) fn happened(state: &mut State, event: Event) -> Vec<Effect> {
    let at = event.at;
    match &event.what {
        Happening::AlertFired {
            alert,
            severity,
            service,
            summary,
            runbook,
        } => {
            state
                .incident
                .firing
                .retain(|firing| (&firing.alert, &firing.service) != (alert, service));
            state.incident.firing.push(Firing {
                alert: alert.clone(),
                severity: *severity,
                service: service.clone(),
                summary: summary.clone(),
                runbook: runbook.clone(),
                since: at,
            });
            state
                .incident
                .firing
                .sort_by_key(|f| (std::cmp::Reverse(f.severity), f.since));
            if *severity == Severity::Page {
                state.bell = Bell::Due;
                state.say(Tone::Wrong, format!("PAGE: {alert}: {summary}"));
            }
        }
        Happening::AlertResolved { alert, service } => {
            state
                .incident
                .firing
                .retain(|firing| (&firing.alert, &firing.service) != (alert, service));
        }
        Happening::HintGiven { text, .. } => state.say(Tone::Done, format!("Hint: {text}")),
        Happening::Recovered => state.say(Tone::Done, "all SLOs hold again"),
        Happening::Relapsed { check } => state.say(Tone::Wrong, format!("{check} is lost again")),
        Happening::Finished(verdict) => {
            state.over = Some(verdict.clone());
            state.screen = Screen::Debrief;
        }
        _ => {}
    }
    state.timeline.push(event);
    if state.over.is_some() && state.grade.is_none() {
        let rubric = state
            .timeline
            .events()
            .iter()
            .find_map(|event| match &event.what {
                Happening::Started { rubric, .. } => Some(rubric.clone()),
                _ => None,
            });
        state.grade = rubric.and_then(|rubric| grader::grade(&state.timeline, &rubric).ok());
    }
    Vec::new()
}
