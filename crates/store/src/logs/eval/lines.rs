//! Log queries: lines through a pipeline, in order of time over all streams.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::Range;

use super::{EvalError, Run};
use crate::logs::labels::Labels;
use crate::logs::logql::LogExpr;
use crate::logs::pipeline::{Hints, Origin, Pipeline, Work};
use crate::logs::storage::chunk::Chunk;

/// A line that a query gives.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Nanoseconds since the epoch.
    pub ts: i64,
    /// The line after the pipeline.
    pub line: String,
    /// All labels.
    pub labels: Labels,
    /// The stream's labels that are left, structured metadata, parsed labels.
    pub parts: [Labels; 3],
}

/// Newest or oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

/// The lines of a log query within `start <= ts < end`, at most `limit`; `interval` leaves out
/// lines that come sooner than that after the last one of the answer.
///
/// # Errors
/// What ends a [`Run`].
pub(crate) fn lines(
    run: &Run<'_>,
    log: &LogExpr,
    bounds: (i64, i64),
    direction: Direction,
    limit: usize,
    interval: i64,
) -> Result<Vec<Row>, EvalError> {
    run.check()?;
    let streams = run.chunks(&log.matchers, bounds.0, bounds.1)?;
    let pipeline = Pipeline::new(&log.stages);
    let hints = Hints::default();
    let runs: Vec<Chain<'_>> = streams
        .iter()
        .flat_map(|stream| {
            stream.chunks.iter().map(|chunk| Chain {
                labels: &stream.labels,
                chunk,
                left: chunk.range(bounds.0, bounds.1),
            })
        })
        .collect();
    let mut merged = Merged::new(runs, direction);
    let mut out = Vec::new();
    let mut last: Option<i64> = None;
    while out.len() < limit
        && let Some((labels, chunk, at)) = merged.next()
    {
        let held = chunk.line(at);
        run.read(chunk, &held)?;
        if !pipeline.leads(held.line) {
            continue;
        }
        let mut work = Work::new(labels, chunk.metadata(held.set), held.ts, held.line);
        if !pipeline.run(&mut work, &hints) {
            continue;
        }
        run.keep();
        if interval > 0 && last.is_some_and(|last| (held.ts - last).abs() < interval) {
            continue;
        }
        last = Some(held.ts);
        out.push(Row {
            ts: held.ts,
            labels: work.result(),
            parts: [Origin::Stream, Origin::Metadata, Origin::Parsed].map(|o| work.of(o)),
            line: work.line.into_owned(),
        });
    }
    Ok(out)
}

/// The lines of one chunk that are still to come.
struct Chain<'c> {
    labels: &'c Labels,
    chunk: &'c Chunk,
    left: Range<usize>,
}

/// Chunks side by side: always the line that is next in time; of equal times the streams in
/// their order.
struct Merged<'c> {
    chains: Vec<Chain<'c>>,
    direction: Direction,
    forward: BinaryHeap<Reverse<(i64, usize)>>,
    backward: BinaryHeap<(i64, usize)>,
}

impl<'c> Merged<'c> {
    fn new(chains: Vec<Chain<'c>>, direction: Direction) -> Self {
        let mut merged = Self {
            direction,
            forward: BinaryHeap::new(),
            backward: BinaryHeap::new(),
            chains,
        };
        for at in 0..merged.chains.len() {
            merged.offer(at);
        }
        merged
    }

    fn offer(&mut self, chain: usize) {
        let Chain { chunk, left, .. } = &self.chains[chain];
        if left.is_empty() {
            return;
        }
        match self.direction {
            Direction::Forward => {
                let ts = chunk.line(left.start).ts;
                self.forward.push(Reverse((ts, chain)));
            }
            Direction::Backward => {
                let ts = chunk.line(left.end - 1).ts;
                self.backward.push((ts, chain));
            }
        }
    }

    fn next(&mut self) -> Option<(&'c Labels, &'c Chunk, usize)> {
        let at = match self.direction {
            Direction::Forward => self.forward.pop()?.0.1,
            Direction::Backward => self.backward.pop()?.1,
        };
        let chain = &mut self.chains[at];
        let line = match self.direction {
            Direction::Forward => chain.left.next()?,
            Direction::Backward => chain.left.next_back()?,
        };
        let (labels, chunk) = (chain.labels, chain.chunk);
        self.offer(at);
        Some((labels, chunk, line))
    }
}
