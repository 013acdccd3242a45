//! What a request's path names.

use std::collections::HashMap;

use super::status::{ApiError, ApiResult};
use crate::objects::Kind;

/// A resource that a path names: a collection, an object or a part of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: Kind,
    /// The API group of the path (Events are served by two).
    pub(crate) group: String,
    /// The version of the path (autoscalers are served in two).
    pub(crate) version: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) part: Part,
}

/// A part of an object that is served by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Status,
    Scale,
    Log,
    Exec,
    Attach,
    /// Ports over a WebSocket.
    Forward,
    Eviction,
    Binding,
    Finalize,
    /// The rest of the path, without its leading `/`.
    Proxy(String),
}

impl Target {
    /// The target of `/api/v1/...` or `/apis/{group}/{version}/...`; the path is given percent-decoded per segment.
    pub(crate) fn parse(path: &str) -> ApiResult<Self> {
        let mut segments = path.trim_start_matches('/').split('/');
        let group = match segments.next() {
            Some("api") => "",
            Some("apis") => segments.next().unwrap_or(""),
            _ => return Err(ApiError::no_such_path()),
        };
        let version = segments.next().unwrap_or("");
        let mut rest: Vec<&str> = segments.collect();
        if rest.last() == Some(&"") && !rest.contains(&"proxy") {
            rest.pop();
        }
        let (namespace, rest) = match rest.as_slice() {
            ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => (None, rest.as_slice()),
            ["namespaces", namespace, rest @ ..] => (Some(decode(namespace)), rest),
            rest => (None, rest),
        };
        let [plural, rest @ ..] = rest else {
            return Err(ApiError::no_such_path());
        };
        let kind = Kind::of_resource(group, plural).ok_or_else(ApiError::no_such_path)?;
        let served = kind.versions().contains(&version);
        if !served || (namespace.is_some() && !kind.namespaced()) {
            return Err(ApiError::no_such_path());
        }
        let (name, part) = match rest {
            [] => (None, Part::Whole),
            [name] => (Some(name), Part::Whole),
            [name, "status"] => (Some(name), Part::Status),
            [name, "scale"] => (Some(name), Part::Scale),
            [name, "log"] => (Some(name), Part::Log),
            [name, "portforward"] => (Some(name), Part::Forward),
            [name, "exec"] => (Some(name), Part::Exec),
            [name, "attach"] => (Some(name), Part::Attach),
            [name, "eviction"] => (Some(name), Part::Eviction),
            [name, "binding"] => (Some(name), Part::Binding),
            [name, "finalize"] => (Some(name), Part::Finalize),
            [name, "proxy", rest @ ..] => (Some(name), Part::Proxy(rest.join("/"))),
            _ => return Err(ApiError::no_such_path()),
        };
        Ok(Self {
            kind,
            group: group.to_owned(),
            version: version.to_owned(),
            namespace,
            name: name.map(|name| decode(name)),
            part,
        })
    }

    /// The namespace for the store: `""` for kinds without.
    pub(crate) fn within(&self) -> &str {
        self.namespace.as_deref().unwrap_or("")
    }
}

/// A request's query parameters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(HashMap<String, String>);

impl Params {
    /// Reads `a=b&c=d`.
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let pairs = query
            .unwrap_or("")
            .split('&')
            .filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (
                        decode(&key.replace('+', " ")),
                        decode(&value.replace('+', " ")),
                    )
                })
                .collect(),
        )
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0
            .get(key)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Whether a parameter is `true` or `1`.
    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(self.get(key), Some("true" | "1" | "True"))
    }

    /// A parameter as a whole number.
    pub(crate) fn number(&self, key: &str) -> ApiResult<Option<i64>> {
        self.get(key)
            .map(|value| {
                value.parse().map_err(|_| {
                    ApiError::bad_request(format!(
                        "query parameter {key}: `{value}` is not a whole number"
                    ))
                })
            })
            .transpose()
    }
}

pub(crate) fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_collections_objects_and_parts() {
        let parse = |path: &str| {
            let target = Target::parse(path).unwrap();
            (
                target.kind,
                target.namespace.unwrap_or_default(),
                target.name.unwrap_or_default(),
                target.part,
            )
        };
        let own = |kind, namespace: &str, name: &str, part| {
            (kind, namespace.to_owned(), name.to_owned(), part)
        };
        for (path, expected) in [
            ("/api/v1/pods", own(Kind::Pod, "", "", Part::Whole)),
            (
                "/api/v1/namespaces",
                own(Kind::Namespace, "", "", Part::Whole),
            ),
            (
                "/api/v1/namespaces/shop",
                own(Kind::Namespace, "", "shop", Part::Whole),
            ),
            (
                "/api/v1/namespaces/shop/pods",
                own(Kind::Pod, "shop", "", Part::Whole),
            ),
            (
                "/api/v1/namespaces/shop/pods/a/log",
                own(Kind::Pod, "shop", "a", Part::Log),
            ),
            (
                "/apis/apps/v1/namespaces/s/deployments/a/scale",
                own(Kind::Deployment, "s", "a", Part::Scale),
            ),
            (
                "/api/v1/namespaces/s/pods/a:80/proxy/x/",
                own(Kind::Pod, "s", "a:80", Part::Proxy("x/".into())),
            ),
            (
                "/api/v1/namespaces/s/services/http%3Aa%3A80/proxy",
                own(Kind::Service, "s", "http:a:80", Part::Proxy(String::new())),
            ),
            (
                "/apis/events.k8s.io/v1/events",
                own(Kind::Event, "", "", Part::Whole),
            ),
        ] {
            assert_eq!(parse(path), expected, "{path}");
        }
        assert_eq!(
            Target::parse("/apis/autoscaling/v1/horizontalpodautoscalers")
                .unwrap()
                .version,
            "v1"
        );
        for path in [
            "/apis/autoscaling/v3/horizontalpodautoscalers",
            "/apis/apps/v1/pods",
            "/api/v2/pods",
            "/api/v1",
            "/other",
            "/api/v1/namespaces/s/nodes",
        ] {
            assert!(Target::parse(path).is_err(), "{path}");
        }
    }
}
