//! A customer's browser: keeps cookies, reads answers.

use std::collections::BTreeMap;

use axum::http::{HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use shop_kit::{Answer, Peer};

use crate::contract::basic;
use crate::lab::Lab;

/// A browser, pointed at the front-end.
pub(crate) struct Browser {
    front_end: Peer,
    cookies: BTreeMap<String, String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    pub(crate) content_type: Option<String>,
}

impl Page {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// The text that the customer reads.
    pub(crate) fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

impl Browser {
    pub(crate) fn at(lab: &Lab) -> Self {
        Self {
            front_end: lab.peer("front-end"),
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.ask(Method::GET, path, None, None).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Page {
        self.ask(Method::DELETE, path, None, None).await
    }

    pub(crate) async fn post(&mut self, path: &str, body: Value) -> Page {
        self.ask(Method::POST, path, Some(body), None).await
    }

    pub(crate) async fn login(&mut self, name: &str, password: &str) -> Page {
        self.ask(Method::GET, "/login", None, Some(basic(name, password)))
            .await
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    async fn ask(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
        authorization: Option<String>,
    ) -> Page {
        let mut call = self.front_end.call(method, path).timeout(crate::lab::SOON);
        if let Some(body) = body {
            call = call.json(&body);
        }
        if let Some(authorization) = authorization {
            call = call.header(header::AUTHORIZATION, value(&authorization));
        }
        if !self.cookies.is_empty() {
            let pairs: Vec<_> = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            call = call.header(header::COOKIE, value(&pairs.join("; ")));
        }
        let answer = call.send().await.expect("the front-end answers");
        self.take_cookies(&answer);
        let content_type = answer.headers.get(header::CONTENT_TYPE);
        Page {
            status: answer.status,
            content_type: content_type
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
            body: String::from_utf8_lossy(&answer.body).into_owned(),
        }
    }

    fn take_cookies(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().expect("ascii");
            let (pair, rest) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').expect("a pair");
            if rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("ascii")
}
