//! Tempo's `StreamingQuerier` over gRPC, on the port of its HTTP API: what is asked there is asked
//! as over HTTP, and answered by one message, the last of its stream.
//!
//! Source: <https://github.com/grafana/tempo/blob/main/pkg/tempopb/tempo.proto>.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use prost::Message;
use url::form_urlencoded::Serializer;

use super::{Handler, Params, Refusal, metrics, run, search, tag};
use crate::grpc::{self, Code, Failure};
use crate::traces::Traces;
use crate::traces::messages::{MetricsRequest, SearchRequest, TagValuesRequest, TagsRequest};

/// The name of a tag among the parameters.
const TAG: &str = "tagName";

pub(super) fn router() -> Router<Arc<Traces>> {
    let values_v1: Handler = |t, p| tag::values_v1(t, p.get(TAG).unwrap_or(""), p);
    let values_v2: Handler = |t, p| tag::values_v2(t, p.get(TAG).unwrap_or(""), p);
    let router = Router::new();
    let router = method(router, "Search", of_search, search::search);
    let router = method(router, "SearchTags", of_tags, tag::names_v1);
    let router = method(router, "SearchTagsV2", of_tags, tag::names_v2);
    let router = method(router, "SearchTagValues", of_values, values_v1);
    let router = method(router, "SearchTagValuesV2", of_values, values_v2);
    let router = method(router, "MetricsQueryRange", of_metrics, metrics::range);
    method(router, "MetricsQueryInstant", of_metrics, metrics::instant)
}

/// Adds a method: its request becomes the query string of the same question over HTTP.
fn method<T: Message + Default + 'static>(
    router: Router<Arc<Traces>>,
    name: &str,
    query: fn(T) -> Query,
    handler: Handler,
) -> Router<Arc<Traces>> {
    let answer = move |State(traces): State<Arc<Traces>>, headers: HeaderMap, body: Bytes| async move {
        let request: T = match grpc::read(&headers, &body) {
            Ok(request) => request,
            Err(answer) => return *answer,
        };
        let params = Params::new(Some(&query(request).0), &[]);
        let found = run(traces, move |t| handler(t, &params).map(|b| b.protobuf())).await;
        answered(found)
    };
    router.route(&format!("/tempopb.StreamingQuerier/{name}"), post(answer))
}

fn answered(found: Result<Vec<u8>, Refusal>) -> Response {
    match found {
        Ok(message) => grpc::answer(&message),
        Err(Refusal(status, message)) => {
            grpc::error(&Failure(Code::of(status), message.trim_end().to_owned()))
        }
    }
}

/// A query string.
struct Query(String);

impl Query {
    fn of(pairs: &[(&str, String)]) -> Self {
        let mut query = Serializer::new(String::new());
        // What a message does not say is empty or 0.
        let said = pairs.iter().filter(|(_, v)| !matches!(&**v, "" | "0"));
        query.extend_pairs(said);
        Self(query.finish())
    }
}

fn of_search(asked: SearchRequest) -> Query {
    let tags = asked
        .tags
        .iter()
        .map(|(key, value)| format!("{key}={value:?}"));
    let millis = |millis: u32| match millis {
        0 => String::new(),
        millis => format!("{millis}ms"),
    };
    Query::of(&[
        ("q", asked.query),
        ("tags", tags.collect::<Vec<_>>().join(" ")),
        ("minDuration", millis(asked.min_duration_ms)),
        ("maxDuration", millis(asked.max_duration_ms)),
        ("limit", asked.limit.to_string()),
        ("start", asked.start.to_string()),
        ("end", asked.end.to_string()),
        ("spss", asked.spans_per_span_set.to_string()),
    ])
}

fn of_tags(asked: TagsRequest) -> Query {
    Query::of(&[
        ("scope", asked.scope),
        ("q", asked.query),
        ("start", asked.start.to_string()),
        ("end", asked.end.to_string()),
        ("limit", asked.max_tags_per_scope.to_string()),
    ])
}

fn of_values(asked: TagValuesRequest) -> Query {
    Query::of(&[
        (TAG, asked.tag_name),
        ("q", asked.query),
        ("start", asked.start.to_string()),
        ("end", asked.end.to_string()),
        ("limit", asked.max_tag_values.to_string()),
    ])
}

fn of_metrics(asked: MetricsRequest) -> Query {
    let step = match asked.step {
        0 => String::new(),
        nanos => format!("{nanos}ns"),
    };
    Query::of(&[
        ("q", asked.query),
        ("start", asked.start.to_string()),
        ("end", asked.end.to_string()),
        ("step", step),
        ("exemplars", asked.exemplars.to_string()),
        ("maxSeries", asked.max_series.to_string()),
    ])
}
