//! `shoplab up`: a shop under load, to look at and to play with.

use std::io::Write;
use std::time::{Duration, Instant};

use engine::ClusterView;
use model::{Load, LoadShape};
use store::Ports;
use tokio_util::sync::CancellationToken;

use crate::assets::Assets;
use crate::cli::Up;
use crate::error::LabError;
use crate::exit::Exit;
use crate::platform::{Platform, StateDir, Wanted};
use crate::signals;

/// How long the shop may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Brings a shop up and keeps it until a signal comes.
pub(crate) fn up(args: Up) -> Result<(String, Exit), LabError> {
    let assets = Assets::new(args.places.assets.clone())?;
    let runtime = signals::runtime()?;
    runtime.block_on(async {
        let began = Instant::now();
        let cancel = CancellationToken::new();
        let signals = signals::listen(cancel.clone())?;
        let wanted = Wanted {
            shop: args.shop.clone(),
            load: Load {
                shape: LoadShape::Steady,
                users: args.users,
            },
            seed: args.seed,
            ports: Ports::default(),
        };
        let state = StateDir::create(args.places.state.as_deref())?;
        let platform = Platform::start(&wanted, &assets, state).await?;
        let result = tokio::select! {
            ready = ready(&platform, &args.shop) => match ready {
                Ok(()) => {
                    announce(&platform, &args.shop, began.elapsed());
                    cancel.cancelled().await;
                    Ok(Exit::Passed)
                }
                Err(error) => Err(error),
            },
            () = cancel.cancelled() => Ok(Exit::Interrupted),
        };
        platform.stop().await;
        signals.abort();
        result.map(|exit| (String::new(), exit))
    })
}

/// Waits until every Deployment of `shop` is available.
pub(crate) async fn ready(platform: &Platform, shop: &str) -> Result<(), LabError> {
    let view = ClusterView::connect(platform.kubeconfig_responder(), shop).await?;
    let began = Instant::now();
    loop {
        let rows = view.deployments().await?;
        let late: Vec<&str> = rows
            .iter()
            .filter(|row| row.available < row.wanted)
            .map(|row| row.name.as_str())
            .collect();
        if late.is_empty() && !rows.is_empty() {
            return Ok(());
        }
        if began.elapsed() > READY_WITHIN {
            return Err(LabError::Platform(format!(
                "{} did not become ready within {} s; their logs say why",
                late.join(", "),
                READY_WITHIN.as_secs()
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn announce(platform: &Platform, shop: &str, took: Duration) {
    let mut text = format!("{shop} is ready after {:.1} s\n", took.as_secs_f64());
    for (label, address) in platform.addresses(shop) {
        text.push_str(&format!("  {label:8} {address}\n"));
    }
    text.push_str("Ctrl-C ends it.\n");
    // A closed standard output must not end the lab.
    drop(std::io::stdout().write_all(text.as_bytes()));
}
