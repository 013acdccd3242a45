//! Sessions: in Redis, named by a signed cookie.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use shop_kit::{AppError, Cache, CacheError};
use tokio::time::Instant;

use super::{FrontEnd, cookie, set_cookie, texts, with_cookie};
use crate::query;

/// The cookie that names the session.
const SESSION: &str = "md.sid";
/// The cookie that says that somebody is logged in.
const LOGGED_IN: &str = "logged_in";
/// How long a session lives without a request.
const TTL: Duration = Duration::from_secs(3_600);
/// Sessions that memory keeps at most; then all begin anew.
const REMEMBERED: usize = 100_000;
/// Takes the cookie `logged_in` away.
const FORGET: &str = "logged_in=; Path=/; Max-Age=0";

/// The sessions of all customers.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    place: Place,
    /// Whether `?custId=` names the customer, as in development.
    trusting: bool,
}

/// Where sessions are kept.
#[derive(Clone, Debug)]
enum Place {
    Redis(Cache),
    /// In this process: they end with it. Each with the time of its last request.
    Memory(Arc<Mutex<HashMap<String, (String, Instant)>>>),
}

/// The session of one request; who says to be logged in is known.
#[derive(Clone, Debug)]
pub(super) struct Session {
    id: String,
    /// Whom the query names, in development.
    named: Option<String>,
    logged_in: bool,
    kept: Kept,
    /// Whether the browser has yet to learn the id.
    fresh: bool,
}

/// The session of a request that anybody may make, known or not: to log in, for one.
pub(super) struct Anybody(pub(super) Session);

/// What is kept of a session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    customer_id: Option<String>,
}

impl Session {
    /// Its id, which names the cart of who is not logged in.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Who is logged in.
    pub(super) fn customer(&self) -> Option<&str> {
        let known = self.kept.customer_id.as_deref();
        self.named.as_deref().or(known.filter(|_| self.logged_in))
    }

    /// Whose cart it is: the customer's, or the session's own. Where an id of a customer is
    /// wanted, the first system sends this one as well.
    pub(super) fn cart(&self) -> &str {
        self.customer().unwrap_or(&self.id)
    }

    /// The answer, which tells the browser a new session's id.
    pub(super) fn answer(&self, response: Response) -> Response {
        if !self.fresh {
            return response;
        }
        set_cookie(
            response,
            &format!("{SESSION}={}; Path=/; HttpOnly", cookie::sign(&self.id)),
        )
    }

    /// The answer, which tells the browser that somebody is logged in.
    pub(super) fn logged_in(&self, response: Response) -> Response {
        let cookie = format!("{LOGGED_IN}={}; Max-Age=3600; Path=/", self.id);
        self.answer(set_cookie(response, &cookie))
    }

    /// The answer, which tells the browser that nobody is logged in.
    pub(super) fn logged_out(&self, response: Response) -> Response {
        self.answer(set_cookie(response, FORGET))
    }
}

/// Why there is no session.
#[derive(Debug)]
pub(super) enum NoSession {
    /// The browser says logged in, and nobody remembers who.
    Expired,
    /// session-db does not answer.
    Unreachable(CacheError),
}

impl IntoResponse for NoSession {
    fn into_response(self) -> Response {
        match self {
            Self::Expired => with_cookie(
                AppError::new(StatusCode::UNAUTHORIZED, texts::SESSION_EXPIRED),
                FORGET,
            ),
            Self::Unreachable(error) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                AppError::new(status, texts::SESSION_EXPIRED)
                    .kind("ESESSION")
                    .because(error)
                    .into_response()
            }
        }
    }
}

impl From<CacheError> for NoSession {
    fn from(error: CacheError) -> Self {
        Self::Unreachable(error)
    }
}

impl FromRequestParts<FrontEnd> for Session {
    type Rejection = NoSession;

    async fn from_request_parts(
        parts: &mut Parts,
        front_end: &FrontEnd,
    ) -> Result<Self, NoSession> {
        let Anybody(session) = Anybody::from_request_parts(parts, front_end).await?;
        if session.logged_in && session.customer().is_none() {
            return Err(NoSession::Expired);
        }
        Ok(session)
    }
}

impl FromRequestParts<FrontEnd> for Anybody {
    type Rejection = NoSession;

    async fn from_request_parts(
        parts: &mut Parts,
        front_end: &FrontEnd,
    ) -> Result<Self, NoSession> {
        let sessions = &front_end.sessions;
        let mut session = sessions.of(&parts.headers).await?;
        session.named = sessions.named(parts.uri.query());
        Ok(Self(session))
    }
}

impl Sessions {
    /// Sessions in `redis`, or in memory without it.
    pub(super) fn new(redis: Option<Cache>, trusting: bool) -> Self {
        let place = redis.map_or_else(|| Place::Memory(Arc::default()), Place::Redis);
        Self { place, trusting }
    }

    /// The request's session; a new one for who has none.
    async fn of(&self, headers: &HeaderMap) -> Result<Session, NoSession> {
        let logged_in = cookie::read(headers, LOGGED_IN).is_some_and(|value| !value.is_empty());
        let named = cookie::read(headers, SESSION).and_then(|value| cookie::verify(&value));
        let Some(id) = named else {
            let bytes: [u8; 24] = rand::random();
            let id = URL_SAFE_NO_PAD.encode(bytes);
            let session = Session {
                id,
                named: None,
                logged_in,
                kept: Kept::default(),
                fresh: true,
            };
            self.keep(&session).await?;
            return Ok(session);
        };
        let kept = self.place.get(&key(&id)).await?;
        let known = kept.and_then(|text| serde_json::from_str(&text).ok());
        let session = Session {
            id,
            named: None,
            logged_in,
            kept: known.clone().unwrap_or_default(),
            fresh: false,
        };
        if known.is_none() && !logged_in {
            self.keep(&session).await?;
        }
        Ok(session)
    }

    /// Remembers that `customer` is logged in.
    pub(super) async fn log_in(
        &self,
        session: &mut Session,
        customer: &str,
    ) -> Result<(), NoSession> {
        session.kept.customer_id = Some(customer.to_owned());
        session.logged_in = true;
        self.keep(session).await
    }

    /// Forgets who is logged in.
    pub(super) async fn log_out(&self, session: &mut Session) -> Result<(), NoSession> {
        session.kept.customer_id = None;
        session.logged_in = false;
        self.keep(session).await
    }

    /// The customer that the query names, where that is allowed.
    fn named(&self, query: Option<&str>) -> Option<String> {
        query::value(query, "custId").filter(|_| self.trusting)
    }

    async fn keep(&self, session: &Session) -> Result<(), NoSession> {
        let text = serde_json::to_string(&session.kept).unwrap_or_default();
        Ok(self.place.set(key(&session.id), text).await?)
    }
}

impl Place {
    async fn get(&self, key: &str) -> Result<Option<String>, CacheError> {
        let all = match self {
            Self::Redis(redis) => return redis.get(key, TTL).await,
            Self::Memory(all) => all,
        };
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = all.get_mut(key).filter(|(_, last)| last.elapsed() < TTL);
        Ok(kept.map(|(text, last)| {
            *last = Instant::now();
            text.clone()
        }))
    }

    async fn set(&self, key: String, text: String) -> Result<(), CacheError> {
        let all = match self {
            Self::Redis(redis) => return redis.set(&key, &text, TTL).await,
            Self::Memory(all) => all,
        };
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.retain(|_, (_, last)| last.elapsed() < TTL);
        }
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(key, (text, Instant::now()));
        Ok(())
    }
}

fn key(id: &str) -> String {
    format!("sess:{id}")
}
