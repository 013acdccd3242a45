//! What can happen to the console.

use crossterm::event::KeyEvent;
use engine::{DeploymentRow, EventRow, HintOffer, PodRow, QueryAnswer, ServiceRow};
use model::{CheckName, Event, Outcome, Response, Timestamp};
use telemetry::{Matrix, TimeRange, Trace};

use crate::completion::{Language, Subject};
use crate::state::{Complaint, LogContext, Refusal, ServiceMap, Source};

/// Something happened.
#[derive(Debug)]
pub(crate) enum Message {
    /// A key was pressed.
    Key(KeyEvent),
    /// Text was pasted.
    Paste(String),
    /// Time went on, or the terminal changed its size.
    Tick(Timestamp),
    /// The drill recorded an Event.
    Happened(Box<Event>),
    /// A query on a screen was answered, or why not.
    Answered(Asker, Result<Box<QueryAnswer>, Refusal>),
    /// What is asked again by itself was answered, or why not.
    Watched(Watch, Result<Matrix, String>),
    /// A backend told names or values, or why not.
    Named(Subject, Result<Vec<String>, String>),
    /// The queries that earlier drills kept, oldest first.
    Remembered(Language, Vec<String>),
    /// Queries are not kept for later drills, for this reason.
    NotKept(String),
    /// A trace came, or why not.
    Traced(Result<Box<Trace>, String>),
    /// What a stream wrote around a line, or why nobody knows.
    Surrounded(Result<Box<LogContext>, String>),
    /// Who calls whom in the shop, or why nobody knows.
    Mapped(Result<Box<ServiceMap>, String>),
    /// The SLOs were measured.
    Measured(Vec<(CheckName, Option<f64>)>),
    /// What customers complain of, newest first; or why nobody knows.
    Complained(Result<Vec<Complaint>, String>),
    /// The cluster was looked at.
    Looked(Result<Box<Snapshot>, String>),
    /// A text about something in the cluster, or why there is none.
    Told(Source, Result<Vec<String>, String>),
    /// A response was carried out.
    Responded(Response, Result<Outcome, String>),
    /// The next hint, if there is one.
    Offered(Option<HintOffer>),
}

/// Which screen asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    Metrics,
    Logs,
    Traces,
}

/// A query that is asked again by itself; it is not on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Watch {
    pub(crate) what: Watched,
    pub(crate) query: String,
    pub(crate) range: TimeRange,
}

/// For which part of the metrics screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watched {
    /// The chart of the trainee's own query.
    Chart,
    /// A panel of the dashboard.
    Panel,
}

/// The cluster at one time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) pods: Vec<PodRow>,
    pub(crate) deployments: Vec<DeploymentRow>,
    pub(crate) services: Vec<ServiceRow>,
    pub(crate) events: Vec<EventRow>,
}
