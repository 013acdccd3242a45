//! `clock`: a clock that is wrong.

use std::sync::Arc;

use crate::arguments::Clock;
use crate::hook::Hook;

/// `clock`: while it is armed the clock behind `set` is wrong by so many milliseconds; then
/// `set` is given 0.
pub fn clock(set: impl Fn(i64) + Send + Sync + 'static) -> Hook<Clock> {
    let set: Arc<Set> = Arc::new(set);
    Hook::with_effect("clock", move |clock: Clock| {
        set(clock.skew_ms);
        let skewed = Skewed(set.clone());
        async move {
            let _skewed = skewed;
            std::future::pending::<()>().await;
        }
    })
}

type Set = dyn Fn(i64) + Send + Sync;

struct Skewed(Arc<Set>);

impl Drop for Skewed {
    fn drop(&mut self) {
        (self.0)(0);
    }
}
