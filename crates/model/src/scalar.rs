//! Authored scalars: lengths of time, shares, and points in time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why an authored scalar was not understood; says the accepted form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is not {expected}")]
pub struct ParseScalarError {
    /// The text that was found.
    pub found: String,
    /// The form that is accepted, with an example.
    pub expected: &'static str,
}

/// A length of time, written as `250ms`, `20s`, `3m`, `1h` or `1m30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

impl Period {
    /// Nothing.
    pub const ZERO: Self = Self(Duration::ZERO);

    /// A period of whole milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }

    /// A period of whole seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// The period as the standard library's type.
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// Whole milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0.as_millis() as u64
    }

    /// Seconds with their fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0.as_secs_f64()
    }
}

impl From<Duration> for Period {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.as_millis();
        if rest == 0 {
            return f.pad("0s");
        }
        let mut text = String::new();
        for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            if rest >= size {
                text.push_str(&format!("{}{unit}", rest / size));
                rest %= size;
            }
        }
        f.pad(&text)
    }
}

impl FromStr for Period {
    type Err = ParseScalarError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseScalarError {
            found: text.to_owned(),
            expected: "a length of time such as `250ms`, `20s`, `3m` or `1m30s`",
        };
        let mut rest = text;
        let mut total = 0_f64;
        if rest.is_empty() {
            return Err(error());
        }
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .ok_or_else(error)?;
            let number: f64 = rest[..digits].parse().map_err(|_| error())?;
            rest = &rest[digits..];
            let letters = rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            let millis = match &rest[..letters] {
                "ms" => 1.0,
                "s" => 1_000.0,
                "m" => 60_000.0,
                "h" => 3_600_000.0,
                _ => return Err(error()),
            };
            total += number * millis;
            rest = &rest[letters..];
        }
        if total > 1e13 {
            return Err(error());
        }
        Ok(Self::from_millis(total.round() as u64))
    }
}

/// A share between nothing and everything, written as `50%` or `0.5`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Ratio(f64);

impl Ratio {
    /// A share of `value`, where 1.0 is everything; `None` outside 0..=1.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// The share, where 1.0 is everything.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = (self.0 * 1e8).round() / 1e6;
        f.pad(&format!("{percent}%"))
    }
}

impl FromStr for Ratio {
    type Err = ParseScalarError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = match text.strip_suffix('%') {
            Some(percent) => percent.trim().parse::<f64>().map(|p| p / 100.0),
            None => text.trim().parse::<f64>(),
        };
        number
            .ok()
            .and_then(Self::new)
            .ok_or_else(|| ParseScalarError {
                found: text.to_owned(),
                expected: "a share such as `50%`, between 0% and 100%",
            })
    }
}

/// A point in time: milliseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The point `millis` milliseconds after the Unix epoch.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Seconds since the Unix epoch, with their fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1_000.0
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub const fn since(self, earlier: Self) -> Period {
        Period::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The point `period` later.
    pub const fn plus(self, period: Period) -> Self {
        Self(self.0.saturating_add(period.as_millis()))
    }

    /// The point `period` earlier.
    pub const fn minus(self, period: Period) -> Self {
        Self(self.0.saturating_sub(period.as_millis()))
    }
}

macro_rules! as_text {
    ($type:ident) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(de::Error::custom)
            }
        }
    };
}

as_text!(Period);
as_text!(Ratio);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_read_and_written_in_its_shortest_form() {
        for (text, millis, shown) in [
            ("250ms", 250, "250ms"),
            ("20s", 20_000, "20s"),
            ("90s", 90_000, "1m30s"),
            ("1m30s", 90_000, "1m30s"),
            ("1.5s", 1_500, "1s500ms"),
            ("2h", 7_200_000, "2h"),
            ("0s", 0, "0s"),
        ] {
            let period: Period = text.parse().expect(text);
            assert_eq!(period.as_millis(), millis, "{text}");
            assert_eq!(period.to_string(), shown, "{text}");
        }
    }

    #[test]
    fn a_period_without_a_known_unit_is_refused_with_the_accepted_form() {
        for text in ["", "20", "s", "20 s", "5d", "-3s", "1..2s"] {
            let error = text.parse::<Period>().expect_err(text);
            assert!(error.to_string().contains("`20s`"), "{error}");
        }
    }

    #[test]
    fn a_ratio_is_a_percentage_or_a_fraction_within_bounds() {
        assert_eq!("50%".parse::<Ratio>().map(Ratio::value), Ok(0.5));
        assert_eq!("0.25".parse::<Ratio>().map(Ratio::value), Ok(0.25));
        assert_eq!(
            Ratio::new(0.999).map(|r| r.to_string()).as_deref(),
            Some("99.9%")
        );
        for text in ["101%", "-1%", "half", ""] {
            assert!(text.parse::<Ratio>().is_err(), "{text}");
        }
    }
}
