//! The tree that the spans of a trace are, as nested sets number it, and what follows of it.
//!
//! Source: <https://en.wikipedia.org/wiki/Nested_set_model>; which spans are outside of the tree
//! is as Tempo has it: those whose parents are missing.

use std::collections::{HashMap, HashSet};

use super::spans::{Span, SpanId};
use super::traceql::{Form, Relation};

/// Where a span stands in its tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Nested set's left number; 0 outside of the tree.
    pub(crate) left: i32,
    /// Nested set's right number.
    pub(crate) right: i32,
    /// The parent's left number; -1 for a root, 0 outside of the tree.
    pub(crate) parent: i32,
    /// How many children.
    pub(crate) children: i32,
}

/// The places of all spans of a trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree(Vec<Place>);

impl Tree {
    /// Numbers the spans of a trace.
    pub(crate) fn of(spans: &[Span]) -> Self {
        let ids: HashMap<SpanId, usize> = (0..).zip(spans).map(|(at, s)| (s.id, at)).collect();
        let mut places = vec![Place::default(); spans.len()];
        // The first child of each span, and the next of each child, from the last to the first.
        let mut first = vec![usize::MAX; spans.len()];
        let mut next = vec![usize::MAX; spans.len()];
        for (at, span) in spans.iter().enumerate().rev() {
            if span.is_root() {
                continue;
            }
            if let Some(&parent) = ids.get(&span.parent).filter(|parent| **parent != at) {
                next[at] = first[parent];
                first[parent] = at;
                places[parent].children += 1;
            }
        }
        let mut number = 1;
        for root in (0..spans.len()).filter(|at| spans[*at].is_root()) {
            places[root].parent = -1;
            number_from(root, &first, &next, &mut places, &mut number);
        }
        Self(places)
    }

    /// Where a span stands.
    pub(crate) fn place(&self, at: usize) -> Place {
        self.0[at]
    }

    /// The spans of `right` that stand so to one of `left`; if negated, those that stand so to
    /// none; in a union, those of `left` too that one of `right` stands so to.
    pub(crate) fn related(
        &self,
        relation: Relation,
        form: Form,
        left: &[usize],
        right: &[usize],
    ) -> Vec<usize> {
        let given = Given::new(self, relation, left);
        let wanted = form != Form::Negated;
        let mut out: Vec<usize> = right.to_vec();
        out.retain(|at| given.holds_for(self, *at) == wanted);
        if form == Form::Union {
            let given = Given::new(self, inverse(relation), right);
            out.extend(left.iter().filter(|at| given.holds_for(self, **at)));
            out.sort_unstable();
            out.dedup();
        }
        out
    }
}

const fn inverse(relation: Relation) -> Relation {
    match relation {
        Relation::Descendant => Relation::Ancestor,
        Relation::Ancestor => Relation::Descendant,
        Relation::Child => Relation::Parent,
        Relation::Parent => Relation::Child,
        Relation::Sibling => Relation::Sibling,
    }
}

/// The left side of a relation, made ready for many questions.
enum Given {
    /// Their left numbers in order, with the greatest right number so far.
    Ancestors(Vec<(i32, i32)>),
    /// Their left numbers in order.
    Descendants(Vec<i32>),
    /// Their left numbers.
    Parents(HashSet<i32>),
    /// Their parents' numbers.
    Children(HashSet<i32>),
    /// How many there are of each parent, and which they are.
    Siblings(HashMap<i32, usize>, HashSet<usize>),
}

impl Given {
    fn new(tree: &Tree, relation: Relation, spans: &[usize]) -> Self {
        let places = || spans.iter().map(|at| tree.0[*at]).filter(|p| p.left != 0);
        match relation {
            Relation::Descendant => {
                let mut sorted: Vec<(i32, i32)> = places().map(|p| (p.left, p.right)).collect();
                sorted.sort_unstable();
                let mut greatest = 0;
                for (_, right) in &mut sorted {
                    greatest = greatest.max(*right);
                    *right = greatest;
                }
                Self::Ancestors(sorted)
            }
            Relation::Ancestor => {
                let mut sorted: Vec<i32> = places().map(|p| p.left).collect();
                sorted.sort_unstable();
                Self::Descendants(sorted)
            }
            Relation::Child => Self::Parents(places().map(|p| p.left).collect()),
            Relation::Parent => Self::Children(places().map(|p| p.parent).collect()),
            Relation::Sibling => {
                let mut counts = HashMap::new();
                for place in places() {
                    *counts.entry(place.parent).or_default() += 1;
                }
                Self::Siblings(counts, spans.iter().copied().collect())
            }
        }
    }

    /// Whether one of the given spans stands so to this one.
    fn holds_for(&self, tree: &Tree, at: usize) -> bool {
        let place = tree.0[at];
        if place.left == 0 {
            return false;
        }
        match self {
            Self::Ancestors(sorted) => {
                let before = sorted.partition_point(|(left, _)| *left < place.left);
                before > 0 && sorted[before - 1].1 > place.right
            }
            Self::Descendants(sorted) => {
                let after = sorted.partition_point(|left| *left <= place.left);
                sorted.get(after).is_some_and(|left| *left < place.right)
            }
            Self::Parents(lefts) => lefts.contains(&place.parent),
            Self::Children(parents) => parents.contains(&place.left),
            Self::Siblings(counts, spans) => {
                let own = usize::from(spans.contains(&at));
                counts.get(&place.parent).is_some_and(|count| *count > own)
            }
        }
    }
}

/// Numbers a tree without recursion, so that a deep one cannot overflow the stack.
fn number_from(
    root: usize,
    first: &[usize],
    next: &[usize],
    places: &mut [Place],
    number: &mut i32,
) {
    let mut stack = vec![(root, first[root])];
    places[root].left = *number;
    *number += 1;
    while let Some((at, child)) = stack.pop() {
        if child == usize::MAX {
            places[at].right = *number;
            *number += 1;
            continue;
        }
        stack.push((at, next[child]));
        if places[child].left == 0 {
            places[child].left = *number;
            places[child].parent = places[at].left;
            *number += 1;
            stack.push((child, first[child]));
        }
    }
}
