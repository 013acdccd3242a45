//! One row of the cluster screen.

use engine::{DeploymentRow, EventRow, ObjectKind, PodRow, ServiceRow, Usage};
use model::Period;

/// A restart that is younger than this is trouble.
const RECENT: Period = Period::from_secs(300);

/// How something in the cluster stands. The order is that of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RowStanding {
    Trouble,
    Well,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listed<'a> {
    Pod(&'a PodRow),
    Deployment(&'a DeploymentRow),
    Service(&'a ServiceRow),
    Event(&'a EventRow),
}

impl<'a> Listed<'a> {
    /// Its name; of an Event, what it is about.
    pub(crate) fn name(&self) -> &'a str {
        match self {
            Self::Pod(row) => &row.name,
            Self::Deployment(row) => &row.name,
            Self::Service(row) => &row.name,
            Self::Event(row) => &row.object,
        }
    }

    /// What makes it the same row when the cluster is looked at again.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Event(row) => format!("{} {} {}", row.object, row.reason, row.message),
            row => row.name().to_owned(),
        }
    }

    /// What a filter looks into.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Pod(row) => format!("{} {} {}", row.name, row.status, row.address),
            Self::Deployment(row) => format!("{} {}", row.name, row.image),
            Self::Service(row) => {
                format!("{} {} {}", row.name, row.address, row.ready.join(" "))
            }
            Self::Event(row) => {
                format!("{} {} {} {}", row.kind, row.reason, row.object, row.message)
            }
        }
    }

    pub(super) fn age(&self) -> Period {
        match self {
            Self::Pod(row) => row.age,
            Self::Deployment(row) => row.age,
            Self::Service(row) => row.age,
            Self::Event(row) => row.age,
        }
    }

    pub(super) fn restarts(&self) -> u32 {
        match self {
            Self::Pod(row) => row.restarts,
            Self::Deployment(_) | Self::Service(_) | Self::Event(_) => 0,
        }
    }

    pub(super) fn usage(&self) -> Usage {
        match self {
            Self::Pod(row) => row.usage.unwrap_or_default(),
            Self::Deployment(_) | Self::Service(_) | Self::Event(_) => Usage::default(),
        }
    }

    /// Whether it wants a look. Events are told in the order of time, and their type
    /// says it.
    pub(crate) fn standing(&self) -> RowStanding {
        let well = match self {
            Self::Pod(row) => {
                let ended = matches!(row.status.as_str(), "Completed" | "Succeeded");
                let runs = row.status == "Running" && row.ready == row.containers;
                let restarted = row.restarted.is_some_and(|ago| ago < RECENT);
                ended || (runs && !restarted)
            }
            Self::Deployment(row) => {
                row.wanted > 0 && row.ready == row.wanted && row.updated == row.wanted
            }
            Self::Service(row) => !row.ready.is_empty() && row.unready == 0,
            Self::Event(_) => true,
        };
        if well {
            RowStanding::Well
        } else {
            RowStanding::Trouble
        }
    }

    /// What can be described; of an Event, what it is about.
    pub(crate) fn object(&self) -> Option<(ObjectKind, &'a str)> {
        match self {
            Self::Pod(row) => Some((ObjectKind::Pod, &row.name)),
            Self::Deployment(row) => Some((ObjectKind::Deployment, &row.name)),
            Self::Service(row) => Some((ObjectKind::Service, &row.name)),
            Self::Event(row) => {
                let (kind, name) = row.object.split_once('/')?;
                let kind = ObjectKind::ALL
                    .into_iter()
                    .find(|each| each.as_str() == kind)?;
                Some((kind, name))
            }
        }
    }
}
