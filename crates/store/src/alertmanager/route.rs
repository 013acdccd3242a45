//! The routing tree: which routes an alert takes, and how each groups and times
//! (<https://prometheus.io/docs/alerting/latest/configuration/#route>).

use std::collections::BTreeSet;

use super::matcher::{all_match, show};
use crate::metrics::{Labels, Matcher};

/// One node of the tree, with what it inherits filled in.
#[derive(Debug, Clone)]
pub struct Route {
    /// The matchers from the root down to here, `{}/{severity="page"}`: part of group keys.
    pub key: String,
    /// Who is notified.
    pub receiver: String,
    /// How alerts are grouped.
    pub group_by: GroupBy,
    /// How long a new group waits for its first notification, milliseconds.
    pub group_wait: i64,
    /// How long until what is new in a group is told, milliseconds.
    pub group_interval: i64,
    /// How long until what is unchanged is told again, milliseconds.
    pub repeat_interval: i64,
    /// Names of intervals in which nothing is sent.
    pub mute: Vec<String>,
    /// Names of intervals; outside of all of them nothing is sent.
    pub active: Vec<String>,
    /// Whether later siblings are tried as well.
    pub goes_on: bool,
    /// What an alert must pass.
    pub matchers: Vec<Matcher>,
    /// Where its children are in the list of all routes.
    pub children: Vec<usize>,
}

/// Which labels tell groups apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// All of them (`...`).
    All,
    /// These.
    Labels(BTreeSet<String>),
}

impl GroupBy {
    /// The labels of the group that an alert with `labels` belongs to.
    #[must_use]
    pub fn of(&self, labels: &Labels) -> Labels {
        match self {
            Self::All => labels.clone(),
            Self::Labels(names) => labels.filtered(|name| names.contains(name)),
        }
    }
}

/// The routes that an alert takes, from left to right; `routes` is a whole tree, its root
/// first.
#[must_use]
pub(super) fn taken(routes: &[Route], labels: &Labels) -> Vec<usize> {
    let mut found = Vec::new();
    descend(routes, 0, labels, &mut found);
    found
}

/// Whether the route at `at` takes the alert.
fn descend(routes: &[Route], at: usize, labels: &Labels, found: &mut Vec<usize>) -> bool {
    let Some(route) = routes.get(at).filter(|r| all_match(&r.matchers, labels)) else {
        return false;
    };
    let before = found.len();
    for child in &route.children {
        let goes_on = routes.get(*child).is_some_and(|c| c.goes_on);
        if descend(routes, *child, labels, found) && !goes_on {
            break;
        }
    }
    if found.len() == before {
        found.push(at);
    }
    true
}

/// The key of a route below `parent`.
#[must_use]
pub(super) fn key(parent: Option<&Route>, matchers: &[Matcher]) -> String {
    match parent {
        None => show(matchers),
        Some(parent) => format!("{}/{}", parent.key, show(matchers)),
    }
}
