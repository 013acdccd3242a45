//! The cluster screen: pods, deployments, events, and a page about one of them.

use crate::message::{Page, Snapshot};

/// What is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tab {
    #[default]
    Pods,
    Deployments,
    Events,
}

impl Tab {
    pub(crate) const ALL: [Self; 3] = [Self::Pods, Self::Deployments, Self::Events];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::Deployments => "deployments",
            Self::Events => "events",
        }
    }

    pub(crate) fn turn(self, step: isize) -> Self {
        let at = Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0) as isize;
        Self::ALL[(at + step).rem_euclid(3) as usize]
    }
}

/// The cluster screen.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterPane {
    pub(crate) tab: Tab,
    pub(crate) snapshot: Snapshot,
    pub(crate) trouble: Option<String>,
    pub(crate) selected: usize,
    /// A page about something, and how far it is scrolled.
    pub(crate) page: Option<(Page, usize)>,
}

impl ClusterPane {
    /// How many rows the list has.
    pub(crate) fn rows(&self) -> usize {
        match self.tab {
            Tab::Pods => self.snapshot.pods.len(),
            Tab::Deployments => self.snapshot.deployments.len(),
            Tab::Events => self.snapshot.events.len(),
        }
    }

    /// The selected pod's name, where pods are listed.
    pub(crate) fn pod(&self) -> Option<&str> {
        let pod = self.snapshot.pods.get(self.selected)?;
        (self.tab == Tab::Pods).then_some(pod.name.as_str())
    }
}
