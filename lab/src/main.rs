//! `shoplab`: a lab for practising incidents.

mod assets;
mod cli;
mod command;
mod conduct;
mod durations;
mod error;
mod exit;
mod jobs;
mod leaks;
mod log;
mod manifests;
mod matrix;
mod outcome;
mod platform;
mod progress;
mod report;
mod runner;
mod select;
mod signals;
mod suite;
mod vocabulary;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command, MatrixCommand};
use error::LabError;
use exit::Exit;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // What images run stays free of everything that the lab itself needs.
    match cli.command {
        Command::Shop { args } => shop::run(args),
        Command::Load => loadgen::run(|name| std::env::var(name).ok()),
        Command::Guard { args } => platform::guard(args),
        command => match run(command) {
            Ok(exit) => exit.into(),
            Err(error) => {
                let text = format!("shoplab: {error}\n");
                drop(std::io::stderr().write_all(text.as_bytes()));
                error.exit().into()
            }
        },
    }
}

fn run(command: Command) -> Result<Exit, LabError> {
    log::start();
    let (text, exit) = match command {
        Command::Grade(args) => command::grade::grade(&args)?,
        Command::Lint(args) => command::lint::lint(&args)?,
        Command::List(args) => command::list::list(&args)?,
        Command::Assets { dir } => {
            let count = assets::export(&dir)?;
            (
                format!("{count} files in {}\n", dir.display()),
                Exit::Passed,
            )
        }
        Command::Run(args) => command::run::run(args)?,
        Command::Suite(args) => command::suite::suite(args)?,
        Command::Matrix {
            command: MatrixCommand::Verify(args),
        } => command::matrix::verify(args)?,
        Command::Matrix {
            command: MatrixCommand::Report(args),
        } => command::matrix::report(&args)?,
        Command::Scenario { command } => command::scenario::scenario(command)?,
        Command::Train(args) => command::train::train(args)?,
        Command::Up(args) => command::up::up(args)?,
        Command::Shop { .. } | Command::Load | Command::Guard { .. } => return Ok(Exit::Passed),
    };
    // A reader that went away (`shoplab list | head`) is no failure.
    drop(std::io::stdout().write_all(text.as_bytes()));
    Ok(exit)
}
