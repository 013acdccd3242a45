//! Watches over HTTP: one JSON line for each change.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::read::Filter;
use super::status::{ApiError, ApiResult};
use super::{Api, Call, form::Form, target::Params};
use crate::objects::{Change, ChangeType, Objects, StoreError, Watch};

/// How long a watch lasts when nothing else is asked for.
const LASTING: i64 = 1_800;

/// What a running watch needs.
struct Running {
    watch: Watch,
    /// Lines that are due before the next change.
    due: VecDeque<Bytes>,
    filter: Filter,
    call: Call,
    access: super::auth::Access,
    until: Instant,
    cancel: CancellationToken,
    ended: bool,
}

/// `GET` with `watch=true`.
pub(super) fn serve(api: &Api, call: &Call) -> ApiResult<Response> {
    let filter = Filter::of(call)?;
    let call = Call {
        who: call.who,
        target: call.target.clone(),
        params: call.params.clone(),
        form: call.form,
    };
    let seconds = call
        .params
        .number("timeoutSeconds")?
        .unwrap_or(LASTING)
        .clamp(1, 86_400);
    let started = start(&api.objects, &call.params, &filter, api, &call);
    let (watch, due) = match started {
        Ok(started) => started,
        Err(error @ StoreError::Expired { .. }) => {
            let line = line("ERROR", ApiError::from(error).status());
            return Ok(respond(Body::from(line)));
        }
        Err(error) => return Err(error.into()),
    };
    let running = Running {
        watch,
        due,
        filter,
        call,
        access: api.access.clone(),
        until: Instant::now() + Duration::from_secs(seconds.unsigned_abs()),
        cancel: api.cancel.clone(),
        ended: false,
    };
    let lines = futures::stream::unfold(running, |mut running| async move {
        let line = running.next().await?;
        Some((Ok::<_, std::convert::Infallible>(line), running))
    });
    Ok(respond(Body::from_stream(lines)))
}

/// The watch and what it tells first: without a revision, all that is there.
fn start(
    objects: &Objects,
    params: &Params,
    filter: &Filter,
    api: &Api,
    call: &Call,
) -> Result<(Watch, VecDeque<Bytes>), StoreError> {
    let since = params
        .get("resourceVersion")
        .and_then(|text| text.parse().ok());
    let initial = params.flag("sendInitialEvents");
    match since {
        Some(since) if since > 0 && !initial => Ok((
            objects.watch(call.target.kind, Some(since))?,
            VecDeque::new(),
        )),
        _ => {
            let (present, watch) = objects.list_and_watch(call.target.kind);
            let mut due: VecDeque<_> = present
                .iter()
                .filter(|object| filter.matches(&api.access, object))
                .map(|object| line(ChangeType::Added.word(), call.shape(object)))
                .collect();
            if initial {
                due.push_back(bookmark(call, watch.revision(), true));
            }
            Ok((watch, due))
        }
    }
}

impl Running {
    /// The next line; `None` at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.due.pop_front() {
                return Some(line);
            }
            if self.ended {
                return None;
            }
            tokio::select! {
                () = self.cancel.cancelled() => return None,
                () = tokio::time::sleep_until(self.until) => {
                    self.ended = true;
                    if self.call.params.flag("allowWatchBookmarks") {
                        self.due.push_back(bookmark(&self.call, self.watch.revision(), false));
                    }
                }
                change = self.watch.next() => match change {
                    Ok(change) => self.due.extend(self.told(&change)),
                    Err(error) => {
                        self.ended = true;
                        self.due.push_back(line("ERROR", ApiError::from(error).status()));
                    }
                },
            }
        }
    }

    /// What a change is to somebody who sees only what the filter lets through.
    fn told(&self, change: &Change) -> Option<Bytes> {
        let seen = |object: &Arc<Value>| self.filter.matches(&self.access, object);
        let before = change.previous.as_ref().is_some_and(seen);
        let after = change.change != ChangeType::Deleted && seen(&change.object);
        let word = match (before, after) {
            (false, true) => ChangeType::Added,
            (true, true) => ChangeType::Modified,
            (true, false) => ChangeType::Deleted,
            (false, false) => return None,
        };
        Some(line(word.word(), self.call.shape(&change.object)))
    }
}

fn line(word: &str, object: Value) -> Bytes {
    let mut text = json!({ "type": word, "object": object }).to_string();
    text.push('\n');
    Bytes::from(text)
}

fn bookmark(call: &Call, revision: u64, initial_end: bool) -> Bytes {
    let info = call.target.kind.info();
    let mut object = match call.form {
        Form::Plain => json!({ "kind": info.kind, "apiVersion": info.api_version() }),
        Form::Table => json!({ "kind": "Table", "apiVersion": "meta.k8s.io/v1", "rows": [] }),
        Form::Metadata => {
            json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1" })
        }
    };
    object["metadata"] = json!({ "resourceVersion": revision.to_string() });
    if initial_end {
        object["metadata"]["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
    }
    line("BOOKMARK", object)
}

fn respond(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
