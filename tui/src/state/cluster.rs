//! The cluster screen: what is listed, in which order, and the page that is open.

mod listed;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::page::{Page, Source};
use crate::message::Snapshot;
pub(crate) use listed::{Listed, RowStanding};

/// What is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    #[default]
    Pods,
    Deployments,
    Services,
    Events,
}

impl Tab {
    pub(crate) const ALL: [Self; 4] = [Self::Pods, Self::Deployments, Self::Services, Self::Events];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Deployments => "deployments",
            Self::Services => "services",
            Self::Events => "events",
        }
    }

    fn turn(self, step: isize) -> Self {
        let at = Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0) as isize;
        Self::ALL[(at + step).rem_euclid(Self::ALL.len() as isize) as usize]
    }

    /// The orders that make sense for it, the usual one first.
    fn sorts(self) -> &'static [Sort] {
        match self {
            Self::Pods => &[
                Sort::Name,
                Sort::Age,
                Sort::Restarts,
                Sort::Cpu,
                Sort::Memory,
            ],
            Self::Deployments | Self::Services => &[Sort::Name, Sort::Age],
            Self::Events => &[Sort::Age, Sort::Name],
        }
    }
}

/// The order of rows: by name, or what is youngest or largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Name,
    Age,
    Restarts,
    Cpu,
    Memory,
}

impl Sort {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Age => "age",
            Self::Restarts => "restarts",
            Self::Cpu => "CPU",
            Self::Memory => "memory",
        }
    }
}

/// The Deployment whose pods alone are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) name: String,
    pub(crate) selector: BTreeMap<String, String>,
}

/// The cluster screen.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterPane {
    pub(crate) tab: Tab,
    pub(crate) snapshot: Snapshot,
    pub(crate) trouble: Option<String>,
    pub(crate) selected: usize,
    /// Only rows with this text are listed.
    pub(crate) filter: String,
    /// Which of the tab's orders.
    sort: usize,
    /// Only the pods of this Deployment are listed.
    pub(crate) owner: Option<Owner>,
    pub(crate) page: Option<Page>,
    /// The page that was asked for and has not come yet.
    pub(crate) asked: Option<Source>,
}

impl ClusterPane {
    /// The rows as they are listed: those in trouble first.
    pub(crate) fn listed(&self) -> Vec<Listed<'_>> {
        let all: Vec<Listed<'_>> = match self.tab {
            Tab::Pods => {
                let pods = self.snapshot.pods.iter();
                let owned = pods.filter(|pod| match &self.owner {
                    None => true,
                    Some(owner) => owner
                        .selector
                        .iter()
                        .all(|(name, value)| pod.labels.get(name) == Some(value)),
                });
                owned.map(Listed::Pod).collect()
            }
            Tab::Deployments => {
                let rows = self.snapshot.deployments.iter();
                rows.map(Listed::Deployment).collect()
            }
            Tab::Services => self.snapshot.services.iter().map(Listed::Service).collect(),
            Tab::Events => self.snapshot.events.iter().map(Listed::Event).collect(),
        };
        let filter = self.filter.to_lowercase();
        let mut rows: Vec<Listed<'_>> = all
            .into_iter()
            .filter(|row| filter.is_empty() || row.text().to_lowercase().contains(&filter))
            .collect();
        // What is alike keeps the order by name.
        match self.sort() {
            Sort::Name => rows.sort_by(|a, b| a.name().cmp(b.name())),
            Sort::Age => rows.sort_by_key(Listed::age),
            Sort::Restarts => rows.sort_by_key(|row| Reverse(row.restarts())),
            Sort::Cpu => rows.sort_by_key(|row| Reverse(row.usage().millicores)),
            Sort::Memory => rows.sort_by_key(|row| Reverse(row.usage().bytes)),
        }
        rows.sort_by_key(Listed::standing);
        rows
    }

    /// The row that is selected.
    pub(crate) fn row(&self) -> Option<Listed<'_>> {
        self.listed().get(self.selected).copied()
    }

    /// The order of the rows.
    pub(crate) fn sort(&self) -> Sort {
        let sorts = self.tab.sorts();
        sorts[self.sort % sorts.len()]
    }

    /// Changes the order; the selected row stays the selected one.
    pub(crate) fn resort(&mut self) {
        let key = self.row().map(|row| row.key());
        self.sort = (self.sort + 1) % self.tab.sorts().len();
        self.select(key);
    }

    /// Takes what the cluster is now; the selected row stays the selected one.
    pub(crate) fn take(&mut self, snapshot: Snapshot) {
        let key = self.row().map(|row| row.key());
        self.snapshot = snapshot;
        self.trouble = None;
        self.select(key);
    }

    fn select(&mut self, key: Option<String>) {
        let rows = self.listed();
        let same = rows.iter().position(|row| Some(row.key()) == key);
        let last = rows.len().saturating_sub(1);
        self.selected = same.unwrap_or(self.selected.min(last));
    }

    /// Shows another tab, whole and in its usual order.
    pub(crate) fn show(&mut self, tab: Tab) {
        self.tab = tab;
        self.selected = 0;
        self.sort = 0;
        self.owner = None;
        self.filter.clear();
    }

    /// Shows the tab `step` places on.
    pub(crate) fn turn(&mut self, step: isize) {
        self.show(self.tab.turn(step));
    }

    /// The line that lists the same in a shell.
    pub(crate) fn kubectl(&self, shop: &str) -> String {
        let what = match (self.tab, self.sort()) {
            (Tab::Pods, Sort::Cpu) => "top pods --sort-by=cpu",
            (Tab::Pods, Sort::Memory) => "top pods --sort-by=memory",
            (Tab::Pods, _) => "get pods",
            (Tab::Deployments, _) => "get deployments",
            (Tab::Services, _) => "get services,endpoints",
            (Tab::Events, _) => "get events",
        };
        let mut line = format!("kubectl -n {shop} {what}");
        if let Some(owner) = &self.owner {
            let labels = owner.selector.iter();
            let labels: Vec<String> = labels
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            line.push_str(&format!(" -l {}", labels.join(",")));
        }
        line.push_str(match (self.tab, self.sort()) {
            (Tab::Events, Sort::Age) => " --sort-by=.lastTimestamp",
            (Tab::Events, _) => " --sort-by=.involvedObject.name",
            (_, Sort::Age) => " --sort-by=.metadata.creationTimestamp",
            (_, Sort::Restarts) => " --sort-by='.status.containerStatuses[0].restartCount'",
            (_, Sort::Name | Sort::Cpu | Sort::Memory) => "",
        });
        line
    }
}

#[cfg(test)]
mod tests;
