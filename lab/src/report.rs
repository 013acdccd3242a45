//! Reporters: text, JSON, JUnit, Markdown. All read the same outcomes.

mod json;
mod junit;
mod markdown;
pub(crate) mod matrix;
pub(crate) mod suite;
pub(crate) mod table;
pub(crate) mod text;

use std::path::Path;

use crate::cli::Format;
use crate::error::LabError;
use crate::outcome::DrillOutcome;

/// `outcomes` in `format`.
pub(crate) fn render(outcomes: &[DrillOutcome], format: Format) -> String {
    match format {
        Format::Text => text::render(outcomes),
        Format::Json => json::render(outcomes),
        Format::Junit => junit::render(outcomes),
        Format::Markdown => markdown::render(outcomes),
    }
}

/// Writes `results.json`, `junit.xml` and `report.md` into `dir`.
pub(crate) fn write(outcomes: &[DrillOutcome], dir: &Path) -> Result<(), LabError> {
    write_all(dir, |format| render(outcomes, format))
}

/// Writes what `rendered` gives for each format that is for files.
fn write_all(dir: &Path, rendered: impl Fn(Format) -> String) -> Result<(), LabError> {
    for (name, format) in [
        ("results.json", Format::Json),
        ("junit.xml", Format::Junit),
        ("report.md", Format::Markdown),
    ] {
        let path = dir.join(name);
        std::fs::create_dir_all(dir)
            .and_then(|()| std::fs::write(&path, rendered(format)))
            .map_err(|source| LabError::File {
                path,
                doing: "written",
                source,
                next: "give another folder with --out",
            })?;
    }
    Ok(())
}

/// Milliseconds as people read them.
pub(crate) fn seconds(millis: u64) -> String {
    match millis {
        0..100_000 => format!("{:.1} s", millis as f64 / 1_000.0),
        _ => format!("{}m{:02}s", millis / 60_000, millis / 1_000 % 60),
    }
}

#[cfg(test)]
mod tests;
