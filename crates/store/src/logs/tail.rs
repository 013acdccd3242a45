//! `tail`: lines as they come, over a WebSocket.
//!
//! Source: <https://grafana.com/docs/loki/latest/reference/loki-http-api/#stream-logs>.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior};

use super::api::{Refusal, categorizes, entry};
use super::eval::{self, Cancel, Direction, Row, Run};
use super::labels::Labels;
use super::logql::{Expr, LogExpr, parse};
use super::params::Params;
use super::pipeline::{Hints, Origin, Pipeline, Work};
use super::storage::{Appended, Logs, Place};

/// The longest time that lines may be held back, in seconds.
const MAX_DELAY: u64 = 5;
/// How often it is looked whether the client is there still.
const PING_EVERY: Duration = Duration::from_secs(1);
/// Lines that are caught up with at once when a client was too slow.
const CATCH_UP: usize = 5000;

/// What a client wants to see.
struct Wanted {
    log: LogExpr,
    start: i64,
    limit: usize,
    delay: Duration,
    categorize: bool,
}

/// Opens the stream.
pub(super) async fn handle(
    State(logs): State<Arc<Logs>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let params = Params::new(query.as_deref(), &[]);
    let expr = parse(params.get("query").unwrap_or(""))?;
    let number = |name: &str, default: u64| match params.get(name) {
        None => Ok(default),
        Some(text) => text
            .parse::<u64>()
            .map_err(|_| Refusal::bad(format!("strconv.Atoi: parsing {text:?}: invalid syntax"))),
    };
    let limit = number("limit", 100)?;
    let delay = number("delay_for", 0)?;
    if delay > MAX_DELAY {
        return Err(Refusal::bad(format!(
            "delay_for can't be greater than {MAX_DELAY}"
        )));
    }
    let now = logs.clock().now_ns();
    let start = params.time("start")?.unwrap_or(now - 3_600_000_000_000);
    let categorize = categorizes(&headers);
    Ok(upgrade.on_upgrade(move |mut socket| async move {
        let reason = match expr {
            Expr::Log(log) => {
                let wanted = Wanted {
                    log,
                    start,
                    limit: usize::try_from(limit).unwrap_or(usize::MAX),
                    delay: Duration::from_secs(delay),
                    categorize,
                };
                follow(&mut socket, logs, wanted).await
            }
            _ => Some("only log selector is supported".to_owned()),
        };
        if let Some(reason) = reason {
            let frame = CloseFrame {
                code: close_code::ERROR,
                reason: reason.into(),
            };
            // A client that is gone needs no reason.
            let _ = socket.send(Message::Close(Some(frame))).await;
        }
    }))
}

/// Sends lines until the client goes; gives the reason if it was not the client.
async fn follow(socket: &mut WebSocket, logs: Arc<Logs>, wanted: Wanted) -> Option<String> {
    let max = logs.config().max_tails;
    let place = Place::take(&logs.places.tailing, 1, max);
    if let Err(count) = place {
        return Some(format!(
            "max concurrent tail requests limit exceeded, count > limit ({count} > {max})"
        ));
    }
    let mut news = logs.subscribe();
    let ends = Instant::now() + logs.config().tail_duration;
    let wanted = Arc::new(wanted);
    let past = match past(&logs, &wanted, wanted.start, wanted.limit).await {
        Ok(rows) => rows,
        Err(reason) => return Some(reason),
    };
    let mut newest = past.last().map_or(wanted.start, |row| row.ts);
    // What is pushed while the past is read comes twice.
    let known: HashSet<(i64, String)> = past.iter().map(|r| (r.ts, r.line.clone())).collect();
    let mut held: VecDeque<(Instant, Vec<Row>)> = VecDeque::new();
    if !past.is_empty() {
        held.push_back((Instant::now(), past));
    }
    let mut ping = tokio::time::interval(PING_EVERY);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let due = held.front().map_or(ends, |(due, _)| *due);
        let rows = tokio::select! {
            got = socket.recv() => match got {
                None | Some(Err(_) | Ok(Message::Close(_))) => return None,
                Some(Ok(_)) => continue,
            },
            appended = news.recv() => match appended {
                Ok(appended) => matching(&wanted.log, &appended),
                // Lines came faster than this client reads. They are all in the store.
                Err(RecvError::Lagged(_)) => {
                    match self::past(&logs, &wanted, newest + 1, CATCH_UP).await {
                        Ok(rows) => rows,
                        Err(reason) => return Some(reason),
                    }
                }
                Err(RecvError::Closed) => return None,
            },
            () = tokio::time::sleep_until(due) => {
                let Some((_, rows)) = held.pop_front() else {
                    return Some("reached tail max duration limit".to_owned());
                };
                if send(socket, rows, wanted.categorize).await.is_err() {
                    return None;
                }
                continue;
            },
            _ = ping.tick() => {
                if socket.send(Message::Ping(bytes::Bytes::new())).await.is_err() {
                    return None;
                }
                continue;
            },
        };
        let rows: Vec<Row> = rows
            .into_iter()
            .filter(|row| !known.contains(&(row.ts, row.line.clone())))
            .collect();
        if !rows.is_empty() {
            newest = rows.iter().map(|row| row.ts).fold(newest, i64::max);
            held.push_back((Instant::now() + wanted.delay, rows));
        }
    }
}

/// The newest lines since `start`, oldest first.
async fn past(
    logs: &Arc<Logs>,
    wanted: &Arc<Wanted>,
    start: i64,
    limit: usize,
) -> Result<Vec<Row>, String> {
    let (logs, wanted) = (Arc::clone(logs), Arc::clone(wanted));
    let limit = limit.min(logs.config().max_entries);
    let rows = tokio::task::spawn_blocking(move || {
        let run = Run::new(&logs, Cancel::default());
        let bounds = (start, i64::MAX);
        eval::lines(&run, &wanted.log, bounds, Direction::Backward, limit, 0)
    });
    let mut rows = rows
        .await
        .map_err(|error| error.to_string())?
        .map_err(|error| error.to_string())?;
    rows.reverse();
    Ok(rows)
}

fn matching(log: &LogExpr, appended: &Appended) -> Vec<Row> {
    let fits = log
        .matchers
        .iter()
        .all(|m| m.matches(appended.labels.get(&m.name).unwrap_or("")));
    if !fits {
        return Vec::new();
    }
    let pipeline = Pipeline::new(&log.stages);
    appended
        .entries
        .iter()
        .filter(|entry| pipeline.leads(&entry.line))
        .filter_map(|entry| {
            let metadata = entry.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str()));
            let mut work = Work::new(&appended.labels, metadata, entry.ts, &entry.line);
            pipeline.run(&mut work, &Hints::default()).then(|| Row {
                ts: entry.ts,
                labels: work.result(),
                parts: [Origin::Stream, Origin::Metadata, Origin::Parsed].map(|o| work.of(o)),
                line: work.line.into_owned(),
            })
        })
        .collect()
}

async fn send(socket: &mut WebSocket, rows: Vec<Row>, categorize: bool) -> Result<(), axum::Error> {
    let mut streams: BTreeMap<&Labels, Vec<Value>> = BTreeMap::new();
    for row in &rows {
        let (key, parts) = match categorize {
            true => (&row.parts[0], Some(&row.parts)),
            false => (&row.labels, None),
        };
        let value = entry(row.ts, &row.line, parts);
        streams.entry(key).or_default().push(value);
    }
    let streams: Vec<Value> = streams
        .iter()
        .map(|(labels, values)| json!({"stream": labels.to_json(), "values": values}))
        .collect();
    let mut message = json!({"streams": streams});
    if categorize {
        message["encodingFlags"] = json!(["categorize-labels"]);
    }
    socket.send(Message::Text(message.to_string().into())).await
}
