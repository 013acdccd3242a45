//! The shop's customers: journeys on goose, with a record of every request.
//!
//! A customer looks, thinks and comes again. Which journey comes next is drawn
//! from a seed, so the same seed gives the same load. Each request leaves a log
//! line, metrics and a trace, like any other service's; the lab reads the first
//! user-visible impact from there.

mod config;
mod customer;
mod journeys;
mod opening;
mod record;
mod serve;

use std::process::ExitCode;
use std::sync::Arc;

use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionFunction};
use goose::{GooseAttack, GooseError};
use instrument::ServiceIdentity;

pub use config::{Config, ConfigError};
pub use journeys::of_shop as journeys;

use customer::Customer;
use journeys::Journey;
use record::Recorder;

/// Why the customers could not start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Telemetry could not be set up.
    #[error("telemetry: {0}")]
    Telemetry(#[from] instrument::InitError),
    /// A metric was refused.
    #[error("metrics: {0}")]
    Metrics(#[from] instrument::MetricsError),
    /// The runtime or the metrics port failed.
    #[error("cannot serve metrics: {0}")]
    Io(#[from] std::io::Error),
    /// The client that waits for the shop could not be made.
    #[error("http client: {0}")]
    Client(#[from] reqwest::Error),
    /// Goose refused its configuration, or broke.
    #[error("goose: {0}")]
    Goose(#[from] Box<GooseError>),
}

/// Runs customers until the process is told to stop; `env` gives the
/// configuration (see [`Config::read`]).
pub fn run(env: impl Fn(&str) -> Option<String>) -> ExitCode {
    match start(env) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Telemetry may not stand yet: this line is all that logs will show.
            let line = serde_json::json!({
                "level": "error", "service": "customers", "msg": error.to_string(),
            });
            drop(std::io::Write::write_all(
                &mut std::io::stdout(),
                format!("{line}\n").as_bytes(),
            ));
            ExitCode::FAILURE
        }
    }
}

fn start(env: impl Fn(&str) -> Option<String>) -> Result<(), LoadError> {
    let config = Config::read(env)?;
    let telemetry = instrument::init(ServiceIdentity {
        service: "customers".to_owned(),
        version: String::new(),
        instance: config.address.ip().to_string(),
        otlp_endpoint: config.otlp_endpoint.clone(),
    })?;
    let recorder = Arc::new(Recorder::new(telemetry.metrics(), config.slow_after)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = runtime.block_on(async {
        let metrics = serve::bind(config.address, telemetry.metrics().clone()).await?;
        tokio::select! {
            ended = metrics.run() => ended.map_err(LoadError::Io),
            ended = visit_shop(&config, recorder) => ended,
            () = serve::told_to_stop() => Ok(()),
        }
    });
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    telemetry.shutdown();
    result
}

/// Waits until the shop is open, then sends the customers.
async fn visit_shop(config: &Config, recorder: Arc<Recorder>) -> Result<(), LoadError> {
    opening::wait(&config.target, config.shop.open).await?;
    tracing::info!(
        users = config.users,
        seed = config.seed,
        shop = config.shop.name,
        "the shop is open: customers are on their way"
    );
    attack(config, recorder).await
}

/// Goose with one scenario, the customer, whose visits are our own.
async fn attack(config: &Config, recorder: Arc<Recorder>) -> Result<(), LoadError> {
    // Goose takes a logger that is there already as it is.
    if log::set_logger(&GooseLog).is_ok() {
        log::set_max_level(log::LevelFilter::Error);
    }
    let users = config.users.to_string();
    let args = [
        "--host",
        config.target.as_str(),
        "--users",
        &users,
        "--increase-rate",
        &users,
        "--no-telnet",
        "--no-metrics",
        "--no-print-metrics",
        "-qqq",
        "--timeout",
        "10",
    ];
    let configuration = GooseConfiguration::parse_args_default(&args).map_err(Box::new)?;
    let crowd = config.crowd.as_str().into();
    let visit = visit(config.seed, crowd, config.shop.journeys, recorder);
    let scenario = Scenario::new("customer")
        .register_transaction(Transaction::new(visit))
        .set_wait_time(config.think_min, config.think_max)
        .map_err(Box::new)?;
    GooseAttack::initialize_with_config(configuration)
        .map_err(Box::new)?
        .register_scenario(scenario)
        .execute()
        .await
        .map_err(Box::new)?;
    Ok(())
}

/// What goose says goes where all else goes, one JSON object a line. It warns of
/// every request that failed, and those the customers write down themselves.
struct GooseLog;

impl log::Log for GooseLog {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() == log::Level::Error
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            tracing::error!(target: "goose", "{}", record.args());
        }
    }

    fn flush(&self) {}
}

/// One visit: the next journey of this customer, drawn from the seed.
fn visit(
    seed: u64,
    crowd: Arc<str>,
    journeys: &'static [Journey],
    recorder: Arc<Recorder>,
) -> TransactionFunction {
    Arc::new(move |user: &mut GooseUser| {
        let (crowd, recorder) = (Arc::clone(&crowd), Arc::clone(&recorder));
        Box::pin(async move {
            let mut customer = Customer::meet(user, seed, &crowd, recorder);
            let journey = customer.draw(journeys);
            customer.make(journey).await;
            Ok(())
        })
    })
}
