//! The responder's desk: what can be done with a running drill, and recorded.

use std::sync::Arc;

use model::{Happening, Outcome, Period, Query, Response, Timeline, Timestamp};
use telemetry::{TelemetryError, TimeRange};

use crate::drill::{HintOffer, Phase, Stop};
use crate::evidence::Reader;
use crate::senses::{Found, compare_from};
use crate::shared::Shared;
use crate::{AnswerData, EngineError, QueryAnswer, Subscription};

/// The responder's desk: everything that can be done with a running drill.
/// Cheap to clone.
#[derive(Clone)]
pub struct Desk(Arc<Shared>);

impl Desk {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// All Events so far, and those to come.
    pub fn subscribe(&self) -> Subscription {
        self.0.recorder.subscribe()
    }

    /// The Events so far.
    pub fn timeline(&self) -> Timeline {
        self.0.recorder.timeline()
    }

    /// How far the drill is.
    pub fn phase(&self) -> Phase {
        *self.0.phase.borrow()
    }

    /// The next hint; `None` when there are no more.
    pub fn hint(&self) -> Option<HintOffer> {
        self.0.hint()
    }

    /// Does what the responder wants and records it. A change that the
    /// platform refused, a query that was not answered, or a hint that is not
    /// due yet is an [`Outcome::Refused`]. What was begun is done and recorded
    /// even when nobody waits for it.
    ///
    /// # Errors
    /// [`EngineError::Over`] once the drill is over; [`EngineError::Journal`]
    /// when it could not be recorded.
    pub async fn respond(&self, response: Response) -> Result<Outcome, EngineError> {
        if let Response::Query(query) = response {
            return Ok(match self.ask(query, None).await {
                Ok(answer) => Outcome::Answered(answer.evidence),
                Err(EngineError::Telemetry(error)) => Outcome::Refused(error.to_string()),
                Err(error) => return Err(error),
            });
        }
        let desk = self.clone();
        self.begin(async move { desk.execute(response).await })
            .await
    }

    /// Asks a telemetry backend, records it as [`Response::Query`], and gives
    /// the data too. Without a range: from two minutes before the first
    /// injection (or five minutes ago) until now.
    ///
    /// # Errors
    /// [`EngineError::Telemetry`] with the backend's own words;
    /// [`EngineError::Over`] once the drill is over.
    pub async fn ask(
        &self,
        query: Query,
        range: Option<TimeRange>,
    ) -> Result<QueryAnswer, EngineError> {
        let desk = self.clone();
        self.begin(async move { desk.query(query, range).await })
            .await
    }

    /// Asks the drill to end; [`crate::Drill::finished`] waits for it.
    pub fn stop(&self, why: Stop) {
        self.0.stop.send_if_modified(|stop| match *stop {
            // An interruption is not taken back.
            Some(Stop::Interrupted) => false,
            _ => {
                *stop = Some(why);
                true
            }
        });
    }

    /// Does `work` to its end, also when the caller goes away.
    async fn begin<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, EngineError> {
        if matches!(self.phase(), Phase::Ending | Phase::Over) {
            return Err(EngineError::Over);
        }
        match self.0.tasks.spawn(work).await {
            Ok(done) => done,
            Err(error) => Err(EngineError::Broken(error.to_string())),
        }
    }

    async fn execute(&self, response: Response) -> Result<Outcome, EngineError> {
        let at = self.0.clock.now();
        let outcome = match &response {
            Response::Act(action) => match self.0.platform.act(action).await {
                Ok(()) => Outcome::Accepted,
                Err(why) => Outcome::Refused(why),
            },
            Response::Hint => return self.take_hint(at),
            _ => Outcome::Noted,
        };
        self.record(at, response, outcome.clone())?;
        Ok(outcome)
    }

    fn take_hint(&self, at: Timestamp) -> Result<Outcome, EngineError> {
        let refuse = |why: String| {
            let outcome = Outcome::Refused(why);
            self.record(at, Response::Hint, outcome.clone())?;
            Ok(outcome)
        };
        let Some(offer) = self.0.hint() else {
            return refuse("there are no more hints".to_owned());
        };
        match offer.due_in {
            Some(Period::ZERO) => {}
            Some(wait) => return refuse(format!("the next hint comes in {wait}")),
            None => return refuse("there are no hints before the page".to_owned()),
        }
        let hint = &self.0.scenario.hints[offer.index];
        self.record(at, Response::Hint, Outcome::Noted)?;
        let given = Happening::HintGiven {
            index: offer.index,
            cost: hint.cost,
            text: hint.text.clone(),
        };
        self.0.recorder.record(at, given)?;
        Ok(Outcome::Noted)
    }

    async fn query(
        &self,
        query: Query,
        range: Option<TimeRange>,
    ) -> Result<QueryAnswer, EngineError> {
        let at = self.0.clock.now();
        let split = self.0.split();
        let range = range.unwrap_or_else(|| usual(at, split));
        let compare_from = compare_from(range, split);
        let answered = self.0.senses.answer(&query, range, compare_from).await;
        let reader = Reader {
            services: self.0.services(),
            split,
            range,
        };
        let answer = answered.map(|found| read(&reader, found));
        let outcome = match &answer {
            Ok(answer) => Outcome::Answered(answer.evidence.clone()),
            Err(error) => Outcome::Refused(error.to_string()),
        };
        self.record(at, Response::Query(query), outcome)?;
        answer.map_err(|error: TelemetryError| EngineError::Telemetry(error))
    }

    fn record(
        &self,
        at: Timestamp,
        response: Response,
        outcome: Outcome,
    ) -> Result<(), EngineError> {
        let responded = Happening::Responded {
            by: self.0.responder.clone(),
            response,
            outcome,
        };
        Ok(self.0.recorder.record(at, responded)?)
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("scenario", &self.0.scenario.name)
            .field("phase", &self.phase())
            .finish_non_exhaustive()
    }
}

/// The range of a question that names none.
fn usual(now: Timestamp, split: Option<Timestamp>) -> TimeRange {
    let from = match split {
        Some(split) => split.minus(Period::from_secs(120)),
        None => now.minus(Period::from_secs(300)),
    };
    TimeRange { from, to: now }
}

/// The evidence of what was found, and the data within the range asked for.
fn read(reader: &Reader<'_>, found: Found) -> QueryAnswer {
    let range = reader.range;
    let (evidence, data) = match found {
        Found::Series(mut matrix) => {
            let evidence = reader.series(&matrix);
            for series in &mut matrix.series {
                series.points.retain(|point| point.at >= range.from);
            }
            matrix.series.retain(|series| !series.points.is_empty());
            (evidence, AnswerData::Series(matrix))
        }
        Found::Lines(lines) => (reader.lines(&lines), AnswerData::Lines(lines)),
        Found::Traces(found, whole) => {
            let evidence = reader.traces(found.len(), &whole);
            (evidence, AnswerData::Traces(found))
        }
    };
    QueryAnswer {
        range,
        data,
        evidence,
    }
}
