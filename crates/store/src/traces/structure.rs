//! Relations of spans within their tree.

use super::spans::Trace;

/// The spans of `right` that stand in `relation` to one of `left`; if `negated`, those that
/// stand so to none; in a `union`, those of `left` too that one of `right` stands so to.
pub(crate) fn related(
    trace: &Trace,
    relation: &str,
    negated: bool,
    union: bool,
    left: &[usize],
    right: &[usize],
) -> Vec<usize> {
    let holds = |l: usize, r: usize| match relation {
        ">>" => trace.is_ancestor(l, r),
        ">" => trace.is_parent(l, r),
        "<<" => trace.is_ancestor(r, l),
        "<" => trace.is_parent(r, l),
        _ => trace.are_siblings(l, r),
    };
    let mut out: Vec<usize> = right
        .iter()
        .copied()
        .filter(|r| left.iter().any(|l| holds(*l, *r)) != negated)
        .collect();
    if union {
        out.extend(
            left.iter()
                .copied()
                .filter(|l| right.iter().any(|r| holds(*l, *r))),
        );
    }
    out
}
