//! The debrief: the grade with its reasons, and the whole story.

use model::{Event, Happening, Outcome, Response, Undone, Verdict};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::part::{clock, framed, short};
use crate::state::State;

/// ```text
/// ┌ grade ───┐┌ what happened, what was done ─┐
/// └──────────┘└───────────────────────────────┘
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let Some(verdict) = &state.over else {
        let text = "The debrief comes when the drill is over: resolve the incident (R), or wait for its time limit.";
        let text = Paragraph::new(text)
            .wrap(Wrap { trim: true })
            .block(framed("debrief", theme));
        frame.render_widget(text, area);
        return;
    };
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(50), Constraint::Fill(1)]).areas(area);
    grade(frame, left, state, verdict);
    story(frame, right, state);
}

fn grade(frame: &mut Frame<'_>, area: Rect, state: &State, verdict: &Verdict) {
    let theme = state.theme;
    let mut lines = Vec::new();
    match (&state.grade, verdict) {
        (Some(grade), _) => {
            let (word, style) = if grade.passed {
                ("✓ passed", theme.good())
            } else {
                ("✗ not passed", theme.bad())
            };
            lines.push(Line::from(vec![
                Span::styled(format!("{:.1} of 100 ", grade.total), theme.strong()),
                Span::styled(format!("{word} ({} needed)", grade.pass_mark), style),
            ]));
            lines.push(Line::default());
            for score in &grade.scores {
                let name = score.criterion.name();
                lines.push(Line::from(vec![
                    Span::styled(
                        format!("{name:11} {:>4.1}/{:<2} ", score.points, score.of),
                        theme.strong(),
                    ),
                    Span::raw(score.reason.clone()),
                ]));
            }
            for deduction in &grade.deductions {
                lines.push(Line::styled(
                    format!(
                        "taken      {:>5.1}    {}",
                        -deduction.points, deduction.reason
                    ),
                    theme.bad(),
                ));
            }
            if let Some((cap, reason)) = &grade.cap {
                lines.push(Line::styled(
                    format!("at most    {cap:>5}    {reason}"),
                    theme.bad(),
                ));
            }
        }
        (None, Verdict::Invalid(why)) => {
            lines.push(Line::styled(
                "This drill proves nothing, so there is no grade.",
                theme.bad(),
            ));
            lines.push(Line::raw(why.clone()));
        }
        (None, _) => lines.push(Line::raw("The drill was interrupted: there is no grade.")),
    }
    lines.push(Line::default());
    lines.extend(right_answer(state));
    lines.extend(clocks(state));
    let text = Paragraph::new(lines)
        .wrap(Wrap { trim: false })
        .block(framed("grade", theme));
    frame.render_widget(text, area);
}

fn right_answer(state: &State) -> Vec<Line<'static>> {
    let theme = state.theme;
    let answer = &state.facts.scenario.answer;
    let cause = answer
        .cause
        .as_ref()
        .map_or("nothing was wrong".to_owned(), |cause| {
            format!("{cause}: {}", answer.mode)
        });
    let mut lines = vec![Line::from(vec![
        Span::styled("it was      ", theme.faint()),
        Span::styled(cause, theme.strong()),
    ])];
    let suffer = &state.facts.scenario.hypothesis.spreads_to;
    if !suffer.is_empty() {
        let names: Vec<&str> = suffer.iter().map(|service| service.as_str()).collect();
        lines.push(Line::from(vec![
            Span::styled("spreads to  ", theme.faint()),
            Span::raw(names.join(", ")),
        ]));
    }
    for fix in &answer.fixes {
        let command = fix.kubectl(state.facts.scenario.shop.as_str());
        lines.push(Line::from(vec![
            Span::styled("what helps  ", theme.faint()),
            Span::raw(command),
        ]));
    }
    lines
}

fn clocks(state: &State) -> Vec<Line<'static>> {
    let theme = state.theme;
    let clocks = state.timeline.clocks();
    let from = clocks.first_impact.or(clocks.injected);
    let rows = [
        ("paged", clocks.paged),
        ("acknowledged", clocks.acknowledged),
        ("located", clocks.located),
        ("acted", clocks.acted),
        ("recovered", clocks.recovered),
    ];
    let mut lines = vec![Line::default()];
    for (name, at) in rows {
        let text = match (at, from) {
            (Some(at), Some(from)) => format!("{} after the first impact", short(at.since(from))),
            (Some(at), None) => clock(at),
            (None, _) => "–".to_owned(),
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{name:14}"), theme.faint()),
            Span::raw(text),
        ]));
    }
    for event in state.timeline.events() {
        if let Happening::Cost {
            failed_requests,
            orders_lost,
            users_hit,
        } = event.what
        {
            lines.push(Line::raw(format!(
                "cost to customers: {failed_requests} failed requests, {orders_lost} orders lost, {users_hit} people hit"
            )));
        }
    }
    lines
}

fn story(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let height = usize::from(area.height.saturating_sub(2));
    let mut events = told(state.timeline.events());
    events.sort_by_key(|event| (event.at, event.seq));
    let last = events.len().saturating_sub(height);
    let lines = events
        .into_iter()
        .skip(state.debrief_scroll.min(last))
        .take(height)
        .map(|event| {
            let style = match &event.what {
                Happening::FaultInjected { .. } | Happening::FaultUndone { .. } => theme.bad(),
                Happening::AlertFired { .. } => theme.warn(),
                Happening::Responded { .. } => theme.accent(),
                Happening::Recovered => theme.good(),
                _ => theme.faint(),
            };
            Line::from(vec![
                Span::styled(
                    format!("{:>3} {} ", event.seq, clock(event.at)),
                    theme.faint(),
                ),
                Span::styled(event_text(&event.what), style),
            ])
        });
    let text = Paragraph::new(Vec::from_iter(lines)).block(framed("the whole story (j k)", theme));
    frame.render_widget(text, area);
}

/// What is worth reading: not how each check began, before there was a steady state to lose.
fn told(events: &[Event]) -> Vec<&Event> {
    let steady = |event: &Event| matches!(event.what, Happening::SteadyState { .. });
    let (before, after) = events.split_at(events.iter().position(steady).unwrap_or(0));
    let begun = before
        .iter()
        .filter(|event| !matches!(event.what, Happening::Observed(_)));
    begun.chain(after).collect()
}

/// An Event in a few words.
pub(super) fn event_text(what: &Happening) -> String {
    match what {
        Happening::Started { .. } => "the drill began".to_owned(),
        Happening::ShopReady { services, .. } => format!("{} services are ready", services.len()),
        Happening::SteadyState { .. } => "steady state reached".to_owned(),
        Happening::Observed(seen) if seen.holds => format!("{} holds", seen.check),
        Happening::Observed(seen) => format!("{} does not hold", seen.check),
        Happening::FaultInjected { fault, .. } => {
            let args: Vec<String> = fault
                .args
                .iter()
                .map(|(name, value)| {
                    format!(
                        "{name}={}",
                        value.as_str().map_or(value.to_string(), str::to_owned)
                    )
                })
                .collect();
            format!("FAULT {} {}", fault.kind, args.join(" "))
        }
        Happening::FaultBit { check, .. } => format!("the fault shows in {check}"),
        Happening::ImpactSeen(impact) => format!("first impact: {} {}", impact.step, impact.seen),
        Happening::AlertFired {
            alert, severity, ..
        } => match severity {
            model::Severity::Page => format!("PAGE {alert}"),
            model::Severity::Ticket => format!("ticket {alert}"),
            model::Severity::Info => format!("trend {alert}"),
        },
        Happening::AlertResolved { alert, .. } => format!("{alert} is quiet again"),
        Happening::Responded {
            response, outcome, ..
        } => responded(response, outcome),
        Happening::HintGiven { cost, text, .. } => format!("hint (−{cost}): {text}"),
        Happening::Changed(change) => match change {
            model::Change::Restarted { service, reason } => {
                format!("{service} was restarted ({reason})")
            }
            model::Change::Scaled { service, from, to } => {
                format!("{service} was scaled from {from} to {to}")
            }
            model::Change::RolledOut { service, image } => {
                format!("{service} was rolled out ({image})")
            }
        },
        Happening::Recovered => "recovered: all SLOs hold".to_owned(),
        Happening::Relapsed { check } => format!("relapsed: {check}"),
        Happening::FaultUndone { how, verified, .. } => {
            let told = match how {
                Undone::Reverted => "the fault was undone",
                Undone::TargetGone => "the fault is gone: what it had broken was replaced",
                Undone::LeaseExpired => "the fault ended with its lease",
                Undone::Failed => "the fault could not be undone",
            };
            let doubt = if *verified { "" } else { " (not verified)" };
            format!("{told}{doubt}")
        }
        Happening::Cost { orders_lost, .. } => format!("{orders_lost} orders were lost"),
        Happening::Impacts { journeys } => {
            let journeys: Vec<String> = journeys
                .iter()
                .map(|hit| {
                    format!(
                        "{} ({} of {})",
                        hit.journey,
                        hit.failed + hit.slow,
                        hit.requests
                    )
                })
                .collect();
            format!("journeys hit: {}", journeys.join(", "))
        }
        Happening::Finished(Verdict::Complete) => "the drill is over".to_owned(),
        Happening::Finished(Verdict::Invalid(why)) => format!("invalid: {why}"),
        Happening::Finished(Verdict::Interrupted) => "interrupted".to_owned(),
    }
}

fn responded(response: &Response, outcome: &Outcome) -> String {
    let text = match response {
        Response::Acknowledge => "you acknowledged the page".to_owned(),
        Response::Declare(severity) => format!("you declared it {severity:?}").to_lowercase(),
        Response::Query(query) => format!("you asked {:?}: {}", query.backend, query.text),
        Response::Diagnose(diagnosis) => {
            let cause = diagnosis
                .cause
                .as_ref()
                .map_or("nothing", |cause| cause.as_str());
            format!("you diagnosed {cause}, {}", diagnosis.mode)
        }
        Response::Act(action) => format!("you did: {action}"),
        Response::Update(text) => format!("you told the stakeholders: {text}"),
        Response::Resolve => "you resolved the incident".to_owned(),
        Response::Hint => "you asked for a hint".to_owned(),
    };
    match outcome {
        Outcome::Refused(why) => format!("{text} – refused: {why}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Observation, Timestamp};

    #[test]
    fn how_checks_began_is_not_told_but_what_they_lost_is() {
        let seen = |holds| {
            Happening::Observed(Observation {
                check: "checkout-availability".into(),
                value: None,
                holds,
            })
        };
        let steady = Happening::SteadyState {
            observations: Vec::new(),
        };
        let all = [seen(false), seen(true), steady, seen(false), seen(true)];
        let events: Vec<Event> = (0..)
            .zip(all)
            .map(|(seq, what)| Event {
                seq,
                at: Timestamp::from_millis(seq * 1_000),
                what,
            })
            .collect();
        let kept: Vec<u64> = told(&events).iter().map(|event| event.seq).collect();
        assert_eq!(kept, [2, 3, 4]);
    }
}
