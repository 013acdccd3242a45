//! `shoplab train`: one incident at the console.

use std::io::{BufReader, Write, stdin, stdout};
use std::path::PathBuf;

use engine::{Clock, ClusterView, Drill, Stop};
use model::{Period, Scenario, Vocabulary};
use store::Ports;
use telemetry::Telemetry;
use tokio_util::sync::CancellationToken;

use crate::assets::Assets;
use crate::cli::{ConsoleMode, Train};
use crate::conduct;
use crate::error::LabError;
use crate::exit::Exit;
use crate::jobs::Job;
use crate::outcome::DrillOutcome;
use crate::platform::{Platform, StateDir};
use crate::{report, select, signals, vocabulary};

/// Trains somebody at the console.
pub(crate) fn train(args: Train) -> Result<(String, Exit), LabError> {
    if args.mode == ConsoleMode::Tui {
        // Said before a shop is brought up for nothing.
        tui::check_terminal().map_err(console)?;
    }
    let assets = Assets::new(args.places.assets.clone())?;
    let vocabulary = vocabulary::read(&assets)?;
    let runtime = signals::runtime()?;
    runtime.block_on(async {
        let Some(mut scenario) = chosen(&args, &assets, &vocabulary).await? else {
            return Ok((String::new(), Exit::Passed));
        };
        for step in &mut scenario.timeline {
            step.at = (step.at.duration() + args.quiet.duration()).into();
        }
        let outcome = at_console(&args, &assets, &vocabulary, scenario).await?;
        let exit = outcome.result.exit();
        Ok((ending(&args, &outcome)?, exit))
    })
}

/// The scenario that was named, or else chosen from a list.
async fn chosen(
    args: &Train,
    assets: &Assets,
    vocabulary: &Vocabulary,
) -> Result<Option<Scenario>, LabError> {
    if let Some(name) = &args.scenario {
        let found = select::scenarios(std::slice::from_ref(name), assets, vocabulary)?;
        return Ok(found.into_iter().next());
    }
    let mut all = select::all(assets, vocabulary)?;
    all.sort_by(|a, b| (a.level, &a.name).cmp(&(b.level, &b.name)));
    let index = tui::choose(&all).await.map_err(console)?;
    Ok(index.and_then(|index| all.into_iter().nth(index)))
}

async fn at_console(
    args: &Train,
    assets: &Assets,
    vocabulary: &Vocabulary,
    scenario: Scenario,
) -> Result<DrillOutcome, LabError> {
    let cancel = CancellationToken::new();
    let signals = signals::listen(cancel.clone())?;
    say(&format!("bringing up {} …\n", scenario.shop));
    let journal = journal(args, &scenario);
    conduct::make_way(&journal)?;
    let state = StateDir::create(args.places.state.as_deref())?;
    let wanted = conduct::wanted(&scenario, args.seed, Ports::default());
    let platform = Platform::start(&wanted, assets, state).await?;
    let history = StateDir::base(args.places.state.as_deref()).join("history");
    let job = Job::trainee(scenario, &args.name, args.seed, journal);
    let result = session(&job, vocabulary, &platform, args.mode, history, &cancel).await;
    platform.stop().await;
    signals.abort();
    result
}

async fn session(
    job: &Job,
    vocabulary: &Vocabulary,
    platform: &Platform,
    mode: ConsoleMode,
    history: PathBuf,
    cancel: &CancellationToken,
) -> Result<DrillOutcome, LabError> {
    let config = conduct::config(job, vocabulary, platform);
    let checks = config.checks.clone();
    let mut drill = Drill::start(config).await?;
    let shop = &job.scenario.shop;
    let telemetry = Telemetry::connect(&platform.backends(), Period::from_secs(5))
        .map_err(|error| LabError::Platform(error.to_string()))?;
    let cluster = ClusterView::connect(platform.kubeconfig_responder(), shop.as_str()).await?;
    let rows = vocabulary
        .matrix
        .rows
        .iter()
        .filter(|row| row.shop == *shop);
    let session = tui::Session {
        desk: drill.desk(),
        telemetry,
        cluster,
        scenario: job.scenario.clone(),
        checks,
        rows: rows.cloned().collect(),
        services: vocabulary
            .shops
            .get(shop)
            .map(|shop| shop.services.clone())
            .unwrap_or_default(),
        addresses: platform.addresses_when_open(shop.as_str()).await,
        history,
    };
    let console_ended = tokio::select! {
        ended = shown(session, mode) => ended.map(drop).map_err(console),
        () = cancel.cancelled() => Ok(()),
    };
    // Whoever leaves before the end gives up the grade; after it, nothing changes any more.
    let timeline = drill.stop(Stop::Interrupted).await?;
    console_ended?;
    Ok(DrillOutcome::read(&timeline, 1, job.journal.clone()))
}

async fn shown(session: tui::Session, mode: ConsoleMode) -> Result<tui::Leave, tui::TuiError> {
    let mode = match mode {
        ConsoleMode::Tui => return tui::run(session).await,
        ConsoleMode::Plain => tui::Mode::Plain,
        ConsoleMode::Json => tui::Mode::Json,
    };
    tui::run_plain(session, mode, BufReader::new(stdin()), stdout()).await
}

fn journal(args: &Train, scenario: &Scenario) -> PathBuf {
    args.out
        .join("journals")
        .join(format!("{}-{}.jsonl", scenario.name, args.name))
}

/// What is left on the terminal when the console has gone, or the last line of JSON.
fn ending(args: &Train, outcome: &DrillOutcome) -> Result<String, LabError> {
    report::write(std::slice::from_ref(outcome), &args.out)?;
    let page = args.out.join("report.md");
    let (page, journal) = (page.display(), outcome.journal.display());
    if args.mode == ConsoleMode::Json {
        let line = serde_json::json!({
            "at": Clock::system().now().as_millis(),
            "kind": "report",
            "text": format!("report: {page}"),
            "scenario": outcome.scenario,
            "result": outcome.result.word().to_lowercase(),
            "reason": outcome.result.reason(),
            "report": page.to_string(),
            "journal": journal.to_string(),
        });
        return Ok(format!("{line}\n"));
    }
    let mut text = format!("{}\n", outcome.title);
    // Lines of text have told the grade already.
    if args.mode == ConsoleMode::Tui || outcome.grade.is_none() {
        text.push_str(&report::text::details(outcome));
    }
    text.push_str(&format!("  report: {page}\n"));
    if outcome.grade.is_some() {
        text.push_str(&format!("  grade again: shoplab grade {journal}\n"));
    }
    Ok(text)
}

fn console(error: tui::TuiError) -> LabError {
    LabError::Console(error.to_string())
}

fn say(text: &str) {
    // A closed standard error must not end a drill.
    drop(std::io::stderr().write_all(text.as_bytes()));
}
