//! `shoplab scenario preview`: what will happen, on a time line.
//!
//! ```text
//! label         0s                            the drill's end
//! (13 columns)  (60 columns)                  what (below)
//! ```

use std::fmt::Write;

use model::{FailureMatrix, Period, Scenario, Step, StepAction};

use super::{fault_in_words, listed, scenarios, symptom_in_words};
use crate::cli::Preview;
use crate::error::LabError;

/// The columns of the time line.
const WIDTH: usize = 60;
/// The columns in front of it.
const LABEL: usize = 14;
/// Into how many parts the scale divides the time line.
const PARTS: u64 = 4;

/// The time lines of the scenarios that are asked for.
pub(super) fn preview(args: &Preview) -> Result<String, LabError> {
    let (scenarios, vocabulary) = scenarios(&args.scenario, &args.places)?;
    let shown: Vec<String> = scenarios
        .iter()
        .map(|scenario| text(scenario, &vocabulary.matrix))
        .collect();
    Ok(shown.join("\n"))
}

fn text(scenario: &Scenario, matrix: &FailureMatrix) -> String {
    let plan = Plan::new(scenario, matrix);
    let mut out = format!("{}: {}\n\n", scenario.name, scenario.title);
    // Writing into a String does not fail.
    let _ = plan.scale(&mut out);
    let _ = plan.lanes(&mut out);
    let _ = plan.list(&mut out);
    out
}

/// When what happens, counted from the steady state.
struct Plan<'a> {
    scenario: &'a Scenario,
    /// When the drill ends at the latest.
    end: Period,
    /// When the last fault has to have shown a symptom.
    bitten: Option<(Period, Period)>,
    /// When a page is due, if customers are hit at once.
    page: Option<Period>,
}

impl<'a> Plan<'a> {
    fn new(scenario: &'a Scenario, matrix: &FailureMatrix) -> Self {
        let first = scenario
            .timeline
            .first()
            .map_or(Period::ZERO, |step| step.at);
        let injections = || scenario.timeline.iter().filter(|step| step.injects());
        let symptoms = !scenario.hypothesis.symptoms.is_empty();
        let last = injections().map(|step| step.at).max().filter(|_| symptoms);
        let row = scenario.matrix.as_ref().and_then(|id| matrix.row(id));
        let earliest = injections().map(|step| step.at).min();
        Self {
            scenario,
            end: sum(first, scenario.time_limit),
            bitten: last.map(|last| (last, sum(last, scenario.hypothesis.within))),
            page: row.and_then(|row| Some(sum(earliest?, row.detect))),
        }
    }

    /// The column of a time.
    fn column(&self, at: Period) -> usize {
        let end = self.end.as_millis().max(1);
        let at = at.as_millis().min(end);
        usize::try_from(at * (WIDTH as u64 - 1) / end).unwrap_or(0)
    }

    fn scale(&self, out: &mut String) -> std::fmt::Result {
        let mut marks = String::new();
        let mut ticks = vec!['─'; WIDTH];
        for part in 0..=PARTS {
            let at = Period::from_millis(self.end.as_millis() * part / PARTS / 1_000 * 1_000);
            let column = self.column(at);
            let text = at.to_string();
            let start = column.min(WIDTH - text.len());
            let pad = start.saturating_sub(marks.len());
            marks.push_str(&" ".repeat(pad));
            marks.push_str(&text);
            ticks[column] = '┬';
        }
        let ticks: String = ticks.into_iter().collect();
        writeln!(out, "{:LABEL$}{marks}\n{:LABEL$}{ticks}", "", "")
    }

    fn lanes(&self, out: &mut String) -> std::fmt::Result {
        let scenario = self.scenario;
        bar(out, "load", '░', 0, WIDTH - 1)?;
        for step in &scenario.timeline {
            let start = self.column(step.at);
            match &step.action {
                StepAction::Inject(fault) => {
                    let end = step.lasts.map_or(self.end, |lasts| sum(step.at, lasts));
                    bar(out, &fault.kind, '█', start, self.column(end))?;
                }
                StepAction::Change(_) => bar(out, "change", '▲', start, start)?,
            }
        }
        if let Some((from, to)) = self.bitten {
            bar(out, "symptom", '▒', self.column(from), self.column(to))?;
        }
        if let Some(page) = self.page {
            let column = self.column(page);
            bar(out, "page due", '◆', column, column)?;
        }
        for (index, at) in self.hints().into_iter().enumerate() {
            let column = self.column(at);
            bar(out, &format!("hint {}", index + 1), '?', column, column)?;
        }
        bar(out, "time limit", '┤', WIDTH - 1, WIDTH - 1)
    }

    /// When hints can be had, if the page comes when it is due.
    fn hints(&self) -> Vec<Period> {
        let page = self.page.or(self.bitten.map(|(_, to)| to));
        let page = page.unwrap_or(Period::ZERO);
        let hints = self.scenario.hints.iter();
        hints.map(|hint| sum(page, hint.after)).collect()
    }

    fn list(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out)?;
        let mut events = self.events();
        events.sort_by_key(|(at, _)| *at);
        for (at, what) in events {
            let indent = LABEL - 2;
            for (index, line) in wrapped(&what, 80 - LABEL).into_iter().enumerate() {
                match index {
                    0 => writeln!(out, "{:>indent$}  {line}", at.to_string())?,
                    _ => writeln!(out, "{:LABEL$}{line}", "")?,
                }
            }
        }
        Ok(())
    }

    fn events(&self) -> Vec<(Period, String)> {
        let scenario = self.scenario;
        let mut events = vec![(
            Period::ZERO,
            format!(
                "steady state with {} customers: {}",
                scenario.load.users,
                listed(&scenario.steady_state)
            ),
        )];
        for step in &scenario.timeline {
            events.extend(step_events(step));
        }
        if let Some((_, to)) = self.bitten {
            let symptoms: Vec<String> = scenario
                .hypothesis
                .symptoms
                .iter()
                .map(symptom_in_words)
                .collect();
            let text = format!(
                "at the latest {}; or the drill is INVALID",
                symptoms.join(", or ")
            );
            events.push((to, text));
        }
        if let (Some(page), Some(row)) = (self.page, &scenario.matrix) {
            let alerts = listed(&scenario.hypothesis.alerts);
            let text =
                format!("a page is due by row {row}, if customers are hit at once: {alerts}");
            events.push((page, text));
        }
        for (at, hint) in self.hints().into_iter().zip(&scenario.hints) {
            let text = format!(
                "at the earliest a hint for {} points: {}",
                hint.cost, hint.text
            );
            events.push((at, text));
        }
        events.push((self.end, "the drill ends at the latest".to_owned()));
        events
    }
}

fn step_events(step: &Step) -> Vec<(Period, String)> {
    match &step.action {
        StepAction::Inject(fault) => {
            let mut events = vec![(step.at, format!("inject {}", fault_in_words(fault)))];
            if let Some(lasts) = step.lasts {
                events.push((sum(step.at, lasts), format!("{} is undone", fault.kind)));
            }
            events
        }
        StepAction::Change(action) => vec![(step.at, format!("change: {action}"))],
    }
}

fn sum(one: Period, other: Period) -> Period {
    one.duration().saturating_add(other.duration()).into()
}

/// A lane with `mark` from column `start` to column `end`.
fn bar(out: &mut String, label: &str, mark: char, start: usize, end: usize) -> std::fmt::Result {
    let label: String = label.chars().take(LABEL - 1).collect();
    let marks: String = std::iter::repeat_n(mark, end.saturating_sub(start) + 1).collect();
    writeln!(out, "{label:<LABEL$}{:start$}{marks}", "")
}

/// `text` in lines of at most `width` characters, as far as its words allow.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else {
            break;
        };
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Assets;
    use crate::cli::Places;
    use crate::{select, vocabulary};

    fn places() -> Places {
        Places {
            assets: None,
            state: None,
        }
    }

    fn shown(scenario: &str) -> String {
        let args = Preview {
            scenario: scenario.to_owned(),
            places: places(),
        };
        preview(&args).expect("shown")
    }

    #[test]
    fn what_will_happen_stands_on_a_time_line() {
        insta::assert_snapshot!("payment-hangs", shown("payment-hangs"));
        insta::assert_snapshot!("harmless-deploy", shown("harmless-deploy"));
    }

    #[test]
    fn an_injection_for_a_time_ends_on_the_time_line() {
        let assets = Assets::default();
        let vocabulary = vocabulary::read(&assets).expect("read");
        let asked = ["payment-hangs".to_owned()];
        let mut scenarios = select::scenarios(&asked, &assets, &vocabulary).expect("there");
        let scenario = &mut scenarios[0];
        scenario.timeline[0].lasts = Some(Period::from_secs(90));
        insta::assert_snapshot!("for-a-time", text(scenario, &vocabulary.matrix));
    }

    #[test]
    fn no_line_is_wider_than_eighty_columns() {
        let all = shown("scenarios");
        for line in all.lines().filter(|line| line.starts_with(' ')) {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
