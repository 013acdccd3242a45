//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::Period;

/// A lab for practising incidents.
///
/// Runs a shop of microservices under load, breaks it, pages you, and grades
/// how you respond. One machine, no Docker, no network.
#[derive(Debug, Parser)]
#[command(name = "shoplab", version, propagate_version = true, after_help = AFTER)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
Exit codes: 0 passed; 1 below its pass mark; 2 usage, or an authored file is invalid; 3 a drill \
was invalid; 4 the platform could not be set up; 5 a fault could not be undone; 130 interrupted.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Practise an incident at the console.
    Train(Train),
    /// Run scenarios without a console, with their own responders.
    Run(Run),
    /// Bring a shop up under load and keep it until Ctrl-C.
    Up(Up),
    /// Grade a journal again.
    Grade(GradeJournal),
    /// Check authored files: scenarios, suites, the failure matrix, SLOs.
    Lint(Lint),
    /// List the scenarios that there are.
    List(List),
    /// Write the scenarios, alerts, manifests and dashboards that are built in
    /// into a folder, to be changed and given back with --assets.
    Assets {
        /// The folder; empty, or not there yet.
        dir: PathBuf,
    },
    /// One service or store of a shop; what images of the lab run.
    #[command(hide = true)]
    Shop {
        /// `SHOP/SERVICE`, or `store` and its kind.
        #[arg(trailing_var_arg = true)]
        args: Vec<OsString>,
    },
    /// The shop's customers; what the load image runs.
    #[command(hide = true)]
    Load,
    /// Runs a program that dies with the lab.
    #[command(hide = true)]
    Guard {
        /// What is to be guarded.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

/// Where authored files come from and where the lab keeps its own.
#[derive(Clone, Debug, Args)]
pub(crate) struct Places {
    /// A folder with scenarios/, alerts/, k8s/ or dashboards/ that replace those built in.
    #[arg(long, value_name = "DIR")]
    pub(crate) assets: Option<PathBuf>,
    /// Where the lab keeps kubeconfigs, logs and volumes while it runs
    /// [default: $XDG_STATE_HOME/shoplab, or ~/.local/state/shoplab].
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    /// A scenario's name or file; without it, you choose from a list.
    pub(crate) scenario: Option<String>,
    /// How long the shop runs well before the incident begins.
    #[arg(long, value_name = "TIME", default_value = "60s")]
    pub(crate) quiet: Period,
    /// Your name, for the report.
    #[arg(long, default_value = "trainee")]
    pub(crate) name: String,
    /// The seed of everything random.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Where the journal and the report are written.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) places: Places,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Scenarios, folders of scenarios, or suites.
    #[arg(required = true)]
    pub(crate) paths: Vec<String>,
    /// Who responds: a responder of the scenario, or a baseline such as `nothing`.
    #[arg(long, default_value = "expert")]
    pub(crate) responder: String,
    /// The seed of everything random.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many labs run side by side.
    #[arg(long, short = 'j', default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub(crate) jobs: u8,
    /// How often each scenario is run.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) repeat: u16,
    /// Stop at the first drill that does not pass.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Where journals, results.json, junit.xml and report.md are written.
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub(crate) out: PathBuf,
    /// What is printed on standard output at the end.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) places: Places,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// The shop.
    #[arg(default_value = "sock-shop")]
    pub(crate) shop: String,
    /// How many customers there are at once.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub(crate) users: u32,
    /// The seed of everything random.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) places: Places,
}

#[derive(Debug, Args)]
pub(crate) struct GradeJournal {
    /// The journal of a finished drill.
    pub(crate) journal: PathBuf,
    /// How the grade is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Files or folders; without any, all that is built in.
    pub(crate) paths: Vec<String>,
    /// How problems are printed.
    #[arg(long, value_enum, default_value_t = LintFormat::Text)]
    pub(crate) format: LintFormat,
    #[command(flatten)]
    pub(crate) places: Places,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) places: Places,
}

/// How a result is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For CI systems.
    Junit,
    /// For merge requests and wikis.
    Markdown,
}

/// How problems of authored files are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LintFormat {
    /// For people: the line, with the place underlined.
    Text,
    /// For programs.
    Json,
}
