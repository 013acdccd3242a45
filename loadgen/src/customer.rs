//! One customer: what they remember, and how they ask.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use goose::goose::{GooseMethod, GooseRequest, GooseUser};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tracing::Instrument;

use crate::journeys::Journey;
use crate::record::{Outcome, Record, Recorder};

/// What a customer remembers between visits.
pub(crate) struct Memory {
    pub(crate) rng: StdRng,
    /// Name and password, once registered.
    pub(crate) account: Option<(String, String)>,
    pub(crate) logged_in: bool,
    /// The ids of orders that were taken and not looked after since, and when.
    pub(crate) ordered: Vec<(String, Instant)>,
}

/// A memory as goose keeps it from one visit to the next; goose wants to clone it.
#[derive(Clone)]
struct Kept(Arc<Mutex<Option<Memory>>>);

/// A customer on a visit.
pub(crate) struct Customer<'a> {
    user: &'a mut GooseUser,
    memory: Memory,
    recorder: Arc<Recorder>,
    journey: &'static str,
    /// A number that no other customer has.
    number: String,
}

/// A question to the shop.
pub(crate) struct Ask<'a> {
    pub(crate) method: GooseMethod,
    pub(crate) path: &'a str,
    /// The name under which it is counted: the path's template.
    pub(crate) step: &'static str,
    pub(crate) json: Option<Value>,
    /// Name and password to log in with.
    pub(crate) login: Option<(String, String)>,
}

impl<'a> Ask<'a> {
    pub(crate) fn get(path: &'a str, step: &'static str) -> Self {
        Self {
            method: GooseMethod::Get,
            path,
            step,
            json: None,
            login: None,
        }
    }

    pub(crate) fn post(path: &'a str, step: &'static str, json: Value) -> Self {
        Self {
            method: GooseMethod::Post,
            json: Some(json),
            ..Self::get(path, step)
        }
    }

    pub(crate) fn delete(path: &'a str, step: &'static str) -> Self {
        Self {
            method: GooseMethod::Delete,
            ..Self::get(path, step)
        }
    }
}

/// The shop's answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }
}

/// The journey cannot go on; what was wrong is on record.
pub(crate) struct Lost;

/// What is right of an answer, or else what the customer saw instead.
pub(crate) type Verdict = Result<(), String>;

/// Any status between 200 and 399.
pub(crate) fn fine(answer: &Answer) -> Verdict {
    match answer.status {
        200..400 => Ok(()),
        _ => Err(complaint(answer)),
    }
}

/// The shop's own words for what went wrong.
pub(crate) fn complaint(answer: &Answer) -> String {
    let json = answer.json();
    ["message", "error"]
        .iter()
        .find_map(|key| json.get(key).and_then(Value::as_str))
        .filter(|text| !text.is_empty())
        .map_or_else(|| format!("status {}", answer.status), str::to_owned)
}

impl<'a> Customer<'a> {
    /// The customer behind `user`, one of this pod's `crowd`, with what they remember.
    pub(crate) fn meet(
        user: &'a mut GooseUser,
        seed: u64,
        crowd: &str,
        recorder: Arc<Recorder>,
    ) -> Self {
        let index = user.weighted_users_index as u64;
        let memory = match user.get_session_data::<Kept>() {
            Some(Kept(memory)) => memory.lock().unwrap_or_else(PoisonError::into_inner).take(),
            None => {
                recorder.came();
                None
            }
        };
        let memory = memory.unwrap_or_else(|| Memory {
            rng: StdRng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ index),
            account: None,
            logged_in: false,
            ordered: Vec::new(),
        });
        Self {
            user,
            memory,
            recorder,
            journey: "",
            number: format!("{seed}-{crowd}-{index}"),
        }
    }

    /// The next journey, drawn by weight.
    pub(crate) fn draw(&mut self, journeys: &'static [Journey]) -> &'static Journey {
        let sum: u32 = journeys.iter().map(|journey| journey.weight).sum();
        let mut left = self.memory.rng.random_range(0..sum.max(1));
        for journey in journeys {
            if left < journey.weight {
                return journey;
            }
            left -= journey.weight;
        }
        &journeys[0]
    }

    /// Makes `journey` as far as the shop lets it, and remembers.
    pub(crate) async fn make(mut self, journey: &'static Journey) {
        self.journey = journey.name;
        match (journey.go)(&mut self).await {
            // A journey that is lost is on record already, request by request.
            Ok(()) | Err(Lost) => {}
        }
        let kept = Kept(Arc::new(Mutex::new(Some(self.memory))));
        self.user.set_session_data(kept);
    }

    /// From now on requests are of `journey`; of which they were.
    pub(crate) fn change_to(&mut self, journey: &'static str) -> &'static str {
        std::mem::replace(&mut self.journey, journey)
    }

    pub(crate) fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }

    /// A number that no other customer has, of this pod or another.
    pub(crate) fn number(&self) -> String {
        self.number.clone()
    }

    /// One of `choices`.
    pub(crate) fn pick<'c, T>(&mut self, choices: &'c [T]) -> Option<&'c T> {
        if choices.is_empty() {
            return None;
        }
        let index = self.memory.rng.random_range(0..choices.len());
        choices.get(index)
    }

    /// An order was placed, or could not be.
    pub(crate) fn count_order(&self, outcome: Outcome) {
        self.recorder.order(outcome);
    }

    /// The order `id` was taken just now.
    pub(crate) fn wait_for(&mut self, id: &str) {
        self.memory.ordered.push((id.to_owned(), Instant::now()));
    }

    /// The orders that were taken longer than `within` ago. They are looked after
    /// once: who complained of one does not do so again.
    pub(crate) fn overdue(&mut self, within: Duration) -> Vec<String> {
        let ordered = std::mem::take(&mut self.memory.ordered);
        let (due, waiting): (Vec<_>, Vec<_>) = ordered
            .into_iter()
            .partition(|(_, since)| since.elapsed() > within);
        self.memory.ordered = waiting;
        due.into_iter().map(|(id, _)| id).collect()
    }

    /// Asks, reads the answer to its end, and writes it down.
    pub(crate) async fn ask(
        &mut self,
        ask: Ask<'_>,
        expected: impl Fn(&Answer) -> Verdict,
    ) -> Result<Answer, Lost> {
        self.ask_timed(ask, expected).await.0
    }

    /// As [`Customer::ask`], with how the request went.
    pub(crate) async fn ask_timed(
        &mut self,
        ask: Ask<'_>,
        expected: impl Fn(&Answer) -> Verdict,
    ) -> (Result<Answer, Lost>, Outcome) {
        let method = method_name(&ask.method);
        let span = instrument::span::client(method, "front-end", "front-end", ask.path);
        let span_of = span.clone();
        async move {
            let start_ms = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_millis() as u64);
            let started = Instant::now();
            let step = ask.step;
            let logging_in = ask.login.is_some();
            let answer = self.send(ask).await;
            let duration = started.elapsed();
            let verdict = match &answer {
                Some(answer) => expected(answer),
                None => Err("Site unavailable".to_owned()),
            };
            let status = answer.as_ref().map_or(0, |answer| answer.status);
            span_of.record("http.response.status_code", status);
            let seen = verdict.as_ref().err().map_or("", String::as_str);
            if !seen.is_empty() {
                instrument::span::fail(&span_of, "failed", seen);
            }
            // Whom the shop does not let in again is still known from before.
            if matches!(status, 401 | 403) && !logging_in {
                self.memory.logged_in = false;
            }
            let outcome = self.recorder.write(&Record {
                journey: self.journey,
                step,
                status,
                duration,
                start_ms,
                seen,
                right: verdict.is_ok(),
                user: self.user.weighted_users_index,
            });
            let answer = match (answer, verdict) {
                (Some(answer), Ok(())) => Ok(answer),
                _ => Err(Lost),
            };
            (answer, outcome)
        }
        .instrument(span)
        .await
    }

    /// The answer, or nothing where none came to its end.
    async fn send(&mut self, ask: Ask<'_>) -> Option<Answer> {
        let mut headers = HeaderMap::new();
        instrument::propagation::inject(&mut headers);
        let mut builder = self.user.get_request_builder(&ask.method, ask.path).ok()?;
        builder = builder.headers(headers);
        if let Some(json) = &ask.json {
            builder = builder.json(json);
        }
        if let Some((name, password)) = &ask.login {
            use base64::Engine;
            let pair = format!("{name}:{password}");
            let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
            builder = builder.header(AUTHORIZATION, format!("Basic {encoded}"));
        }
        let request = GooseRequest::builder()
            .name(ask.step)
            .set_request_builder(builder)
            .build();
        let response = self.user.request(request).await.ok()?.response.ok()?;
        let status = response.status().as_u16();
        let text = response.text().await.ok()?;
        Some(Answer { status, text })
    }
}

fn method_name(method: &GooseMethod) -> &'static str {
    match method {
        GooseMethod::Get => "GET",
        GooseMethod::Post => "POST",
        GooseMethod::Delete => "DELETE",
        GooseMethod::Put => "PUT",
        GooseMethod::Patch => "PATCH",
        GooseMethod::Head => "HEAD",
        GooseMethod::Custom => "CUSTOM",
    }
}
