//! `shoplab scenario`: what authors work with.

mod new;
mod preview;
mod schema;
mod show;

use model::{Scenario, Vocabulary};

use crate::assets::Assets;
use crate::cli::{Places, ScenarioCommand};
use crate::error::LabError;
use crate::exit::Exit;
use crate::{select, vocabulary};

/// Does what `command` says.
pub(crate) fn scenario(command: ScenarioCommand) -> Result<(String, Exit), LabError> {
    let text = match command {
        ScenarioCommand::New(args) => new::new(&args)?,
        ScenarioCommand::Show(args) => show::show(&args)?,
        ScenarioCommand::Schema(args) => schema::schema(&args)?,
        ScenarioCommand::Preview(args) => preview::preview(&args)?,
        ScenarioCommand::Test(args) => return super::scenario_test::test(args),
    };
    Ok((text, Exit::Passed))
}

/// The scenarios that `asked` names, and the names that they may use.
fn scenarios(asked: &str, places: &Places) -> Result<(Vec<Scenario>, Vocabulary), LabError> {
    let assets = Assets::new(places.assets.clone())?;
    let vocabulary = vocabulary::read(&assets)?;
    let scenarios = select::scenarios(&[asked.to_owned()], &assets, &vocabulary)?;
    Ok((scenarios, vocabulary))
}

/// A fault as people read it: `latency: from catalogue, to catalogue-db, delay 2s`.
fn fault_in_words(fault: &model::Fault) -> String {
    let args: Vec<String> = fault
        .args
        .iter()
        .map(|(name, value)| match value.as_str() {
            Some("") => String::new(),
            Some(text) => format!("{name} {text}"),
            None => format!("{name} {value}"),
        })
        .filter(|arg| !arg.is_empty())
        .collect();
    if args.is_empty() {
        return fault.kind.clone();
    }
    format!("{}: {}", fault.kind, args.join(", "))
}

/// A predicted symptom as people read it.
fn symptom_in_words(symptom: &model::Symptom) -> String {
    match symptom {
        model::Symptom::Slo {
            check,
            below: Some(below),
        } => format!("{check} falls below {below}"),
        model::Symptom::Slo { check, below: None } => format!("{check} is lost"),
        model::Symptom::Alert(alert) => format!("{alert} fires"),
    }
}

/// Names with commas between them.
fn listed<T: std::fmt::Display>(names: &[T]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.join(", ")
}
