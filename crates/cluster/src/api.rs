//! The API server: Kubernetes' REST API over the object store.

mod access_review;
pub(crate) mod auth;
mod autoscaler_view;
mod check;
mod discovery;
mod event_view;
mod exec;
mod form;
mod forward;
mod log;
mod metrics;
mod openapi;
mod patch;
mod protobuf;
mod proxy;
mod read;
mod scale;
mod server;
mod status;
mod table;
mod target;
mod tls;
mod usage;
mod view;
mod watch;
mod write;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode, header};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

pub(crate) use metrics::PlatformMetrics;
pub(crate) use patch::merge;
pub(crate) use server::Server;
pub use server::ServerError;
pub use tls::TlsError;
pub(crate) use tls::TlsMaterial;

pub(crate) use write::encode_string_data;

use crate::objects::Objects;
use crate::runtime::Runtime;
use auth::{Access, Identity};
use form::Form;
use status::{ApiError, ApiResult};
use target::{Params, Part, Target};

/// The largest body that a request may have.
const BODY_LIMIT: usize = 3 * 1024 * 1024;

/// What every request needs.
pub(crate) struct Api {
    pub(crate) objects: Objects,
    pub(crate) access: Access,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) client: reqwest::Client,
    /// Ends watches and followed logs.
    pub(crate) cancel: CancellationToken,
}

/// One request for a resource.
struct Call {
    who: Identity,
    target: Target,
    params: Params,
    form: Form,
}

/// The whole API as a service.
pub(crate) fn app(api: Arc<Api>) -> Router {
    Router::new().fallback(handle).with_state(api)
}

async fn handle(State(api): State<Arc<Api>>, request: Request) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = answer(api, request)
        .await
        .unwrap_or_else(IntoResponse::into_response);
    tracing::debug!(%method, path, status = response.status().as_u16(), "request");
    response
}

async fn answer(api: Arc<Api>, request: Request) -> ApiResult<Response> {
    let path = request.uri().path().to_owned();
    if matches!(path.as_str(), "/healthz" | "/livez" | "/readyz") {
        return Ok("ok".into_response());
    }
    let who = api.access.identify(request.headers())?;
    if request.method() == Method::GET
        && let Some(response) = document(&api, who, &path)?
    {
        return Ok(response);
    }
    if let Some(rest) = path.strip_prefix("/apis/metrics.k8s.io/v1beta1/") {
        let params = Params::parse(request.uri().query());
        return usage::resource(&api, who, rest, &params);
    }
    if path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews" {
        let content_type = form::content_type(request.headers());
        let review = form::body(request.into_body(), &content_type).await?;
        return access_review::review(&api.access, who, review);
    }
    let call = Call {
        who,
        target: Target::parse(&path)?,
        params: Params::parse(request.uri().query()),
        form: Form::of_headers(request.headers()),
    };
    let verb = verb(request.method(), &call);
    api.access.check(who, verb, &call.target)?;
    match &call.target.part {
        Part::Proxy(rest) => {
            let rest = rest.clone();
            proxy::relay(&api, &call.target, &rest, request).await
        }
        Part::Forward => forward::serve(&api, &call.target, &call.params, request).await,
        Part::Log => log::serve(&api, &call.target, &call.params).await,
        Part::Exec => exec::serve(api, call, request).await,
        Part::Attach => Err(ApiError::not_implemented(
            "attach is not served by this cluster: follow the log instead (kubectl logs -f)",
        )),
        _ => resource(&api, &call, request).await,
    }
}

async fn resource(api: &Api, call: &Call, request: Request) -> ApiResult<Response> {
    let (parts, body) = request.into_parts();
    let content_type = form::content_type(&parts.headers);
    let named = call.target.name.is_some();
    match parts.method {
        Method::GET if call.params.flag("watch") => watch::serve(api, call),
        Method::GET if call.target.part == Part::Scale => scale::get(api, call),
        Method::GET if named => read::get(api, call),
        Method::GET => read::list(api, call),
        Method::POST => write::create(api, call, form::body(body, &content_type).await?),
        Method::PUT if named => write::replace(api, call, form::body(body, &content_type).await?),
        Method::PATCH if named => {
            let kind = patch::PatchKind::of_content_type(&content_type)?;
            write::patch(api, call, kind, form::body(body, &content_type).await?)
        }
        Method::DELETE => write::delete(api, call, form::optional_body(body, &content_type).await?),
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// Documents that are not resources: discovery, OpenAPI, metrics.
fn document(api: &Api, who: Identity, path: &str) -> ApiResult<Option<Response>> {
    let json = |value: Value| Some(axum::Json(value).into_response());
    Ok(match path {
        "/" => json(discovery::index()),
        "/openapi/v2" => Some(openapi_v2()),
        "/openapi/v3" => json(openapi::index()),
        "/metrics" => {
            if who != Identity::Lab {
                return Err(ApiError::forbidden(who.user(), "get", "/metrics", "", ""));
            }
            let text = PlatformMetrics::new(&api.objects, &*api.runtime).render();
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            Some(([(header::CONTENT_TYPE, kind)], text).into_response())
        }
        _ => match path.strip_prefix("/openapi/v3/") {
            Some(place) => json(openapi::document(place).ok_or_else(ApiError::no_such_path)?),
            None => discovery::document(path).and_then(json),
        },
    })
}

/// Clients ask for protobuf; the empty message is a document without definitions.
fn openapi_v2() -> Response {
    let kind = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    (
        StatusCode::OK,
        [(header::CONTENT_TYPE, kind)],
        Body::empty(),
    )
        .into_response()
}

fn verb(method: &Method, call: &Call) -> &'static str {
    match *method {
        Method::GET | Method::HEAD if call.params.flag("watch") => "watch",
        Method::GET | Method::HEAD if call.target.name.is_none() => "list",
        Method::GET | Method::HEAD => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE if call.target.name.is_none() => "deletecollection",
        _ => "delete",
    }
}

#[cfg(test)]
mod tests;
