//! RabbitMQ's management API, as far as an operator of a queue needs it.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::broker::Broker;
use super::policy::Policy;
use super::queue::Queue;
use super::server::Shared;
use super::{VERSION, VHOST};

type App = State<Arc<Shared>>;

/// The routes, all behind the user's password.
pub(super) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/api/overview", get(overview))
        .route("/api/whoami", get(whoami))
        .route(
            "/api/vhosts",
            get(async || Json(json!([{ "name": VHOST }]))),
        )
        .route("/api/health/checks/alarms", get(alarms))
        .route("/api/connections", get(connections))
        .route("/api/exchanges", get(exchanges))
        .route("/api/queues", get(queues))
        .route("/api/queues/{vhost}", get(queues_of))
        .route("/api/queues/{vhost}/{name}", get(queue).delete(drop_queue))
        .route("/api/queues/{vhost}/{name}/contents", delete(purge))
        .route("/api/policies", get(policies))
        .route("/api/policies/{vhost}", get(policies))
        .route(
            "/api/policies/{vhost}/{name}",
            get(policy).put(set_policy).delete(drop_policy),
        )
        .fallback(async || not_found())
        .layer(middleware::from_fn_with_state(shared.clone(), authorised))
        .with_state(shared)
}

async fn authorised(
    State(shared): App,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Response {
    let given = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "));
    let config = &shared.config;
    if given.is_some_and(|given| {
        given == STANDARD.encode(format!("{}:{}", config.user, config.password))
    }) {
        return next.run(request).await;
    }
    let asks = [(WWW_AUTHENTICATE, "Basic realm=\"RabbitMQ Management\"")];
    let reason = if given.is_some() {
        "Not_Authorized"
    } else {
        "Login failed"
    };
    (
        StatusCode::UNAUTHORIZED,
        asks,
        Json(json!({ "error": "not_authorized", "reason": reason })),
    )
        .into_response()
}

fn not_found() -> Response {
    (
        StatusCode::NOT_FOUND,
        Json(json!({ "error": "Object Not Found", "reason": "Not Found" })),
    )
        .into_response()
}

async fn whoami(State(shared): App) -> Json<Value> {
    Json(json!({ "name": shared.config.user, "tags": ["administrator"] }))
}

async fn overview(State(shared): App) -> Json<Value> {
    let broker = shared.broker();
    let sum = |read: fn(&Queue) -> u64| broker.queues.values().map(read).sum::<u64>();
    let consumers: usize = broker
        .queues
        .values()
        .map(|queue| queue.consumers.len())
        .sum();
    Json(json!({
        "management_version": VERSION,
        "rabbitmq_version": VERSION,
        "product_name": "RabbitMQ",
        "product_version": VERSION,
        "cluster_name": "rabbit@rabbitmq",
        "node": "rabbit@rabbitmq",
        "object_totals": {
            "channels": broker.channels.len(),
            "connections": broker.peers.len(),
            "consumers": consumers,
            "exchanges": broker.exchanges.len() + 1,
            "queues": broker.queues.len(),
        },
        "queue_totals": {
            "messages": sum(Queue::messages),
            "messages_ready": sum(|queue| queue.ready.len() as u64),
            "messages_unacknowledged": sum(|queue| queue.unacked),
        },
        "message_stats": {
            "publish": broker.totals.published,
            "confirm": broker.totals.confirmed,
            "drop_unroutable": broker.totals.unroutable,
            "deliver_get": sum(|queue| queue.delivered),
            "ack": sum(|queue| queue.acked),
        },
    }))
}

async fn alarms(State(shared): App) -> Response {
    match shared.broker().alarm.borrow().clone() {
        None => Json(json!({ "status": "ok" })).into_response(),
        Some(reason) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "failed", "reason": reason })),
        )
            .into_response(),
    }
}

async fn connections(State(shared): App) -> Json<Value> {
    let broker = shared.broker();
    let each = broker.peers.iter().map(|(id, peer)| {
        let channels = broker.channels.keys().filter(|key| key.connection == *id).count();
        json!({ "name": format!("{} -> {}", peer.address, shared.config.listen), "user": peer.user, "vhost": VHOST, "channels": channels,
            "state": "running" })
    });
    Json(each.collect())
}

async fn exchanges(State(shared): App) -> Json<Value> {
    let broker = shared.broker();
    let default = json!({ "name": "", "type": "direct", "vhost": VHOST, "durable": true, "auto_delete": false });
    let each = broker.exchanges.iter().map(|(name, exchange)| {
        json!({ "name": name, "type": exchange.kind.name(), "vhost": VHOST, "durable": exchange.durable, "auto_delete": exchange.auto_delete })
    });
    Json(std::iter::once(default).chain(each).collect())
}

fn shown(broker: &Broker, name: &str, queue: &Queue) -> Value {
    json!({
        "name": name,
        "vhost": VHOST,
        "type": "classic",
        "node": "rabbit@rabbitmq",
        "state": "running",
        "durable": queue.declared.durable,
        "auto_delete": queue.declared.auto_delete,
        "exclusive": queue.declared.exclusive.is_some(),
        "arguments": arguments(queue),
        "policy": broker.policy_of(name),
        "messages": queue.messages(),
        "messages_ready": queue.ready.len(),
        "messages_unacknowledged": queue.unacked,
        "consumers": queue.consumers.len(),
        "message_stats": {
            "publish": queue.published,
            "deliver_get": queue.delivered,
            "ack": queue.acked,
            "redeliver": queue.redelivered,
        },
    })
}

fn arguments(queue: &Queue) -> Value {
    use amq_protocol::types::AMQPValue;
    let plain = |value: &AMQPValue| match value {
        AMQPValue::Boolean(value) => json!(value),
        AMQPValue::LongString(text) => json!(text.to_string()),
        AMQPValue::ShortString(text) => json!(text.to_string()),
        AMQPValue::LongInt(number) => json!(number),
        AMQPValue::LongUInt(number) => json!(number),
        AMQPValue::LongLongInt(number) => json!(number),
        AMQPValue::ShortInt(number) => json!(number),
        other => json!(format!("{other:?}")),
    };
    queue
        .declared
        .arguments
        .inner()
        .iter()
        .map(|(key, value)| (key.to_string(), plain(value)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

async fn queues(State(shared): App) -> Json<Value> {
    let broker = shared.broker();
    Json(
        broker
            .queues
            .iter()
            .map(|(name, queue)| shown(&broker, name, queue))
            .collect(),
    )
}

async fn queues_of(State(shared): App, Path(vhost): Path<String>) -> Response {
    if vhost == VHOST {
        queues(State(shared)).await.into_response()
    } else {
        not_found()
    }
}

async fn queue(State(shared): App, Path((vhost, name)): Path<(String, String)>) -> Response {
    let broker = shared.broker();
    match broker.queues.get(&name).filter(|_| vhost == VHOST) {
        Some(queue) => Json(shown(&broker, &name, queue)).into_response(),
        None => not_found(),
    }
}

async fn drop_queue(State(shared): App, Path((vhost, name)): Path<(String, String)>) -> Response {
    let mut broker = shared.broker();
    if vhost != VHOST || !broker.queues.contains_key(&name) {
        return not_found();
    }
    broker.drop_queue(&name);
    StatusCode::NO_CONTENT.into_response()
}

async fn purge(State(shared): App, Path((vhost, name)): Path<(String, String)>) -> Response {
    let mut broker = shared.broker();
    let owner = broker
        .queues
        .get(&name)
        .filter(|_| vhost == VHOST)
        .map(|queue| queue.declared.exclusive.unwrap_or_default());
    match owner.map(|owner| broker.purge(owner, &name)) {
        Some(Ok(_)) => StatusCode::NO_CONTENT.into_response(),
        _ => not_found(),
    }
}

fn policy_shown(name: &str, policy: &Policy) -> Value {
    json!({ "vhost": VHOST, "name": name, "pattern": policy.pattern, "apply-to": policy.apply_to, "definition": policy.definition,
        "priority": policy.priority })
}

async fn policies(State(shared): App) -> Json<Value> {
    Json(
        shared
            .broker()
            .policies
            .iter()
            .map(|(name, policy)| policy_shown(name, policy))
            .collect(),
    )
}

async fn policy(State(shared): App, Path((_, name)): Path<(String, String)>) -> Response {
    shared
        .broker()
        .policies
        .get(&name)
        .map_or_else(not_found, |policy| {
            Json(policy_shown(&name, policy)).into_response()
        })
}

async fn set_policy(
    State(shared): App,
    Path((_, name)): Path<(String, String)>,
    body: String,
) -> Response {
    let bad = |reason: String| {
        (
            StatusCode::BAD_REQUEST,
            Json(json!({ "error": "bad_request", "reason": reason })),
        )
            .into_response()
    };
    let policy: Policy = match serde_json::from_str(&body) {
        Ok(policy) => policy,
        Err(error) => return bad(error.to_string()),
    };
    if let Some(problem) = policy.problem() {
        return bad(problem);
    }
    tracing::info!(policy = name, pattern = policy.pattern, "policy set");
    let known = shared.broker().set_policy(&name, Some(policy));
    if known {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::CREATED
    }
    .into_response()
}

async fn drop_policy(State(shared): App, Path((_, name)): Path<(String, String)>) -> Response {
    if shared.broker().set_policy(&name, None) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        not_found()
    }
}
