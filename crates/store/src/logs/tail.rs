//! `tail`: lines as they come, over a WebSocket.
//!
//! Source: <https://grafana.com/docs/loki/latest/reference/loki-http-api/#stream-logs>.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::api::Refusal;
use super::eval::{self, Direction};
use super::labels::Labels;
use super::logql::{Expr, LogExpr, parse};
use super::params::Params;
use super::pipeline::{self, Hints, Work};
use super::storage::{Appended, Logs};

/// Opens the stream.
pub(super) async fn handle(
    State(logs): State<Arc<Logs>>,
    RawQuery(query): RawQuery,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Refusal> {
    let params = Params::new(query.as_deref(), &[]);
    let Expr::Log(log) = parse(params.get("query").unwrap_or(""))? else {
        return Err(Refusal::bad("only log queries can be tailed"));
    };
    let limit = params
        .get("limit")
        .and_then(|n| n.parse().ok())
        .unwrap_or(100);
    let now = logs.clock().now_ns();
    let start = params.time("start")?.unwrap_or(now - 3_600_000_000_000);
    Ok(upgrade.on_upgrade(move |socket| stream(socket, logs, log, start, limit)))
}

async fn stream(mut socket: WebSocket, logs: Arc<Logs>, log: LogExpr, start: i64, limit: usize) {
    let mut news = logs.subscribe();
    let past = eval::lines(
        &logs,
        &log,
        (start, i64::MAX),
        Direction::Backward,
        limit,
        0,
    );
    let mut rows: Vec<(Labels, i64, String)> = past
        .unwrap_or_default()
        .into_iter()
        .map(|row| (row.labels, row.ts, row.line))
        .collect();
    rows.reverse();
    if !rows.is_empty() && send(&mut socket, rows).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            got = socket.recv() => match got {
                None | Some(Err(_) | Ok(Message::Close(_))) => return,
                Some(Ok(_)) => {}
            },
            appended = news.recv() => match appended {
                Ok(appended) => {
                    let rows = matching(&log, &appended);
                    if !rows.is_empty() && send(&mut socket, rows).await.is_err() {
                        return;
                    }
                }
                // Lines came faster than this client reads: it goes on with the newest.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
        }
    }
}

fn matching(log: &LogExpr, appended: &Appended) -> Vec<(Labels, i64, String)> {
    let fits = log
        .matchers
        .iter()
        .all(|m| m.matches(appended.labels.get(&m.name).unwrap_or("")));
    if !fits {
        return Vec::new();
    }
    appended
        .entries
        .iter()
        .filter_map(|entry| {
            let mut work = Work::new(&appended.labels, &entry.metadata, entry.ts, &entry.line);
            pipeline::run(&log.stages, &mut work, &Hints::default())
                .then(|| (work.result(), entry.ts, work.line.into_owned()))
        })
        .collect()
}

async fn send(socket: &mut WebSocket, rows: Vec<(Labels, i64, String)>) -> Result<(), axum::Error> {
    let mut streams: BTreeMap<Labels, Vec<Value>> = BTreeMap::new();
    for (labels, ts, line) in rows {
        streams
            .entry(labels)
            .or_default()
            .push(json!([ts.to_string(), line]));
    }
    let streams: Vec<Value> = streams
        .iter()
        .map(|(labels, values)| json!({"stream": labels.to_json(), "values": values}))
        .collect();
    let text = json!({"streams": streams}).to_string();
    socket.send(Message::Text(text.into())).await
}
