//! What a line asks for. Text is the same in both modes; programs may write it as
//! `{"do": "...", "confirm": true}`.

use model::{Action, ServiceName, Severity};
use serde_json::Value;

use super::Mode;
use super::status::severity_word;
use crate::message::Asker;
use crate::state::{Instance, SEVERITIES, Tab, is_runbook, parse};

/// What a line asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Command {
    Help,
    Status,
    Acknowledge,
    Declare(Severity),
    Ask(Asker, String),
    Trace(String),
    Look(Tab),
    Describe(String),
    PodLogs(String, Instance),
    Act(Action, Consent),
    Update(String),
    Hint,
    /// What an answer can say.
    Vocabulary,
    /// An answer's fields, as they were written.
    Answer(String),
    Resolve(Consent),
    Quit(Consent),
    Yes,
    No,
}

/// Whether what cannot be taken back was confirmed with the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    /// It was.
    Given,
    /// It is to be asked for.
    Wanted,
}

/// How each command is written and what it does, as `help` tells it.
pub(super) const USAGES: [(&str, &str); 23] = [
    ("help", "this list"),
    (
        "status",
        "how it stands: phase, clocks, alerts that fire, SLOs, what customers complain of",
    ),
    ("ack", "acknowledge the page"),
    (
        "declare SEVERITY",
        "say how bad it is: info, ticket or page",
    ),
    (
        "metrics QUERY",
        "PromQL over the last ten minutes; counts as evidence",
    ),
    (
        "logs QUERY",
        "LogQL over the last ten minutes; counts as evidence",
    ),
    (
        "traces QUERY",
        "TraceQL over the last ten minutes; counts as evidence",
    ),
    (
        "trace ID",
        "one trace, its spans indented under their callers",
    ),
    ("pods", "the pods of the shop"),
    ("deployments", "its Deployments"),
    (
        "services",
        "its Services, with the addresses behind them that are ready",
    ),
    ("events", "the cluster's Events, newest first"),
    ("describe POD", "all that the cluster says of a pod"),
    (
        "podlogs POD [previous]",
        "the last lines that it wrote, or its previous container",
    ),
    (
        "rollout restart deployment/SERVICE",
        "a runbook command; asks first",
    ),
    (
        "rollout undo | delete pod | scale | set image | set resources | autoscale | apply -f",
        "the others, as the runbooks write them; ask first",
    ),
    ("update TEXT", "tell the stakeholders how it stands"),
    ("hint", "take a hint, for its price"),
    ("answer", "what an answer can say"),
    (
        "answer cause=SERVICE mode=MODE impact=ROW severity=SEVERITY",
        "your answer; the last one counts; later ones may leave fields out",
    ),
    ("resolve", "say that the incident is over; asks first"),
    (
        "quit",
        "leave; asks while the drill runs, and ends it without a grade",
    ),
    (
        "yes | no",
        "answer to what was asked; `yes` behind a command answers beforehand",
    ),
];

/// Reads a line; nothing where it is blank.
pub(super) fn read(
    line: &str,
    mode: Mode,
    services: &[ServiceName],
) -> Result<Option<Command>, String> {
    let line = line.trim();
    if line.is_empty() {
        return Ok(None);
    }
    if mode == Mode::Json && line.starts_with('{') {
        let (text, consent) = object(line)?;
        return command(text.trim(), consent, services).map(Some);
    }
    command(line, Consent::Wanted, services).map(Some)
}

/// The command of a JSON object, and whether it is confirmed.
fn object(line: &str) -> Result<(String, Consent), String> {
    const RIGHT: &str = r#"write {"do": "COMMAND"}, with "confirm": true where it asks"#;
    let value: Value =
        serde_json::from_str(line).map_err(|error| format!("no JSON: {error}; {RIGHT}"))?;
    let fields = value.as_object().ok_or(RIGHT)?;
    if let Some(other) = fields
        .keys()
        .find(|name| !["do", "confirm"].contains(&name.as_str()))
    {
        return Err(format!("`{other}` is no field; {RIGHT}"));
    }
    let text = fields.get("do").and_then(Value::as_str).ok_or(RIGHT)?;
    let consent = match fields.get("confirm") {
        None | Some(Value::Bool(false)) => Consent::Wanted,
        Some(Value::Bool(true)) => Consent::Given,
        Some(_) => return Err(format!("`confirm` is true or false; {RIGHT}")),
    };
    Ok((text.to_owned(), consent))
}

fn command(text: &str, consent: Consent, services: &[ServiceName]) -> Result<Command, String> {
    if is_runbook(text) {
        let (text, consent) = agreed(text, consent);
        return Ok(Command::Act(parse(text, services)?, consent));
    }
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let named = |what: &str| match rest {
        "" => Err(format!("{what} is missing: write {word} {what}")),
        rest => Ok(rest.to_owned()),
    };
    let alone = |command| match rest {
        "" => Ok(command),
        rest => Err(format!(
            "`{word}` stands alone; `{rest}` behind it means nothing"
        )),
    };
    match word {
        "help" | "?" => alone(Command::Help),
        "status" => alone(Command::Status),
        "ack" | "acknowledge" => alone(Command::Acknowledge),
        "declare" => declared(rest).map(Command::Declare),
        "metrics" => Ok(Command::Ask(Asker::Metrics, named("QUERY")?)),
        "logs" => Ok(Command::Ask(Asker::Logs, named("QUERY")?)),
        "traces" => Ok(Command::Ask(Asker::Traces, named("QUERY")?)),
        "trace" => match named("ID")? {
            id if id.chars().all(|c| c.is_ascii_hexdigit()) => Ok(Command::Trace(id)),
            id => Err(format!(
                "`{id}` is no trace's ID: those are hex digits, as `traces` lists them"
            )),
        },
        "pods" => alone(Command::Look(Tab::Pods)),
        "deployments" => alone(Command::Look(Tab::Deployments)),
        "services" => alone(Command::Look(Tab::Services)),
        "events" => alone(Command::Look(Tab::Events)),
        "describe" => Ok(Command::Describe(pod(&named("POD")?)?)),
        "podlogs" => {
            let named = named("POD")?;
            Ok(match named.strip_suffix(" previous") {
                Some(name) => Command::PodLogs(pod(name.trim())?, Instance::Previous),
                None => Command::PodLogs(pod(&named)?, Instance::Present),
            })
        }
        "update" => Ok(Command::Update(named("TEXT")?)),
        "hint" => alone(Command::Hint),
        "answer" if rest.is_empty() => Ok(Command::Vocabulary),
        "answer" => Ok(Command::Answer(rest.to_owned())),
        "resolve" | "quit" => {
            let (rest, consent) = agreed(text, consent);
            match rest {
                "resolve" => Ok(Command::Resolve(consent)),
                "quit" => Ok(Command::Quit(consent)),
                _ => Err(format!("`{word}` stands alone, or with `yes` behind it")),
            }
        }
        "yes" | "y" => alone(Command::Yes),
        "no" | "n" => alone(Command::No),
        _ => Err(format!("`{word}` is no command; `help` lists them all")),
    }
}

/// `text` without a `yes` at its end.
fn agreed(text: &str, consent: Consent) -> (&str, Consent) {
    match text.strip_suffix(" yes") {
        Some(text) => (text.trim_end(), Consent::Given),
        None => (text, consent),
    }
}

fn declared(word: &str) -> Result<Severity, String> {
    let found = SEVERITIES
        .into_iter()
        .find(|severity| severity_word(*severity) == word);
    found.ok_or_else(|| {
        let all = SEVERITIES.map(severity_word).join(", ");
        format!("`{word}` is no severity; write declare and one of: {all}")
    })
}

/// A pod's name: with or without `pod/` before it.
fn pod(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("pod/").unwrap_or(text);
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    if name.is_empty() || !name.chars().all(fits) {
        return Err(format!("`{text}` is no pod's name; `pods` lists them"));
    }
    Ok(name.to_owned())
}
