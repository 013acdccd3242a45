//! A bounded undo that is read back.

use std::time::Duration;

use model::Undone;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use crate::kind::Injector;
use crate::world::World;

/// How long to wait before what failed is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// How an undo went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoReport {
    /// How the injection ended.
    pub how: Undone,
    /// Whether the world was read back and found free of it.
    pub verified: bool,
    /// What was done or what is wrong, in one sentence.
    pub detail: String,
}

/// Undoes, again and again until it works, and reads back until the world is
/// free of it; gives up after `limit`.
pub(crate) async fn undo_within(
    limit: Duration,
    injector: &dyn Injector,
    world: &World,
    plan: &Value,
) -> UndoReport {
    let mut how = None;
    let mut problem = String::from("the cluster did not answer");
    let all = async {
        loop {
            match injector.undo(world, plan).await {
                Ok(end) => {
                    // Undoing again finds nothing; the first time tells how it was.
                    how.get_or_insert(end);
                    match injector.verify(world, plan).await {
                        Ok(true) => return,
                        Ok(false) => "it is still there".clone_into(&mut problem),
                        Err(error) => problem = error.to_string(),
                    }
                }
                Err(error) => problem = error.to_string(),
            }
            sleep(PAUSE).await;
        }
    };
    let in_time = timeout(limit, all).await.is_ok();
    let how = how.unwrap_or(Undone::Failed);
    if in_time {
        return UndoReport {
            how,
            verified: true,
            detail: told(how).to_owned(),
        };
    }
    UndoReport {
        how,
        verified: false,
        detail: format!("not verified within {} s: {problem}", limit.as_secs_f64()),
    }
}

const fn told(how: Undone) -> &'static str {
    match how {
        Undone::Reverted => "what was broken was put back, and read back",
        Undone::TargetGone => "what was broken is no longer there",
        Undone::LeaseExpired => "its lease had run out before, and nothing of it is left",
        Undone::Failed => "it could not be undone",
    }
}
