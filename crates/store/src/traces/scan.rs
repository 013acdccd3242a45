//! Many traces at once, on several threads.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

/// From how many traces on several threads look at them, and how many at most.
const MANY: usize = 2_000;
const MAX_THREADS: usize = 8;

/// So many traces are looked at between two looks at the clock.
pub(crate) const CHUNK: usize = 256;

/// How many threads so many traces are worth.
pub(crate) fn threads(traces: usize) -> usize {
    if traces < MANY {
        return 1;
    }
    let there = thread::available_parallelism().map_or(1, NonZero::get);
    there.min(MAX_THREADS)
}

/// Runs `work` over `parts` parts, each on its own thread; what it gives comes in their order.
pub(crate) fn in_parts<T: Sync, R: Send>(
    items: &[T],
    parts: usize,
    work: impl Fn(&[T]) -> R + Sync,
) -> Vec<R> {
    let each = items.len().div_ceil(parts.max(1)).max(1);
    let mut chunks = items.chunks(each);
    let first = chunks.next().unwrap_or(&[]);
    thread::scope(|scope| {
        let work = &work;
        let others: Vec<_> = chunks
            .map(|chunk| scope.spawn(move || work(chunk)))
            .collect();
        let mut out = vec![work(first)];
        for other in others {
            out.push(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_in_order_and_nothing_is_one_part() {
        let items: Vec<usize> = (0..10).collect();
        for (count, parts, wanted) in [
            (10, 3, vec![6, 22, 17]),
            (2, 3, vec![0, 1]),
            (0, 2, vec![0]),
        ] {
            let sums = in_parts(&items[..count], parts, |part| part.iter().sum::<usize>());
            assert_eq!(sums, wanted);
        }
    }
}
