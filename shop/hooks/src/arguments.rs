//! What each hook is armed with, and the bounds of it.

use std::fmt::Debug;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// What a hook is armed with: an object beside `lease_ms`, of which no other field is accepted.
pub trait Arguments:
    Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// Holds the values against their bounds.
    ///
    /// # Errors
    /// The first one that is out of bounds.
    fn check(&self) -> Result<(), OutOfBounds>;
}

/// An argument is out of bounds.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("`{argument}` is {found}; expected {min} to {max}")]
pub struct OutOfBounds {
    /// The argument's name.
    pub argument: &'static str,
    /// What was given.
    pub found: f64,
    /// The smallest that is accepted.
    pub min: f64,
    /// The largest that is accepted.
    pub max: f64,
}

/// The longest delay of a request or a statement: one minute, in milliseconds.
const LONGEST_DELAY: u64 = 60_000;
/// The largest shift of a clock, either way: one day, in milliseconds.
const LARGEST_SKEW: i64 = 86_400_000;

fn within(argument: &'static str, found: f64, min: f64, max: f64) -> Result<(), OutOfBounds> {
    if (min..=max).contains(&found) {
        return Ok(());
    }
    Err(OutOfBounds {
        argument,
        found,
        min,
        max,
    })
}

fn delay_within(delay_ms: u64) -> Result<(), OutOfBounds> {
    within("delay_ms", delay_ms as f64, 1.0, LONGEST_DELAY as f64)
}

/// No arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl Arguments for Nothing {
    fn check(&self) -> Result<(), OutOfBounds> {
        Ok(())
    }
}

/// How fast memory leaks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leak {
    /// MiB that are taken and touched each second, 1 to 500.
    pub mib_per_second: u32,
}

impl Arguments for Leak {
    fn check(&self) -> Result<(), OutOfBounds> {
        within("mib_per_second", self.mib_per_second.into(), 1.0, 500.0)
    }
}

/// How much is computed for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burn {
    /// Threads that spin, 1 to 8.
    pub threads: u32,
}

impl Arguments for Burn {
    fn check(&self) -> Result<(), OutOfBounds> {
        within("threads", self.threads.into(), 1.0, 8.0)
    }
}

/// Which requests wait, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slow {
    /// How long they wait, in milliseconds, 1 to 60,000.
    pub delay_ms: u64,
    /// How many of them wait; 1.0 is all.
    pub share: f64,
}

impl Slow {
    /// How long they wait.
    pub fn delay(self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

impl Arguments for Slow {
    fn check(&self) -> Result<(), OutOfBounds> {
        delay_within(self.delay_ms)?;
        within("share", self.share, 0.0, 1.0)
    }
}

/// Which requests fail.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Errors {
    /// How many of them fail; 1.0 is all.
    pub share: f64,
}

impl Arguments for Errors {
    fn check(&self) -> Result<(), OutOfBounds> {
        within("share", self.share, 0.0, 1.0)
    }
}

/// How much longer a statement takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// In milliseconds, 1 to 60,000.
    pub delay_ms: u64,
}

impl Delay {
    /// The same as a duration.
    pub fn duration(self) -> Duration {
        Duration::from_millis(self.delay_ms)
    }
}

impl Arguments for Delay {
    fn check(&self) -> Result<(), OutOfBounds> {
        delay_within(self.delay_ms)
    }
}

/// How wrong a clock is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Milliseconds that it is ahead; negative when it is behind. At most a day either way.
    pub skew_ms: i64,
}

impl Arguments for Clock {
    fn check(&self) -> Result<(), OutOfBounds> {
        let most = LARGEST_SKEW as f64;
        within("skew_ms", self.skew_ms as f64, -most, most)
    }
}
