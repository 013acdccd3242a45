//! What is worth showing of an Event.

use model::{Happening, Response, Severity, Verdict};

/// An Event in a word or two; `None` where it is not worth a step.
pub(super) fn step(what: &Happening) -> Option<String> {
    Some(match what {
        Happening::Started { .. } => "started".to_owned(),
        Happening::ShopReady { .. } => "shop ready".to_owned(),
        Happening::SteadyState { .. } => "steady".to_owned(),
        Happening::FaultInjected { fault, .. } => format!("injected {}", fault.kind),
        Happening::FaultBit { .. } => "bites".to_owned(),
        Happening::ImpactSeen(_) => "impact".to_owned(),
        Happening::AlertFired {
            alert,
            severity: Severity::Page,
            ..
        } => format!("page {alert}"),
        Happening::Responded { response, .. } => match response {
            Response::Acknowledge => "acknowledged".to_owned(),
            Response::Diagnose(_) => "diagnosed".to_owned(),
            Response::Act(action) => action.to_string(),
            Response::Resolve => "resolved".to_owned(),
            _ => return None,
        },
        Happening::Recovered => "recovered".to_owned(),
        Happening::Relapsed { check } => format!("relapsed ({check})"),
        Happening::FaultUndone { .. } => "undone".to_owned(),
        Happening::Finished(Verdict::Complete) => "finished".to_owned(),
        Happening::Finished(Verdict::Invalid(_)) => "invalid".to_owned(),
        Happening::Finished(Verdict::Interrupted) => "interrupted".to_owned(),
        _ => return None,
    })
}
