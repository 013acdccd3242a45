//! The OpenAPI documents: each service describes its operations by examples, and serves
//! what is built of them at `/openapi.json`.

use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};

/// The version of OpenAPI that the documents are written in.
const OPENAPI: &str = "3.1.0";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const TEXT: &str = "text/plain";

/// One operation of a service. Its examples are real: sent as they stand to a shop that
/// has just started, the first answer that is documented is the one that comes.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// In lower case, as a document has it.
    method: &'static str,
    path: String,
    summary: &'static str,
    parameters: Vec<(&'static str, &'static str)>,
    body: Option<(&'static str, Value)>,
    answers: Vec<(u16, Option<(&'static str, Value)>)>,
    security: Option<&'static str>,
}

/// A GET.
pub(crate) fn read(path: impl Into<String>, summary: &'static str) -> Operation {
    Operation::new("get", path, summary)
}

/// A POST.
pub(crate) fn send(path: impl Into<String>, summary: &'static str) -> Operation {
    Operation::new("post", path, summary)
}

/// A PUT.
pub(crate) fn put(path: impl Into<String>, summary: &'static str) -> Operation {
    Operation::new("put", path, summary)
}

/// A PATCH.
pub(crate) fn change(path: impl Into<String>, summary: &'static str) -> Operation {
    Operation::new("patch", path, summary)
}

/// A DELETE.
pub(crate) fn remove(path: impl Into<String>, summary: &'static str) -> Operation {
    Operation::new("delete", path, summary)
}

impl Operation {
    fn new(method: &'static str, path: impl Into<String>, summary: &'static str) -> Self {
        Self {
            method,
            path: path.into(),
            summary,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            security: None,
        }
    }

    /// A parameter with an example; of the path if the path names it, of the query otherwise.
    pub(crate) fn with(mut self, name: &'static str, example: &'static str) -> Self {
        self.parameters.push((name, example));
        self
    }

    /// A JSON body like this one.
    pub(crate) fn takes(mut self, example: Value) -> Self {
        self.body = Some((JSON, example));
        self
    }

    /// A form with these fields.
    pub(crate) fn takes_form(mut self, example: Value) -> Self {
        self.body = Some((FORM, example));
        self
    }

    /// Wants Basic authentication.
    pub(crate) fn basic(mut self) -> Self {
        self.security = Some("basic");
        self
    }

    /// Wants a Bearer token.
    pub(crate) fn bearer(mut self) -> Self {
        self.security = Some("bearer");
        self
    }

    /// An answer with JSON like this one.
    pub(crate) fn json(mut self, status: u16, example: Value) -> Self {
        self.answers.push((status, Some((JSON, example))));
        self
    }

    /// An answer with text.
    pub(crate) fn text(mut self, status: u16, example: &'static str) -> Self {
        self.answers.push((status, Some((TEXT, example.into()))));
        self
    }

    /// An answer of some other type.
    pub(crate) fn media(mut self, status: u16, content_type: &'static str) -> Self {
        self.answers
            .push((status, Some((content_type, Value::String(String::new())))));
        self
    }

    /// An answer without a body.
    pub(crate) fn empty(mut self, status: u16) -> Self {
        self.answers.push((status, None));
        self
    }

    fn build(&self) -> Value {
        let mut operation = json!({ "summary": self.summary });
        let parameters = self.parameters.iter().map(|(name, example)| {
            let in_path = self.path.contains(&format!("{{{name}}}"));
            json!({
                "name": name,
                "in": if in_path { "path" } else { "query" },
                "required": in_path,
                "schema": { "type": "string" },
                "example": example,
            })
        });
        if !self.parameters.is_empty() {
            operation["parameters"] = parameters.collect();
        }
        if let Some((kind, example)) = &self.body {
            operation["requestBody"] =
                json!({ "required": true, "content": { *kind: content(example) } });
        }
        let answers = self.answers.iter().map(|(status, body)| {
            let phrase = StatusCode::from_u16(*status).ok();
            let phrase = phrase.and_then(|status| status.canonical_reason());
            let mut answer = json!({ "description": phrase.unwrap_or_default() });
            if let Some((kind, example)) = body {
                answer["content"] = json!({ *kind: content(example) });
            }
            (status.to_string(), answer)
        });
        operation["responses"] = Value::Object(answers.collect());
        if let Some(scheme) = self.security {
            operation["security"] = json!([{ scheme: [] }]);
        }
        operation
    }
}

fn content(example: &Value) -> Value {
    json!({ "schema": like(example), "example": example })
}

/// The schema of values like `example`: fields that it has must be there, with the type that
/// they have here; whatever is null here may be anything.
fn like(example: &Value) -> Value {
    match example {
        Value::Null => json!({}),
        Value::Bool(_) => json!({ "type": "boolean" }),
        Value::Number(number) if number.is_f64() => json!({ "type": "number" }),
        Value::Number(_) => json!({ "type": "integer" }),
        Value::String(_) => json!({ "type": "string" }),
        Value::Array(items) => {
            let items = items.first().map_or_else(|| json!({}), like);
            json!({ "type": "array", "items": items })
        }
        Value::Object(fields) => {
            let properties = fields
                .iter()
                .map(|(name, value)| (name.clone(), like(value)));
            let properties: Map<_, _> = properties.collect();
            let required: Vec<_> = fields.keys().collect();
            json!({ "type": "object", "properties": properties, "required": required })
        }
    }
}

/// What every service answers beside its own.
fn common() -> [Operation; 3] {
    [
        read("/ready", "Whether the service can serve, and if not, why.")
            .json(200, json!({ "status": "ready" }))
            .json(503, json!({ "status": "not ready", "reasons": {} })),
        read("/metrics", "Metrics, for Prometheus.").media(200, TEXT),
        read("/openapi.json", "This document.")
            .json(200, json!({ "openapi": "3.1.0", "info": {}, "paths": {} })),
    ]
}

/// The document of `service`, which has these operations of its own.
fn document(service: &str, operations: &[Operation]) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations.iter().chain(&common()) {
        let item = paths.entry(&operation.path).or_insert_with(|| json!({}));
        item[operation.method] = operation.build();
    }
    json!({
        "openapi": OPENAPI,
        "info": { "title": service, "version": "1" },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic" },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
        },
    })
}

/// Serves the document of `service` at `/openapi.json`; it is built when it is asked for.
pub(crate) fn served<S>(service: &'static str, operations: fn() -> Vec<Operation>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let route = get(move || async move { Json(document(service, &operations())) });
    Router::new().route("/openapi.json", route)
}

/// `/health`, as it is when these parts are well.
pub(crate) fn health(key: &'static str, parts: &[&str]) -> Operation {
    let parts = parts.iter().map(|part| {
        let mut json = json!({ "service": part, "status": "OK" });
        json[key] = "".into();
        json
    });
    let parts: Vec<_> = parts.collect();
    read("/health", "How the service and its store are; always 200.")
        .json(200, json!({ "health": parts }))
}
