//! `chatter`: lines that frighten and mean nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::arguments::Nothing;
use crate::hook::Hook;

/// How long it is silent between two lines.
const EVERY: Duration = Duration::from_secs(5);

/// `chatter`: while it is armed one of `lines` is said every five seconds, in their order,
/// again and again.
pub fn chatter(
    lines: &'static [&'static str],
    say: impl Fn(&str) + Send + Sync + 'static,
) -> Hook<Nothing> {
    let say = Arc::new(say);
    Hook::with_effect("chatter", move |_: Nothing| {
        let say = say.clone();
        async move {
            let mut next = interval(EVERY);
            next.set_missed_tick_behavior(MissedTickBehavior::Delay);
            for line in lines.iter().cycle() {
                next.tick().await;
                say(line);
            }
        }
    })
}
