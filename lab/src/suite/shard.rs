//! A part of a suite, so that several machines share it.

use std::fmt;
use std::str::FromStr;

use model::Scenario;

/// The `number`th of `of` parts, from 1. Scenarios are dealt out in the order
/// of their names, one after another: every machine that has the same files
/// deals alike, the parts differ by one scenario at most, and all drills of a
/// scenario stay together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    number: usize,
    of: usize,
}

impl Shard {
    /// This part of `scenarios`.
    pub(crate) fn of(self, mut scenarios: Vec<Scenario>) -> Vec<Scenario> {
        scenarios.sort_by(|a, b| a.name.cmp(&b.name));
        let dealt = scenarios.into_iter().enumerate();
        dealt
            .filter(|(index, _)| index % self.of + 1 == self.number)
            .map(|(_, scenario)| scenario)
            .collect()
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let parsed = parts.and_then(|(number, of)| {
            Some(Self {
                number: number.parse().ok()?,
                of: of.parse().ok()?,
            })
        });
        parsed
            .filter(|shard| (1..=shard.of).contains(&shard.number))
            .ok_or_else(|| "expected a part such as `2/3`: the second of three".to_owned())
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Assets;
    use crate::{select, vocabulary};

    #[test]
    fn the_parts_together_are_the_whole_and_nothing_twice() {
        let assets = Assets::default();
        let vocabulary = vocabulary::read(&assets).expect("built in");
        let all = select::all(&assets, &vocabulary).expect("built in");
        let mut names: Vec<String> = Vec::new();
        let mut sizes = Vec::new();
        for part in ["1/3", "2/3", "3/3"] {
            let shard: Shard = part.parse().expect(part);
            let dealt = shard.of(all.clone());
            sizes.push(dealt.len());
            names.extend(dealt.into_iter().map(|scenario| scenario.name));
        }
        names.sort();
        let mut whole: Vec<String> = all.into_iter().map(|scenario| scenario.name).collect();
        whole.sort();
        assert_eq!(names, whole);
        assert!(sizes.iter().max() <= sizes.iter().min().map(|min| min + 1).as_ref());
    }

    #[test]
    fn a_part_that_is_none_is_refused() {
        for text in ["", "1", "0/3", "4/3", "a/b", "1/0"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
