//! The command line.

mod scenario;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use model::{Period, Proof};

pub(crate) use scenario::{
    NewScenario, Preview, ScenarioCommand, ScenarioTest, SchemaKind, SchemaOf, ShowScenario,
};

use crate::runner::FirstFailure;
use crate::suite::Shard;

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
    /// Run a suite: scenarios with their experts, side by side, and what is
    /// proven of each besides.
    Suite(Suite),
    /// The failure matrix: what is documented, measured.
    Matrix {
        #[command(subcommand)]
        command: MatrixCommand,
    },
    /// Write a scenario, look at it, see what it will do, prove it.
    Scenario {
        #[command(subcommand)]
        command: ScenarioCommand,
    },
    /// Bring a shop up under load and keep it until Ctrl-C.
    Up(Up),
    /// Grade a journal again, or a folder of journals.
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
    /// A scenario's name or file; without it, you choose from a list (not in lines).
    #[arg(required_if_eq_any([("mode", "plain"), ("mode", "json")]))]
    pub(crate) scenario: Option<String>,
    /// How the incident is shown and answered.
    #[arg(long, value_enum, default_value_t = ConsoleMode::Tui)]
    pub(crate) mode: ConsoleMode,
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

/// How `train` shows an incident, and is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConsoleMode {
    /// Screens that are drawn on a terminal.
    Tui,
    /// Lines of text, for screen readers and simple terminals: commands are read from
    /// standard input, `help` lists them.
    Plain,
    /// The same as lines of JSON, for programs.
    Json,
}

/// What commands that run drills have in common.
#[derive(Debug, Args)]
pub(crate) struct Drills {
    /// The seed of everything random; it goes on by one with each repetition.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How often each scenario is run.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) repeat: u16,
    /// Begin no other drill after the first that does not end as it should.
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

impl Drills {
    /// What the first drill that does not end as it should does to the rest.
    pub(crate) fn first_failure(&self) -> FirstFailure {
        if self.fail_fast {
            FirstFailure::Stops
        } else {
            FirstFailure::GoesOn
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Scenarios, folders of scenarios, or suites.
    #[arg(required = true)]
    pub(crate) paths: Vec<String>,
    /// Who responds: a responder of the scenario, or a baseline such as `nothing`.
    #[arg(long, default_value = "expert")]
    pub(crate) responder: String,
    /// How many labs run side by side.
    #[arg(long, short = 'j', default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    pub(crate) jobs: u8,
    #[command(flatten)]
    pub(crate) drills: Drills,
}

#[derive(Debug, Args)]
pub(crate) struct Suite {
    /// The suite's file, or the name of one that is built in, such as `smoke`.
    pub(crate) suite: String,
    /// How many labs run side by side [default: four for two cores].
    #[arg(long, short = 'j', value_parser = clap::value_parser!(u8).range(1..=8))]
    pub(crate) jobs: Option<u8>,
    /// What is proven of each scenario, besides what the suite asks for.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PROOF")]
    pub(crate) with: Vec<ProofName>,
    /// Run one part of several, such as 2/3; scenarios are dealt out by name.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
    /// Run drills that were INVALID once more at the end, one at a time; that run counts. A drill that failed is not repeated.
    #[arg(long, conflicts_with = "fail_fast")]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) drills: Drills,
}

/// What can be proven of a scenario besides that its expert passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProofName {
    /// No baseline passes.
    Baselines,
    /// No declared wrong fix passes.
    WrongFixes,
    /// Nothing that a responder can reach names the fault, the scenario or the lab's tools.
    Leaks,
}

impl ProofName {
    /// The same in the model's words.
    pub(crate) fn proof(self) -> Proof {
        match self {
            Self::Baselines => Proof::Baselines,
            Self::WrongFixes => Proof::WrongFixes,
            Self::Leaks => Proof::Leaks,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum MatrixCommand {
    /// Run the rows of the failure matrix and compare what is documented with
    /// what is measured.
    Verify(VerifyMatrix),
    /// Tell what journals of earlier runs say of the rows: those of several commands, shards
    /// or machines together, or of a run that was broken off.
    Report(MatrixReport),
}

#[derive(Debug, Args)]
pub(crate) struct MatrixReport {
    /// Folders with journals, such as those that `matrix verify --out` was given.
    #[arg(required = true, value_name = "DIR")]
    pub(crate) journals: Vec<PathBuf>,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) places: Places,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyMatrix {
    /// The suite that has one scenario for each row.
    #[arg(default_value = "matrix")]
    pub(crate) suite: String,
    /// Only these rows, such as M01,M06.
    #[arg(long, value_delimiter = ',', value_name = "ROW")]
    pub(crate) rows: Vec<String>,
    /// How many labs run side by side [default: four for two cores].
    #[arg(long, short = 'j', value_parser = clap::value_parser!(u8).range(1..=8))]
    pub(crate) jobs: Option<u8>,
    /// Measure rows that do not hold once more, one at a time; a row fails when it does not hold then either.
    #[arg(long, conflicts_with = "fail_fast")]
    pub(crate) again: bool,
    #[command(flatten)]
    pub(crate) drills: Drills,
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
    /// The journal of a finished drill, or a folder of such journals.
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
    /// Exit with 2 for warnings too.
    #[arg(long)]
    pub(crate) deny_warnings: bool,
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
    /// For code scanning: SARIF 2.1.0.
    Sarif,
}

#[cfg(test)]
mod tests;
