//! `shoplab list`: the scenarios that there are.

use std::fmt::Write;

use crate::assets::Assets;
use crate::cli::List;
use crate::error::LabError;
use crate::exit::Exit;
use crate::{select, vocabulary};

/// Lists scenarios by shop and level. Gives no cause away.
pub(crate) fn list(args: &List) -> Result<(String, Exit), LabError> {
    let assets = Assets::new(args.places.assets.clone())?;
    let vocabulary = vocabulary::read(&assets)?;
    let mut scenarios = select::all(&assets, &vocabulary)?;
    scenarios.sort_by(|a, b| (&a.shop, a.level, &a.name).cmp(&(&b.shop, b.level, &b.name)));
    let width = scenarios.iter().map(|s| s.name.len()).max().unwrap_or(0);
    let mut out = String::new();
    for scenario in &scenarios {
        let _ = writeln!(
            out,
            "{}  level {}  {:width$}  {}",
            scenario.shop, scenario.level, scenario.name, scenario.title
        );
    }
    Ok((out, Exit::Passed))
}
