//! All that the console knows. Changed by `update` alone, drawn by `view`.

mod answer;
mod asking;
mod cluster;
mod context;
mod dashboard;
mod histogram;
mod history;
mod incident;
mod input;
mod logs;
mod map;
mod metrics;
mod names;
mod offers;
mod open;
mod page;
mod palette;
mod path;
mod traces;

use engine::QueryAnswer;
use model::{
    Action, Check, Grade, Happening, MatrixRow, Scenario, ServiceName, Timeline, Timestamp,
};

pub(crate) use answer::{AnswerForm, Field, SEVERITIES};
pub(crate) use asking::{Asking, Refusal, Reply};
pub(crate) use cluster::{ClusterPane, Listed, Owner, RowStanding, Tab};
pub(crate) use context::{LogContext, selector};
pub(crate) use dashboard::{Panel, Shown};
pub(crate) use histogram::Histogram;
pub(crate) use history::{History, Search};
pub(crate) use incident::{Complaint, Firing, Incident};
pub(crate) use input::Input;
pub(crate) use logs::{Follow, LogsPane};
pub(crate) use map::{CALLS, Edge, LATENCIES, OwnCalls, Row, ServiceMap, WINDOW};
pub(crate) use metrics::{MetricsPane, MetricsView, PAGE, RightEdge, SeriesDrawn, point_at};
pub(crate) use names::{Names, Standing};
pub(crate) use offers::Offers;
pub(crate) use open::{Depth, OpenTrace, facts, requests_of, waterfall};
pub(crate) use page::{Instance, Page, Source};
pub(crate) use palette::{ActPane, KINDS, complete, is_runbook, key_of, parse, service_of_pod};
pub(crate) use traces::{Side, TracesPane};

use crate::completion::Language;
use crate::theme::Theme;

/// The screens, in the order of their tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Screen {
    Incident,
    Metrics,
    Logs,
    Traces,
    Cluster,
    Act,
    Answer,
    Debrief,
}

impl Screen {
    pub(crate) const ALL: [Self; 8] = [
        Self::Incident,
        Self::Metrics,
        Self::Logs,
        Self::Traces,
        Self::Cluster,
        Self::Act,
        Self::Answer,
        Self::Debrief,
    ];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Incident => "Incident",
            Self::Metrics => "Metrics",
            Self::Logs => "Logs",
            Self::Traces => "Traces",
            Self::Cluster => "Cluster",
            Self::Act => "Act",
            Self::Answer => "Answer",
            Self::Debrief => "Debrief",
        }
    }

    fn index(self) -> usize {
        Self::ALL
            .iter()
            .position(|screen| *screen == self)
            .unwrap_or(0)
    }

    pub(crate) fn next(self) -> Self {
        Self::ALL[(self.index() + 1) % Self::ALL.len()]
    }

    pub(crate) fn previous(self) -> Self {
        Self::ALL[(self.index() + Self::ALL.len() - 1) % Self::ALL.len()]
    }
}

/// What has the keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Focus {
    /// The screen.
    Screen,
    /// A line that is being written.
    Line(LineFor),
    /// A change waits for yes or no.
    Confirm(Action),
    /// Whether to say that it is over.
    ConfirmResolve,
    /// Whether to leave a drill that runs.
    ConfirmLeave,
    /// The list of keys.
    Help,
}

/// What a line is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LineFor {
    /// The query of a screen.
    Query(Language),
    /// What an earlier query of a screen is searched by.
    Search(Language),
    /// The filter of the log lines.
    Filter,
    /// What rows of the cluster have in them.
    Rows,
    /// What is searched for in a page.
    Find,
    /// A runbook command.
    Command,
    /// An update to the stakeholders.
    Update,
}

impl LineFor {
    /// What stands before the line.
    pub(crate) fn prompt(self) -> &'static str {
        match self {
            Self::Query(language) => language.prompt(),
            Self::Search(_) => "search> ",
            Self::Filter | Self::Rows => "filter> ",
            Self::Find => "find> ",
            Self::Command => ": ",
            Self::Update => "update> ",
        }
    }
}

/// What the console is told at its start.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) scenario: Scenario,
    pub(crate) checks: Vec<Check>,
    pub(crate) rows: Vec<MatrixRow>,
    pub(crate) services: Vec<ServiceName>,
    /// Addresses worth knowing: a label and an address each.
    pub(crate) addresses: Vec<(String, String)>,
}

/// A short word to the trainee, and how serious it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toast {
    pub(crate) text: String,
    pub(crate) bad: Tone,
    pub(crate) until: Timestamp,
}

/// How a toast is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something was done.
    Done,
    /// Something did not work.
    Wrong,
}

/// All that the console knows.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) facts: Facts,
    pub(crate) theme: Theme,
    pub(crate) now: Timestamp,
    pub(crate) screen: Screen,
    pub(crate) focus: Focus,
    pub(crate) line: Input,
    /// The list under a query that is being written, where it is open.
    pub(crate) offers: Option<Offers>,
    pub(crate) names: Names,
    pub(crate) search: Search,
    pub(crate) toast: Option<Toast>,
    pub(crate) timeline: Timeline,
    pub(crate) grade: Option<Grade>,
    pub(crate) incident: Incident,
    pub(crate) metrics: MetricsPane,
    pub(crate) logs: LogsPane,
    pub(crate) traces: TracesPane,
    pub(crate) cluster: ClusterPane,
    pub(crate) act: ActPane,
    pub(crate) answer: AnswerForm,
    pub(crate) debrief_scroll: usize,
    pub(crate) over: Option<model::Verdict>,
    pub(crate) bell: Bell,
}

/// Whether the terminal's bell is to ring at the next frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bell {
    Silent,
    Due,
}

impl State {
    pub(crate) fn new(facts: Facts, theme: Theme, now: Timestamp) -> Self {
        Self {
            incident: Incident::new(&facts.checks),
            metrics: MetricsPane::new(&facts),
            logs: LogsPane::new(&facts),
            traces: TracesPane::new(),
            cluster: ClusterPane::default(),
            act: ActPane::default(),
            answer: AnswerForm::new(&facts),
            facts,
            theme,
            now,
            screen: Screen::Incident,
            focus: Focus::Screen,
            line: Input::default(),
            offers: None,
            names: Names::default(),
            search: Search::default(),
            toast: None,
            timeline: Timeline::default(),
            grade: None,
            debrief_scroll: 0,
            over: None,
            bell: Bell::Silent,
        }
    }

    /// The question of the screen that speaks `language`.
    pub(crate) fn asking(&self, language: Language) -> &Asking<QueryAnswer> {
        match language {
            Language::PromQl => &self.metrics.asking,
            Language::LogQl => &self.logs.asking,
            Language::TraceQl => &self.traces.asking,
        }
    }

    /// The same, to be changed.
    pub(crate) fn asking_mut(&mut self, language: Language) -> &mut Asking<QueryAnswer> {
        match language {
            Language::PromQl => &mut self.metrics.asking,
            Language::LogQl => &mut self.logs.asking,
            Language::TraceQl => &mut self.traces.asking,
        }
    }

    /// The earlier queries that the line searches for, newest first.
    pub(crate) fn found(&self, language: Language) -> Vec<&str> {
        self.asking(language).history.search(self.line.text())
    }

    /// Shows `text` for some seconds.
    pub(crate) fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.toast = Some(Toast {
            text: text.into(),
            bad: tone,
            until: self.now.plus(model::Period::from_secs(6)),
        });
    }

    /// Whether the responder has taken the page.
    pub(crate) fn acknowledged(&self) -> bool {
        self.timeline.clocks().acknowledged.is_some()
    }

    /// The change that the screen of changes has chosen.
    pub(crate) fn chosen_action(&self) -> Option<Action> {
        let service = self.facts.services.get(self.act.service)?.clone();
        let kind = KINDS.get(self.act.kind)?;
        Some(kind.action(service.clone(), self.replicas(&service)))
    }

    /// What a change touches, in one sentence.
    pub(crate) fn blast_radius(&self, action: &Action) -> String {
        let service = action.service();
        let replicas = self.replicas(service);
        match action {
            Action::RolloutRestart(_)
            | Action::RolloutUndo(_)
            | Action::SetImage { .. }
            | Action::SetResources { .. }
            | Action::Apply(_) => {
                format!("{replicas} pod(s) of {service} are replaced; requests in flight may fail.")
            }
            Action::DeletePod(_) => {
                format!("{replicas} pod(s) of {service} are ended; new ones come in their place.")
            }
            Action::Scale { replicas: 0, .. } => {
                format!("Nobody will run {service} any more: its callers will fail.")
            }
            Action::Scale { replicas: to, .. } => {
                format!("{service} goes from {replicas} to {to} pod(s).")
            }
            Action::Autoscale { min, max, .. } => {
                format!("{service} will have from {min} to {max} pod(s), as its CPU wants it.")
            }
        }
    }

    /// How many pods the cluster wants of `service`.
    pub(crate) fn replicas(&self, service: &ServiceName) -> u32 {
        let deployments = &self.cluster.snapshot.deployments;
        let found = deployments.iter().find(|row| row.name == service.as_str());
        found.map_or(1, |row| row.wanted)
    }

    /// Whether a steady state was reached, so that there is something to watch.
    pub(crate) fn steady(&self) -> bool {
        self.timeline
            .events()
            .iter()
            .any(|event| matches!(event.what, Happening::SteadyState { .. }))
    }
}
