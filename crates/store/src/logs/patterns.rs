//! Finds the patterns of lines: what stays the same in many of them, with `<_>` for the rest.
//!
//! Sources: <https://grafana.com/docs/loki/latest/reference/loki-http-api/#patterns-detection>;
//! the method is Drain (He et al., "Drain: An Online Log Parsing Approach with Fixed Depth
//! Tree", ICWS 2017), with the figures that Loki uses.

mod tokens;

use std::collections::{BTreeMap, HashMap};

use self::tokens::{PARAM, Shape, Tokens};
use super::eval::{EvalError, Run};
use super::logql::Matcher;

/// Patterns are counted in steps of ten seconds at least, in nanoseconds.
pub(crate) const RESOLUTION: i64 = 10_000_000_000;

/// Nodes between the root and the patterns.
const DEPTH: usize = 28;
/// Children of a node, beyond which all others share one.
const MAX_CHILDREN: usize = 15;
/// The share of equal words from which on two lines are of one pattern.
const SIMILAR: f64 = 0.3;
/// Patterns that are kept for one level and stream.
const MAX_CLUSTERS: usize = 300;

/// A pattern and how often it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Such as `GET <_> took <_>`.
    pub text: String,
    /// The level of its lines.
    pub level: String,
    /// Times (nanoseconds, each the start of a step) and counts.
    pub samples: Vec<(i64, u64)>,
}

/// The patterns of the lines within `start <= ts < end` of the matching streams, the most
/// frequent first.
///
/// # Errors
/// What ends a [`Run`].
pub(crate) fn find(
    run: &Run<'_>,
    matchers: &[Matcher],
    (start, end): (i64, i64),
    step: i64,
) -> Result<Vec<Found>, EvalError> {
    let mut sums: HashMap<(String, String), BTreeMap<i64, u64>> = HashMap::new();
    for stream in run.chunks(matchers, start, end)? {
        let mut drains: HashMap<(String, Shape), Drain> = HashMap::new();
        for chunk in &stream.chunks {
            let levels: Vec<String> = (0..chunk.set_count() as u32)
                .map(|set| {
                    chunk
                        .metadata(set)
                        .find(|(name, _)| *name == "detected_level")
                        .map_or_else(|| "unknown".to_owned(), |(_, level)| level.to_owned())
                })
                .collect();
            for at in chunk.range(start, end) {
                let held = chunk.line(at);
                run.read(chunk, &held)?;
                let shape = Shape::of(held.line);
                if let Some(tokens) = shape.split(held.line) {
                    let level = levels[held.set as usize].clone();
                    let slot = held.ts.div_euclid(step) * step;
                    drains.entry((level, shape)).or_default().add(tokens, slot);
                }
            }
        }
        for ((level, _), drain) in drains {
            for cluster in drain.clusters {
                let sum = sums
                    .entry((cluster.tokens.join(), level.clone()))
                    .or_default();
                for (slot, count) in cluster.counts {
                    *sum.entry(slot).or_default() += count;
                }
            }
        }
    }
    let mut out: Vec<Found> = sums
        .into_iter()
        .filter(|((text, _), _)| !text.is_empty())
        .map(|((text, level), counts)| Found {
            text,
            level,
            samples: counts.into_iter().collect(),
        })
        .collect();
    let total = |found: &Found| found.samples.iter().map(|(_, n)| n).sum::<u64>();
    out.sort_by(|a, b| total(b).cmp(&total(a)).then_with(|| a.text.cmp(&b.text)));
    Ok(out)
}

/// Patterns by the number of their words and by their first words.
#[derive(Debug, Default)]
struct Drain {
    roots: HashMap<usize, Node>,
    clusters: Vec<Cluster>,
}

#[derive(Debug, Default)]
struct Node {
    children: HashMap<String, Node>,
    clusters: Vec<usize>,
}

#[derive(Debug)]
struct Cluster {
    tokens: Tokens,
    counts: BTreeMap<i64, u64>,
}

impl Drain {
    fn add(&mut self, tokens: Tokens, slot: i64) {
        let at = match self.best(&tokens.words) {
            Some(at) => {
                for (known, word) in self.clusters[at].tokens.words.iter_mut().zip(&tokens.words) {
                    if known != word {
                        PARAM.clone_into(known);
                    }
                }
                at
            }
            None if self.clusters.len() >= MAX_CLUSTERS => return,
            None => {
                let at = self.clusters.len();
                self.plant(&tokens.words, at);
                self.clusters.push(Cluster {
                    tokens,
                    counts: BTreeMap::new(),
                });
                at
            }
        };
        *self.clusters[at].counts.entry(slot).or_default() += 1;
    }

    /// The pattern that is most like `words`, if one is like them enough.
    fn best(&self, words: &[String]) -> Option<usize> {
        let mut node = self.roots.get(&words.len())?;
        for word in words.iter().take(path(words)) {
            node = node
                .children
                .get(word)
                .or_else(|| node.children.get(PARAM))?;
        }
        let mut best: Option<(f64, usize, usize)> = None;
        for &at in &node.clusters {
            let known = &self.clusters[at].tokens.words;
            let equal = known.iter().zip(words).filter(|(a, b)| a == b).count();
            let params = known.iter().filter(|word| *word == PARAM).count();
            let similar = equal as f64 / words.len() as f64;
            if best.is_none_or(|(s, p, _)| similar > s || (similar == s && params > p)) {
                best = Some((similar, params, at));
            }
        }
        best.filter(|(similar, ..)| *similar >= SIMILAR)
            .map(|(.., at)| at)
    }

    fn plant(&mut self, words: &[String], at: usize) {
        let mut node = self.roots.entry(words.len()).or_default();
        for word in words.iter().take(path(words)) {
            let known = node.children.contains_key(word);
            let full = node.children.len() + 1 >= MAX_CHILDREN;
            let variable = word.chars().any(char::is_numeric);
            let key = if !known && (variable || full) {
                PARAM
            } else {
                word
            };
            node = node.children.entry(key.to_owned()).or_default();
        }
        node.clusters.push(at);
    }
}

/// How many words lead to a pattern; the last does not.
fn path(words: &[String]) -> usize {
    words.len().saturating_sub(1).min(DEPTH - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(lines: &[&str]) -> Vec<String> {
        let mut drain = Drain::default();
        for line in lines {
            if let Some(tokens) = Shape::of(line).split(line) {
                drain.add(tokens, 0);
            }
        }
        drain.clusters.iter().map(|c| c.tokens.join()).collect()
    }

    #[test]
    fn what_differs_between_lines_is_left_open() {
        for (lines, wanted) in [
            (
                vec![
                    "Order a1 payment successful, status updated to PAID",
                    "Order b2 payment successful, status updated to PAID",
                ],
                vec!["Order <_> payment successful, status updated to PAID"],
            ),
            (
                vec![
                    "caller=a.go:1 method=List took=5ms",
                    "caller=a.go:2 method=List took=7ms",
                ],
                vec!["caller=<_> method=List took=<_>"],
            ),
            (
                vec![
                    r#"{"level":"info","msg":"got 12 items in cart"}"#,
                    r#"{"level":"info","msg":"got 7 items in cart"}"#,
                ],
                vec!["<_>got <_> items in cart<_>"],
            ),
            (vec!["too short"], vec![]),
            (
                vec!["the first of these lines", "another line with five words"],
                vec!["the first of these lines", "another line with five words"],
            ),
        ] {
            assert_eq!(patterns(&lines), wanted);
        }
    }
}
