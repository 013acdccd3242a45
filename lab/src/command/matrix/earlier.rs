//! `shoplab matrix report`: rows that were measured before, by several commands, shards or
//! machines, or by a command that did not live to report them.

use model::{Event, Happening};

use crate::assets::Assets;
use crate::cli::MatrixReport;
use crate::command::grade::timelines_below;
use crate::error::LabError;
use crate::exit::Exit;
use crate::matrix::{self, RowReport};
use crate::outcome::DrillOutcome;
use crate::{report, vocabulary};

/// What the journals below the folders of `args` say of the rows of the failure matrix. The
/// matrix is the one of today; the journals of other drills, and of baselines and wrong fixes
/// of a suite, say nothing of it.
pub(crate) fn report(args: &MatrixReport) -> Result<(String, Exit), LabError> {
    let assets = Assets::new(args.places.assets.clone())?;
    let vocabulary = vocabulary::read(&assets)?;
    let mut rows: Vec<RowReport> = Vec::new();
    for folder in &args.journals {
        for read in timelines_below(folder)? {
            let (journal, timeline) = read?;
            let id = timeline
                .scenario()
                .and_then(|scenario| scenario.matrix.as_ref());
            let Some(row) = id.and_then(|id| vocabulary.matrix.row(id)) else {
                continue;
            };
            let ended = |event: &Event| matches!(event.what, Happening::Finished(_));
            if !timeline.events().iter().any(ended) {
                let journal = journal.display().to_string();
                tracing::warn!(journal, "left out, for it ends before its drill does");
                continue;
            }
            let outcome = DrillOutcome::read(&timeline, 1, journal);
            if !super::measures(row, &outcome.responder) {
                continue;
            }
            rows.push(matrix::verify(row, &timeline, &outcome));
        }
    }
    if rows.is_empty() {
        return Err(LabError::Authored(
            "no journal of a finished drill of a row of the failure matrix is there; \
             name the folder that `matrix verify --out` was given"
                .to_owned(),
        ));
    }
    rows.sort_by(|a, b| a.row.cmp(&b.row));
    let text = report::matrix::render(&rows, args.format);
    Ok((text, matrix::exit(&rows)))
}
