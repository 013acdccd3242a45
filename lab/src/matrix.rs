//! The failure matrix as a contract: what its documents promise of a row,
//! beside what a drill of it measured.

use model::{
    Event, Happening, JourneyImpact, MatrixRow, Outcome, Period, Recovery, Response, Timeline,
    Timestamp,
};
use serde::Serialize;

use crate::exit::Exit;
use crate::outcome::{DrillOutcome, DrillResult};
use crate::suite::{Spread, each_once};

/// Of a journey's requests during the outage: fewer that fail are noise. It is
/// low, because those who wait ask little, and those who do not ask much.
const HIT: f64 = 0.02;
/// As many must fail at the least, so that one unlucky request is no finding.
const HIT_LEAST: u64 = 3;
/// Of all texts that customers read: those seen more rarely are noise.
const NOISE: f64 = 0.10;
/// A journey that was made so seldom while the fault was in says nothing by not
/// having failed.
const FEW: u64 = 10;
/// What the load generator says of a request that took too long; the shop said
/// nothing then.
const SLOW: &str = "waited too long";

/// One row of the matrix, documented and measured.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct RowReport {
    /// The row's id.
    pub(crate) row: String,
    /// What fails.
    pub(crate) failed: String,
    /// The scenario that was run for it.
    pub(crate) scenario: String,
    /// The documented impact.
    pub(crate) impact: String,
    /// Which journeys fail: documented and measured.
    pub(crate) journeys: Beside,
    /// What customers see.
    pub(crate) shows: Beside,
    /// From the first impact to the page.
    pub(crate) detection: Beside,
    /// How much earlier than documented the page came, in milliseconds;
    /// negative where it came later.
    pub(crate) margin_ms: Option<i64>,
    /// How it recovers.
    pub(crate) recovery: Beside,
    /// Which documented values the measured ones break, each in one sentence.
    pub(crate) broken: Vec<String>,
    /// How the drill ended where it measured nothing; passed otherwise.
    pub(crate) result: DrillResult,
    /// Whether another run was made because this one did not hold; that one counts.
    pub(crate) made_again: bool,
    /// All that the journeys met.
    pub(crate) impacts: Vec<JourneyImpact>,
    /// How long the drill took, in milliseconds.
    pub(crate) took_ms: u64,
    /// Its journal.
    pub(crate) journal: std::path::PathBuf,
}

/// A documented value beside the measured one, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Beside {
    /// What the documents say.
    pub(crate) documented: String,
    /// What was seen.
    pub(crate) measured: String,
}

impl RowReport {
    /// The exit code that it stands for.
    pub(crate) fn exit(&self) -> Exit {
        match self.result.exit() {
            Exit::Passed if !self.broken.is_empty() => Exit::Failed,
            exit => exit,
        }
    }

    /// In one word.
    pub(crate) fn word(&self) -> &'static str {
        match &self.result {
            DrillResult::Passed if self.broken.is_empty() => "holds",
            DrillResult::Passed => "BROKEN",
            other => other.word(),
        }
    }
}

/// Marks the runs that do not hold as made again, and names their rows, each once.
/// One for which there was no platform stays as it is, and so do all after an interruption.
pub(crate) fn to_make_again(reports: &mut [RowReport]) -> Vec<String> {
    let mut ids = Vec::new();
    let interrupted = |report: &RowReport| report.exit() == Exit::Interrupted;
    if reports.iter().any(interrupted) {
        return ids;
    }
    for report in reports {
        if matches!(report.exit(), Exit::Failed | Exit::Invalid) {
            report.made_again = true;
            ids.push(report.row.clone());
        }
    }
    each_once(ids.iter().map(String::as_str))
        .into_iter()
        .map(str::to_owned)
        .collect()
}

/// What all `reports` come to; of runs that were made again the other counts.
pub(crate) fn exit(reports: &[RowReport]) -> Exit {
    let count = reports.iter().filter(|report| !report.made_again);
    count.map(RowReport::exit).max().unwrap_or(Exit::Passed)
}

/// How alike several runs of one row were.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Runs {
    /// The row's id.
    pub(crate) row: String,
    /// What fails.
    pub(crate) failed: String,
    /// How often it was run.
    pub(crate) runs: usize,
    /// How often it held.
    pub(crate) held: usize,
    /// How much earlier than documented the page came, in milliseconds.
    pub(crate) margin_ms: Option<Spread>,
}

impl Runs {
    /// One for each row of `reports`, in their order; none where each was run once.
    pub(crate) fn of(reports: &[RowReport]) -> Vec<Self> {
        let ids = each_once(reports.iter().map(|report| report.row.as_str()));
        if ids.len() == reports.len() {
            return Vec::new();
        }
        let of = |id: &str| {
            let runs: Vec<&RowReport> = reports.iter().filter(|report| report.row == id).collect();
            let margins = runs.iter().filter_map(|run| run.margin_ms);
            Self {
                row: id.to_owned(),
                failed: runs
                    .first()
                    .map_or_else(String::new, |run| run.failed.clone()),
                runs: runs.len(),
                held: runs.iter().filter(|run| run.exit() == Exit::Passed).count(),
                margin_ms: Spread::of(margins.map(|margin| margin as f64).collect()),
            }
        };
        ids.into_iter().map(of).collect()
    }

    /// In one word.
    pub(crate) fn word(&self) -> &'static str {
        match self.held {
            0 => "BROKEN",
            held if held < self.runs => "FLAKE",
            _ => "stable",
        }
    }
}

/// Compares `row` with the drill of `scenario` that `timeline` tells of. The
/// drill is an expert's where somebody has to act, and one in which nobody does
/// anything where the platform recovers by itself.
pub(crate) fn verify(row: &MatrixRow, timeline: &Timeline, outcome: &DrillOutcome) -> RowReport {
    let mut broken = Vec::new();
    let impacts = impacts(timeline);
    let result = match &outcome.result {
        // A watched drill has no points, an expert's is judged below.
        DrillResult::Failed(_) => DrillResult::Passed,
        other => other.clone(),
    };
    let measured = result == DrillResult::Passed;
    let journeys = journeys(row, &impacts, &mut broken);
    let shows = shows(row, &impacts, &mut broken);
    let (detection, margin_ms) = detection(row, outcome, &mut broken);
    let recovery = recovery(row, timeline, outcome, &mut broken);
    if !measured {
        broken.clear();
    }
    RowReport {
        row: row.id.to_string(),
        failed: row.failed.to_string(),
        scenario: outcome.scenario.clone(),
        impact: row.impact.clone(),
        journeys,
        shows,
        detection,
        margin_ms,
        recovery,
        broken,
        result,
        made_again: false,
        impacts,
        took_ms: outcome.took_ms,
        journal: outcome.journal.clone(),
    }
}

fn impacts(timeline: &Timeline) -> Vec<JourneyImpact> {
    let found = timeline
        .events()
        .iter()
        .find_map(|event| match &event.what {
            Happening::Impacts { journeys } => Some(journeys.clone()),
            _ => None,
        });
    found.unwrap_or_default()
}

fn not_well(journey: &JourneyImpact) -> u64 {
    journey.failed + journey.slow
}

/// Whether more of its requests failed than noise would explain. One that was
/// slow only says as much of the machine as of the shop.
fn is_hit(journey: &JourneyImpact) -> bool {
    journey.failed >= HIT_LEAST && journey.failed as f64 > HIT * journey.requests as f64
}

/// Every documented journey fails, and no other.
fn journeys(row: &MatrixRow, impacts: &[JourneyImpact], broken: &mut Vec<String>) -> Beside {
    let hit = |journey: &JourneyImpact| not_well(journey) > 0;
    if !row.journeys.is_empty() && !impacts.iter().any(hit) {
        broken.push("journeys: none failed".to_owned());
    }
    for name in &row.journeys {
        let met = impacts.iter().find(|journey| journey.journey == *name);
        if met.is_some_and(|journey| not_well(journey) == 0 && journey.requests >= FEW) {
            broken.push(format!(
                "journeys: {name} is documented to fail and did not"
            ));
        }
    }
    for journey in impacts {
        if is_hit(journey) && !row.journeys.contains(&journey.journey) {
            broken.push(format!(
                "journeys: {} failed too, {} of {} requests, and is not documented to",
                journey.journey, journey.failed, journey.requests
            ));
        }
    }
    let documented: Vec<String> = row.journeys.iter().map(ToString::to_string).collect();
    let measured = impacts
        .iter()
        .filter(|journey| is_hit(journey) || row.journeys.contains(&journey.journey));
    let measured: Vec<String> = measured
        .map(|j| format!("{} ({} of {})", j.journey, not_well(j), j.requests))
        .collect();
    Beside {
        documented: or_none(&documented, "none fails"),
        measured: or_none(&measured, "none failed"),
    }
}

/// What customers read is what the documents say that they read.
fn shows(row: &MatrixRow, impacts: &[JourneyImpact], broken: &mut Vec<String>) -> Beside {
    let mut seen: Vec<(&str, u64)> = Vec::new();
    let all = impacts.iter().filter(|journey| is_hit(journey));
    for text in all.flat_map(|journey| &journey.seen) {
        match seen.iter_mut().find(|(known, _)| *known == text.text) {
            Some((_, times)) => *times += text.times,
            None => seen.push((&text.text, text.times)),
        }
    }
    seen.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let sum: u64 = seen.iter().map(|(_, times)| times).sum();
    let says = |text: &str| {
        let text = text.to_lowercase();
        row.shows
            .iter()
            .any(|shown| text.contains(&shown.to_lowercase()))
    };
    if !row.shows.is_empty() && !seen.iter().any(|(text, _)| says(text)) {
        broken.push(format!("shows: nobody saw {}", quoted(&row.shows)));
    }
    for (text, times) in &seen {
        let rare = (*times as f64) <= NOISE * sum as f64;
        if !rare && *text != SLOW && !says(text) {
            broken.push(format!(
                "shows: customers saw \"{text}\" {times} times, and the documents do not say so"
            ));
        }
    }
    let measured: Vec<String> = seen
        .iter()
        .map(|(text, times)| format!("\"{text}\" ×{times}"))
        .collect();
    let documented = if row.shows.is_empty() {
        row.experience.clone()
    } else {
        format!("{} ({})", row.experience, quoted(&row.shows))
    };
    Beside {
        documented,
        measured: or_none(&measured, "nothing"),
    }
}

fn detection(
    row: &MatrixRow,
    outcome: &DrillOutcome,
    broken: &mut Vec<String>,
) -> (Beside, Option<i64>) {
    let documented = format!("within {}", row.detect);
    let Some(detected) = outcome.detected_in_ms else {
        broken.push(format!(
            "detection: no page came; one is due within {}",
            row.detect
        ));
        let measured = "no page".to_owned();
        return (
            Beside {
                documented,
                measured,
            },
            None,
        );
    };
    let deadline = row.detect.as_millis();
    if detected > deadline {
        broken.push(format!(
            "detection: the page came {} after the first impact; {} are documented",
            Period::from_millis(detected),
            row.detect
        ));
    }
    let margin = deadline as i64 - detected as i64;
    let measured = Period::from_millis(detected).to_string();
    (
        Beside {
            documented,
            measured,
        },
        Some(margin),
    )
}

fn recovery(
    row: &MatrixRow,
    timeline: &Timeline,
    outcome: &DrillOutcome,
    broken: &mut Vec<String>,
) -> Beside {
    let clocks = &outcome.clocks;
    match row.recovery {
        Recovery::Itself(within) => {
            let documented = within.map_or_else(
                || "by itself".to_owned(),
                |within| format!("by itself, within {within}"),
            );
            let took = clocks.injected.zip(clocks.recovered);
            let took = took.map(|(injected, recovered)| recovered.since(injected));
            let measured = match took {
                Some(took) => format!("by itself, after {took}"),
                None => "did not recover".to_owned(),
            };
            match (took, within) {
                (None, _) => broken.push("recovery: it did not recover by itself".to_owned()),
                (Some(took), Some(within)) if took > within => broken.push(format!(
                    "recovery: it took {took} by itself; {within} are documented"
                )),
                _ => {}
            }
            Beside {
                documented,
                measured,
            }
        }
        Recovery::ManualRestart | Recovery::ManualIntervention => {
            let documented = match row.recovery {
                Recovery::ManualRestart => "somebody restarts it",
                _ => "somebody intervenes",
            };
            let measured = by_hand(timeline, outcome, broken);
            Beside {
                documented: documented.to_owned(),
                measured,
            }
        }
    }
}

/// What came of it when somebody acted; it may not have recovered before.
fn by_hand(timeline: &Timeline, outcome: &DrillOutcome, broken: &mut Vec<String>) -> String {
    let (act, recovered) = (first_act(timeline), first_recovery(timeline));
    match (&act, recovered) {
        (None, Some(_)) => broken.push("recovery: it recovered, and nobody had acted".to_owned()),
        (Some((at, _)), Some(recovered)) if recovered < *at => {
            broken.push("recovery: it recovered before somebody acted".to_owned());
        }
        _ => {}
    }
    let (Some((at, what)), Some(recovered)) = (act, outcome.clocks.recovered) else {
        broken.push("recovery: it did not recover".to_owned());
        return "did not recover".to_owned();
    };
    format!("{} after `{what}`, not before", recovered.since(at))
}

fn first_act(timeline: &Timeline) -> Option<(Timestamp, String)> {
    let acted = |event: &Event| match &event.what {
        Happening::Responded {
            response: Response::Act(action),
            outcome: Outcome::Accepted,
            ..
        } => Some((event.at, action.to_string())),
        _ => None,
    };
    timeline.events().iter().find_map(acted)
}

fn first_recovery(timeline: &Timeline) -> Option<Timestamp> {
    let mut events = timeline.events().iter();
    let recovered = events.find(|event| event.what == Happening::Recovered);
    recovered.map(|event| event.at)
}

fn quoted(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| format!("\"{text}\"")).collect();
    texts.join(" or ")
}

fn or_none(texts: &[String], none: &str) -> String {
    if texts.is_empty() {
        none.to_owned()
    } else {
        texts.join(", ")
    }
}

#[cfg(test)]
pub(crate) mod tests;
