//! The OpenAPI documents, held against the services: each operation is sent as its examples
//! say, and answers as documented; no route is without an operation.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use shop_kit::{Answer, Peer};

use crate::contract::{HOLY, USER, ask, basic, order_of_user};
use crate::lab::Lab;

const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// One operation of a document.
#[derive(Clone)]
struct Operation {
    method: &'static str,
    path: String,
    spec: Value,
}

impl Operation {
    /// What has to happen first: things are made before they are changed, read and removed,
    /// and whoever logs in or out does so at the end.
    fn turn(&self) -> (usize, std::cmp::Reverse<usize>) {
        let turn = match (self.path.as_str(), self.method) {
            ("/register" | "/logout", _) => 9,
            (_, "post") => 0,
            (_, "put") => 1,
            (_, "patch") => 2,
            (_, "get") => 3,
            _ => 4,
        };
        let specific = if turn == 0 {
            100 - self.path.len()
        } else {
            self.path.len()
        };
        (turn, std::cmp::Reverse(specific))
    }

    fn path_with(&self, known: &BTreeMap<&str, String>) -> String {
        let mut path = self.path.clone();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for parameter in self.spec["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            let example = parameter["example"].as_str().expect("an example");
            let key = format!("{} {name}", self.path);
            let value = known.get(key.as_str()).map_or(example, String::as_str);
            if parameter["in"] == "path" {
                path = path.replace(&format!("{{{name}}}"), value);
            } else {
                query.append_pair(name, value);
            }
        }
        match query.finish() {
            query if query.is_empty() => path,
            query => format!("{path}?{query}"),
        }
    }

    async fn send(&self, peer: &Peer, path: String, cookies: &str) -> Answer {
        let method = Method::from_bytes(self.method.to_uppercase().as_bytes());
        let mut call = peer.call(method.expect("a method"), path);
        let bodies = self.spec.pointer("/requestBody/content");
        for (kind, body) in bodies.and_then(Value::as_object).into_iter().flatten() {
            let example = &body["example"];
            if kind == "application/json" {
                call = call.json(example);
                continue;
            }
            let fields = example.as_object().expect("fields");
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str().expect("text")))
                .collect();
            call = call.form(&fields);
        }
        for scheme in self.spec["security"].as_array().into_iter().flatten() {
            let value = if scheme.get("basic").is_some() {
                basic("user", "password")
            } else {
                "Bearer sk_test_mock".to_owned()
            };
            call = call.header(header::AUTHORIZATION, text(&value));
        }
        if !cookies.is_empty() {
            call = call.header(header::COOKIE, text(cookies));
        }
        call.send().await.expect("an answer")
    }

    /// Checks that the answer is one that is documented.
    fn check(&self, service: &str, answer: &Answer) {
        let at = format!("{service}: {} {}", self.method, self.path);
        let body = String::from_utf8_lossy(&answer.body);
        let status = answer.status.as_str();
        let documented = &self.spec["responses"][status];
        assert!(documented.is_object(), "{at}: {status} is not documented");
        let Some(content) = documented["content"].as_object() else {
            assert_eq!(body, "", "{at}");
            return;
        };
        for (kind, content) in content {
            if kind != "application/json" {
                let found = answer.headers.get(header::CONTENT_TYPE);
                let found = found
                    .and_then(|found| found.to_str().ok())
                    .unwrap_or_default();
                assert!(found.starts_with(kind.as_str()), "{at}: {found}");
                continue;
            }
            let value: Value =
                serde_json::from_str(&body).unwrap_or_else(|_| panic!("{at}: {body}"));
            let faults = faults(&content["schema"], &value, "");
            assert!(faults.is_empty(), "{at}: {faults:?} in {body}");
        }
    }
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).expect("ascii")
}

/// Where `value` is not as `schema` has it.
fn faults(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let right = match schema["type"].as_str() {
        None => true,
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some(_) => false,
    };
    if !right {
        return vec![format!("{at} is no {}: {value}", schema["type"])];
    }
    let mut all = Vec::new();
    for name in schema["required"].as_array().into_iter().flatten() {
        let name = name.as_str().expect("a name");
        match value.get(name) {
            Some(field) => {
                let at = format!("{at}/{name}");
                all.extend(faults(&schema["properties"][name], field, &at));
            }
            None => all.push(format!("{at}/{name} is missing")),
        }
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (index, value) in values.iter().enumerate() {
            all.extend(faults(items, value, &format!("{at}/{index}")));
        }
    }
    all
}

async fn operations(lab: &Lab, service: &'static str) -> Vec<Operation> {
    let document = ask(&lab.peer(service), "GET", "/openapi.json", None).await;
    assert_eq!(document.status, StatusCode::OK, "{service}");
    let document: Value = document.json().expect("JSON");
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3."))
    );
    assert_eq!(document["info"]["title"], service);
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in METHODS {
            if let Some(spec) = item.get(method) {
                let (path, spec) = (path.clone(), spec.clone());
                all.push(Operation { method, path, spec });
            }
        }
    }
    all.sort_by_key(Operation::turn);
    all
}

/// What the operations need to find: a cart with a line, an order that was placed.
async fn prepared(lab: &Lab) -> BTreeMap<&'static str, String> {
    let carts = lab.peer("carts");
    let line = json!({ "itemId": HOLY, "unitPrice": 14.5 });
    ask(&carts, "POST", &format!("/carts/{USER}/items"), Some(line)).await;
    let wanted = order_of_user();
    let placed = ask(&lab.peer("orders"), "POST", "/orders", Some(wanted)).await;
    let placed: Value = placed.json().expect("an order");
    let of = |field: &str| {
        placed
            .pointer(field)
            .and_then(Value::as_str)
            .expect("an id")
            .to_owned()
    };
    BTreeMap::from([
        ("/orders/{id} id", of("/id")),
        ("/orders/{rest} rest", of("/id")),
        ("/orders/shipments/{id} id", of("/shipment/id")),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_answers_as_it_is_documented() {
    // A shop for each service, since what one removes another would miss.
    for service in sock_shop::SHOP.services {
        let lab = Lab::start().await;
        let known = prepared(&lab).await;
        let peer = lab.peer(service.name);
        let mut cookies = String::new();
        if service.name == "front-end" {
            let login = operations(&lab, service.name).await;
            let login = login.iter().find(|operation| operation.path == "/login");
            let login = login
                .expect("a login")
                .send(&peer, "/login".to_owned(), "")
                .await;
            let set = login.headers.get_all(header::SET_COOKIE).iter();
            let pairs: Vec<_> = set
                .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
                .collect();
            cookies = pairs.join("; ");
        }
        for operation in operations(&lab, service.name).await {
            let path = operation.path_with(&known);
            let answer = operation.send(&peer, path, &cookies).await;
            let body = String::from_utf8_lossy(&answer.body);
            assert!(answer.status.is_success(), "{}: {body}", operation.path);
            operation.check(service.name, &answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_are_as_they_are_documented() {
    let lab = Lab::start().await;
    for (service, method, documented, path, status) in [
        ("front-end", "post", "/cart", "/cart", 500),
        ("front-end", "post", "/orders", "/orders", 500),
        ("front-end", "get", "/login", "/login", 401),
        (
            "catalogue",
            "get",
            "/catalogue/{id}",
            "/catalogue/nope",
            404,
        ),
        (
            "catalogue",
            "get",
            "/catalogue/images/{file}",
            "/catalogue/images/nope",
            404,
        ),
        ("user", "get", "/login", "/login", 401),
        ("user", "get", "/customers/{id}", "/customers/nope", 500),
        ("user", "post", "/register", "/register", 500),
        (
            "user",
            "delete",
            "/cards/{id}",
            "/cards/57a98d98e4b00679b4a83fff",
            500,
        ),
        (
            "carts",
            "get",
            "/carts/{customer}/merge",
            "/carts/a/merge",
            400,
        ),
        (
            "carts",
            "get",
            "/carts/{customer}/items/{item}",
            "/carts/a/items/b",
            500,
        ),
        (
            "carts",
            "post",
            "/carts/{customer}/items",
            "/carts/a/items",
            400,
        ),
        ("orders", "post", "/orders", "/orders", 400),
        ("orders", "get", "/orders/{id}", "/orders/nope", 404),
        ("payment", "post", "/paymentAuth", "/paymentAuth", 500),
        ("payment-gateway", "post", "/v1/charges", "/v1/charges", 401),
        ("shipping", "post", "/shipping", "/shipping", 400),
    ] {
        let answer = ask(&lab.peer(service), &method.to_uppercase(), path, None).await;
        assert_eq!(answer.status.as_u16(), status, "{service}: {method} {path}");
        let all = operations(&lab, service).await;
        let mut all = all.iter();
        let operation = all.find(|known| known.method == method && known.path == documented);
        operation.expect("documented").check(service, &answer);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_documented_with_all_of_its_methods() {
    let lab = Lab::start().await;
    for service in sock_shop::SHOP.services {
        let documented = operations(&lab, service.name).await;
        let paths: BTreeSet<_> = documented
            .iter()
            .map(|operation| operation.path.clone())
            .collect();
        assert_eq!(lab.routes(service.name), paths, "{}", service.name);
        let peer = lab.peer(service.name);
        for path in &paths {
            for method in METHODS {
                let mut all = documented.iter();
                if all.any(|operation| operation.path == *path && operation.method == method) {
                    continue;
                }
                let plain = path.replace(['{', '}'], "");
                let method =
                    Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
                let call = peer.call(method.clone(), plain);
                let call = call.header(HeaderName::from_static("accept"), text("*/*"));
                let answer = call.send().await.expect("an answer");
                let at = format!("{}: {method} {path}", service.name);
                assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{at}");
            }
        }
    }
}
