//! The edges of the map as a tree.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Edge, OwnCalls, Row};

/// The edges as a tree from the customers to the stores. Whoever is called from several
/// places has its own calls drawn at the one that is nearest to the top.
pub(super) fn rows(edges: &[Edge]) -> Vec<Row> {
    let callers = edges.iter().map(|edge| edge.caller.as_str());
    let callees = edges.iter().filter(|edge| edge.caller != edge.callee);
    let called: BTreeSet<&str> = callees.map(|edge| edge.callee.as_str()).collect();
    let uncalled: BTreeSet<&str> = callers.clone().filter(|c| !called.contains(c)).collect();
    let mut tree = Tree {
        edges,
        homes: BTreeMap::new(),
        rows: Vec::new(),
    };
    // First those whom nobody calls; then whoever is left calls in a circle.
    let tops: Vec<&str> = uncalled
        .into_iter()
        .chain(callers)
        .filter(|top| tree.settle(top))
        .collect();
    for top in tops {
        tree.rows.push(Row {
            branch: String::new(),
            service: top.to_owned(),
            edge: None,
            own: OwnCalls::Here,
        });
        tree.draw(top, "");
    }
    tree.rows
}

struct Tree<'a> {
    edges: &'a [Edge],
    /// The edge at which a service's own calls are drawn; none for a top.
    homes: BTreeMap<&'a str, Option<usize>>,
    rows: Vec<Row>,
}

impl<'a> Tree<'a> {
    fn from(&self, caller: &str) -> Vec<(usize, &'a Edge)> {
        let edges = self.edges.iter().enumerate();
        edges.filter(|(_, edge)| edge.caller == caller).collect()
    }

    /// Gives a home to `top` and whoever is reached from it, level by level; tells whether
    /// `top` had none yet.
    fn settle(&mut self, top: &'a str) -> bool {
        if self.homes.contains_key(top) {
            return false;
        }
        self.homes.insert(top, None);
        let mut next = VecDeque::from([top]);
        while let Some(caller) = next.pop_front() {
            for (index, edge) in self.from(caller) {
                let callee = edge.callee.as_str();
                if !self.homes.contains_key(callee) {
                    self.homes.insert(callee, Some(index));
                    next.push_back(callee);
                }
            }
        }
        true
    }

    fn draw(&mut self, caller: &str, branch: &str) {
        let edges = self.from(caller);
        let last = edges.len().saturating_sub(1);
        for (place, (index, edge)) in edges.into_iter().enumerate() {
            let (fork, below) = if place == last {
                ("└ ", "  ")
            } else {
                ("├ ", "│ ")
            };
            let callee = edge.callee.as_str();
            let is_home = self.homes.get(callee) == Some(&Some(index));
            let own = if is_home || self.from(callee).is_empty() {
                OwnCalls::Here
            } else {
                OwnCalls::Elsewhere
            };
            self.rows.push(Row {
                branch: format!("{branch}{fork}"),
                service: callee.to_owned(),
                edge: Some(index),
                own,
            });
            if is_home {
                self.draw(callee, &format!("{branch}{below}"));
            }
        }
    }
}
