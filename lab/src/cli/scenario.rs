//! The command line of authors: `shoplab scenario`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Places;

#[derive(Debug, Subcommand)]
pub(crate) enum ScenarioCommand {
    /// Write a scenario to start from: commented, valid, with the line by which
    /// editors find its schema.
    New(NewScenario),
    /// Show a scenario as an author reviews it: it names what breaks.
    Show(ShowScenario),
    /// Print the JSON Schema of an authored file.
    Schema(SchemaOf),
    /// Show on a time line what will happen, without running anything.
    Preview(Preview),
    /// Prove that a scenario can be relied on: its expert passes, its fault
    /// bites, no wrong fix and no baseline passes, nothing gives the answer away.
    Test(ScenarioTest),
}

#[derive(Debug, Args)]
pub(crate) struct NewScenario {
    /// Its name, in kebab case; also its file's.
    pub(crate) name: String,
    /// The shop that is broken [default: the first one].
    #[arg(long)]
    pub(crate) shop: Option<String>,
    /// The kind of fault.
    #[arg(long, value_name = "KIND", default_value = "hang")]
    pub(crate) fault: String,
    /// The folder that it is written into [default: scenarios/SHOP if it is
    /// there, or the present one].
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) places: Places,
}

#[derive(Debug, Args)]
pub(crate) struct ShowScenario {
    /// A scenario's name or file.
    pub(crate) scenario: String,
    /// Show what is right as well, and how the expert gets there.
    #[arg(long)]
    pub(crate) answer: bool,
    #[command(flatten)]
    pub(crate) places: Places,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaOf {
    /// What kind of file it is for.
    #[arg(long, value_enum, default_value_t = SchemaKind::Scenario)]
    pub(crate) kind: SchemaKind,
    #[command(flatten)]
    pub(crate) places: Places,
}

#[derive(Debug, Args)]
pub(crate) struct Preview {
    /// A scenario's name or file.
    pub(crate) scenario: String,
    #[command(flatten)]
    pub(crate) places: Places,
}

/// The kinds of authored files that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaKind {
    /// A scenario.
    Scenario,
    /// A suite.
    Suite,
    /// The failure matrix.
    Matrix,
    /// The SLOs of a shop.
    Slos,
}

#[derive(Debug, Args)]
pub(crate) struct ScenarioTest {
    /// The scenario's file or name.
    pub(crate) scenario: String,
    /// The seed of everything random.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many labs run side by side [default: four for two cores].
    #[arg(long, short = 'j', value_parser = clap::value_parser!(u8).range(1..=8))]
    pub(crate) jobs: Option<u8>,
    /// Run drills that were INVALID once more at the end, one at a time; that run counts. A drill that failed is not repeated.
    #[arg(long)]
    pub(crate) again: bool,
    /// Where journals and reports are written.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) places: Places,
}
