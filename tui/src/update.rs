//! What a message changes, and what it asks for. No I/O here.

mod cluster;
mod events;
mod keys;
mod lines;
mod logs;
mod metrics;
mod offers;
mod search;
mod traces;
mod watch;

use engine::AnswerData;
use model::{Backend, Happening, Outcome, Period, Query, Response};
use telemetry::TimeRange;

use crate::effect::Effect;
use crate::message::{Asker, Message};
use crate::state::{Follow, OpenTrace, Refusal, Screen, Side, State, Tone};

/// How often the cluster, the customers and the SLOs are looked at, in seconds.
const EVERY: u64 = 2;

/// Takes `message`; answers what is to be done outside.
pub(crate) fn update(state: &mut State, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(key) => return keys::key(state, key),
        Message::Paste(text) => lines::paste(state, &text),
        Message::Tick(now) => return tick(state, now),
        Message::Happened(event) => return events::happened(state, *event),
        Message::Answered(asker, answer) => answered(state, asker, answer),
        Message::Watched(watch, answer) => watch::answered(state, watch, answer),
        Message::Named(subject, names) => offers::told(state, subject, names),
        Message::Remembered(language, queries) => {
            state.asking_mut(language).history.remember(queries);
        }
        Message::NotKept(why) => state.say(Tone::Wrong, why),
        Message::Traced(trace) => match trace {
            Ok(trace) => {
                state.traces.open = Some(OpenTrace::new(*trace));
                state.traces.trouble = None;
                state.screen = Screen::Traces;
            }
            Err(why) => state.say(Tone::Wrong, why),
        },
        Message::Surrounded(Ok(context)) => state.logs.context = Some(*context),
        Message::Surrounded(Err(why)) => state.say(Tone::Wrong, why),
        Message::Mapped(map) => state.traces.map.take(map.map(|map| *map)),
        Message::Measured(measured) => state.incident.measure(measured),
        Message::Complained(Ok(complaints)) => {
            state.incident.complaints = complaints;
            state.incident.trouble = None;
        }
        Message::Complained(Err(why)) => state.incident.trouble = Some(why),
        Message::Looked(Ok(snapshot)) => state.cluster.take(*snapshot),
        Message::Looked(Err(why)) => state.cluster.trouble = Some(why),
        Message::Told(source, lines) => cluster::told(state, source, lines),
        Message::Responded(response, outcome) => responded(state, &response, outcome),
        Message::Offered(offer) => state.incident.hint = offer,
    }
    Vec::new()
}

fn tick(state: &mut State, now: model::Timestamp) -> Vec<Effect> {
    let second = now.as_millis() / 1_000;
    let turned = second != state.now.as_millis() / 1_000;
    state.now = now;
    if state.toast.as_ref().is_some_and(|toast| toast.until < now) {
        state.toast = None;
    }
    if !turned || state.over.is_some() {
        return Vec::new();
    }
    let mut effects = watch::due(state);
    effects.extend(traces::refresh(state, second));
    if !second.is_multiple_of(EVERY) {
        return effects;
    }
    effects.push(Effect::Look);
    effects.extend(cluster::follow(state));
    if state.steady() {
        effects.extend([Effect::Measure, Effect::Listen, Effect::Offer]);
    }
    if state.screen == Screen::Logs
        && state.logs.follow == Follow::On
        && state.logs.asking.waiting == 0
    {
        effects.extend(ask(state, Asker::Logs));
    }
    effects
}

/// Asks the query of a screen.
pub(crate) fn ask(state: &mut State, asker: Asker) -> Vec<Effect> {
    let recent = TimeRange::last(Period::from_secs(600), state.now);
    let (backend, text, range) = match asker {
        Asker::Metrics => {
            state.metrics.asking.begin();
            state.metrics.live.asked = state.now;
            let range = state.metrics.range(state.now);
            (Backend::Metrics, state.metrics.asking.query.clone(), range)
        }
        Asker::Logs => {
            state.logs.asking.begin();
            let range = state.logs.pinned_range().unwrap_or(recent);
            (Backend::Logs, state.logs.asking.query.clone(), range)
        }
        Asker::Traces => {
            state.traces.asking.begin();
            state.traces.side = Side::Found;
            (Backend::Traces, state.traces.asking.query.clone(), recent)
        }
    };
    vec![Effect::Ask(asker, Query { backend, text }, Some(range))]
}

fn answered(state: &mut State, asker: Asker, answer: Result<Box<engine::QueryAnswer>, Refusal>) {
    let answer = answer.map(|answer| *answer);
    match asker {
        Asker::Metrics => state.metrics.end(answer),
        Asker::Logs => {
            if let Ok(AnswerData::Lines(lines)) = answer.as_ref().map(|answer| &answer.data) {
                state.names.see(lines);
            }
            let keep = state.logs.follow == Follow::On;
            let metrics = matches!(&answer, Ok(a) if matches!(a.data, AnswerData::Series(_)));
            state.logs.asking.end(answer);
            if !keep || metrics {
                state.logs.selected = 0;
            }
        }
        Asker::Traces => {
            state.traces.asking.end(answer);
            state.traces.selected = 0;
            state.traces.open = None;
        }
    }
}

fn responded(state: &mut State, response: &Response, outcome: Result<Outcome, String>) {
    let Some(done) = done(response) else { return };
    match outcome {
        Ok(Outcome::Refused(why)) | Err(why) => state.say(Tone::Wrong, why),
        Ok(_) => state.say(Tone::Done, done),
    }
}

/// What is said when `response` was carried out; nothing where it is plain to see.
pub(crate) fn done(response: &Response) -> Option<String> {
    Some(match response {
        Response::Acknowledge => "the page is acknowledged: you are on it".to_owned(),
        Response::Diagnose(_) => "your diagnosis is in; it can be changed until the end".to_owned(),
        Response::Act(action) => format!("done: {action}"),
        Response::Update(_) => "the stakeholders were told".to_owned(),
        Response::Resolve => "resolved; the debrief comes when the shop has held".to_owned(),
        Response::Declare(_) | Response::Hint | Response::Query(_) => return None,
    })
}

/// Whether `what` may be shown before the debrief: nothing of the fault itself.
pub(crate) fn shown_during_drill(what: &Happening) -> bool {
    matches!(
        what,
        Happening::ShopReady { .. }
            | Happening::SteadyState { .. }
            | Happening::AlertFired { .. }
            | Happening::AlertResolved { .. }
            | Happening::Responded { .. }
            | Happening::HintGiven { .. }
            | Happening::Recovered
            | Happening::Relapsed { .. }
            | Happening::Finished(_)
    )
}
