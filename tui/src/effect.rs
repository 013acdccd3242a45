//! What the console asks of the world, and how it is done.

mod keeper;
mod names;

use std::path::PathBuf;
use std::sync::Arc;

use engine::{ClusterView, Desk};
use model::{Check, Period, Query, Response, Timestamp};
use telemetry::{Direction, LogLine, Telemetry, TimeRange};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use crate::completion::{Language, Subject};
use crate::message::{Asker, Message, Snapshot, Watch, Watched};
use crate::state::{
    CALLS, Complaint, Instance, LATENCIES, LogContext, Refusal, ServiceMap, Source, WINDOW,
    selector,
};
use keeper::Keeper;

/// Where customers' requests that did not go well are found.
const COMPLAINTS: &str =
    r#"{namespace="shoplab", app="customers"} | json | outcome =~ "failed|slow""#;
/// Values a series of a chart, as many as the desk asks for.
const POINTS: u32 = 240;
/// Values a series of a panel.
const PANEL_POINTS: u32 = 60;
/// How far before and after a line the others of its stream are looked for.
const CONTEXT: Period = Period::from_secs(3_600);
/// How many are read on each side: more than are shown, because several may be written in
/// the same millisecond as the line.
const CONTEXT_LINES: u32 = 100;
/// How many complaints are shown.
const COMPLAINTS_SHOWN: u32 = 30;

/// Something to be done outside of the console.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Effect {
    /// Respond to the incident.
    Respond(Response),
    /// Ask a backend; it is on record.
    Ask(Asker, Query, Option<TimeRange>),
    /// Ask the metrics backend; it is not on record.
    Watch(Watch),
    /// Ask a backend for names or values; it is not on record.
    Names(Subject),
    /// Read the queries that earlier drills kept.
    Remember(Language),
    /// Keep a query for later drills.
    Keep(Language, String),
    /// Fetch a whole trace.
    Trace(String),
    /// Read what its stream wrote around a line.
    Context(Box<LogLine>),
    /// Draw the map of the shop.
    Map,
    /// Measure the SLOs.
    Measure,
    /// Read what customers complain of.
    Listen,
    /// Look at the cluster.
    Look,
    /// Read a text about something in the cluster.
    Read(Source),
    /// Whether there is a hint.
    Offer,
    /// Leave.
    Quit,
}

/// Carries effects out; answers come back as messages.
#[derive(Debug)]
pub(crate) struct Doer {
    shared: Arc<Shared>,
    messages: UnboundedSender<Message>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    desk: Desk,
    telemetry: Telemetry,
    cluster: ClusterView,
    checks: Vec<Check>,
    keeper: Keeper,
}

impl Doer {
    pub(crate) fn new(
        desk: Desk,
        telemetry: Telemetry,
        cluster: ClusterView,
        checks: Vec<Check>,
        history: PathBuf,
        messages: UnboundedSender<Message>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                desk,
                telemetry,
                cluster,
                checks,
                keeper: Keeper::new(history),
            }),
            messages,
            tasks: JoinSet::new(),
        }
    }

    /// Begins `effect`. The console never waits for it.
    pub(crate) fn begin(&mut self, effect: Effect, now: Timestamp) {
        while self.tasks.try_join_next().is_some() {}
        let (work, messages) = (self.carry_out(effect, now), self.messages.clone());
        self.tasks.spawn(async move {
            if let Some(message) = work.await {
                // The console may have been left meanwhile.
                drop(messages.send(message));
            }
        });
    }

    /// Carries `effect` out, for whoever waits for its answer.
    pub(crate) fn carry_out(
        &self,
        effect: Effect,
        now: Timestamp,
    ) -> impl Future<Output = Option<Message>> + Send + use<> {
        let shared = Arc::clone(&self.shared);
        async move { shared.carry_out(effect, now).await }
    }
}

impl Shared {
    async fn carry_out(&self, effect: Effect, now: Timestamp) -> Option<Message> {
        Some(match effect {
            Effect::Respond(response) => {
                let outcome = self.desk.respond(response.clone()).await;
                Message::Responded(response, outcome.map_err(|error| error.to_string()))
            }
            Effect::Ask(asker, query, range) => {
                let text = query.text.clone();
                let answer = self.desk.ask(query, range).await;
                let refused = |error| Refusal::new(text, &error);
                Message::Answered(asker, answer.map(Box::new).map_err(refused))
            }
            Effect::Names(subject) => {
                let told = names::fetch(&self.telemetry, &subject, now).await;
                Message::Named(subject, told.map_err(|error| error.to_string()))
            }
            Effect::Remember(language) => {
                Message::Remembered(language, self.keeper.read(language).await)
            }
            Effect::Keep(language, query) => {
                return self
                    .keeper
                    .keep(language, query)
                    .await
                    .err()
                    .map(Message::NotKept);
            }
            Effect::Watch(watch) => {
                let step = watch.range.step(match watch.what {
                    Watched::Chart => POINTS,
                    Watched::Panel => PANEL_POINTS,
                });
                let metrics = &self.telemetry.metrics;
                let answer = metrics.range(&watch.query, watch.range, step).await;
                Message::Watched(watch, answer.map_err(|error| error.to_string()))
            }
            Effect::Trace(id) => Message::Traced(match self.telemetry.traces.trace(&id).await {
                Ok(Some(trace)) => Ok(Box::new(trace)),
                Ok(None) => Err(format!("nobody knows the trace {id} (any more)")),
                Err(error) => Err(error.to_string()),
            }),
            Effect::Context(line) => Message::Surrounded(self.context(&line).await.map(Box::new)),
            Effect::Map => Message::Mapped(self.map(now).await.map(Box::new)),
            Effect::Measure => Message::Measured(self.measure().await),
            Effect::Listen => Message::Complained(self.listen(now).await),
            Effect::Look => Message::Looked(self.look().await.map(Box::new)),
            Effect::Read(source) => {
                let lines = self.read(&source).await;
                Message::Told(source, lines.map_err(|error| error.to_string()))
            }
            Effect::Offer => Message::Offered(self.desk.hint()),
            Effect::Quit => return None,
        })
    }

    async fn measure(&self) -> Vec<(model::CheckName, Option<f64>)> {
        let mut measured = Vec::with_capacity(self.checks.len());
        for check in &self.checks {
            let answer = self.telemetry.metrics.instant(&check.query, None).await;
            let value = answer
                .ok()
                .and_then(|matrix| matrix.number())
                .map(|point| point.value)
                .filter(|value| value.is_finite());
            measured.push((check.name.clone(), value));
        }
        measured
    }

    async fn context(&self, line: &LogLine) -> Result<LogContext, String> {
        let query = selector(&line.labels);
        let sides = [
            (line.at.minus(CONTEXT), line.at, Direction::Backward),
            (line.at, line.at.plus(CONTEXT), Direction::Forward),
        ];
        let mut lines = Vec::new();
        for (from, to, direction) in sides {
            let range = TimeRange { from, to };
            let logs = &self.telemetry.logs;
            let side = logs.range(&query, range, CONTEXT_LINES, direction).await;
            lines.extend(side.map_err(|error| error.to_string())?.into_lines());
        }
        Ok(LogContext::of(line, lines))
    }

    async fn map(&self, now: Timestamp) -> Result<ServiceMap, String> {
        let range = TimeRange::last(WINDOW, now);
        let traces = &self.telemetry.traces;
        let (calls, latencies) = tokio::try_join!(
            traces.measure(CALLS, range),
            traces.measure(LATENCIES, range)
        )
        .map_err(|error| error.to_string())?;
        Ok(ServiceMap::of(&calls, &latencies))
    }

    async fn listen(&self, now: Timestamp) -> Result<Vec<Complaint>, String> {
        let range = TimeRange::last(Period::from_secs(120), now);
        let logs = &self.telemetry.logs;
        let answer = logs
            .range(COMPLAINTS, range, COMPLAINTS_SHOWN, Direction::Backward)
            .await
            .map_err(|error| error.to_string())?;
        Ok(answer.into_lines().iter().map(complaint).collect())
    }

    async fn read(&self, source: &Source) -> Result<Vec<String>, engine::EngineError> {
        match source {
            Source::Describe(kind, name) => self.cluster.describe(*kind, name).await,
            Source::Yaml(kind, name) => self.cluster.yaml(*kind, name).await,
            Source::Logs(pod, Instance::Present) => self.cluster.logs(pod).await,
            Source::Logs(pod, Instance::Previous) => self.cluster.previous_logs(pod).await,
        }
    }

    async fn look(&self) -> Result<Snapshot, String> {
        let (pods, deployments, services, events) = tokio::try_join!(
            self.cluster.pods(),
            self.cluster.deployments(),
            self.cluster.services(),
            self.cluster.events()
        )
        .map_err(|error| error.to_string())?;
        Ok(Snapshot {
            pods,
            deployments,
            services,
            events,
        })
    }
}

fn complaint(line: &LogLine) -> Complaint {
    let text = |name: &str| {
        line.field(name)
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    };
    Complaint {
        at: line.at,
        step: text("step"),
        seen: text("seen"),
        trace_id: text("trace_id"),
    }
}
