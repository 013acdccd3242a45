//! Sessions: in Redis, named by a signed cookie.

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use shop_kit::{AppError, Cache, CacheError};

use super::{cookie, set_cookie, texts, with_cookie};

/// The cookie that names the session.
const SESSION: &str = "md.sid";
/// The cookie that says that somebody is logged in.
const LOGGED_IN: &str = "logged_in";
/// How long a session lives without a request.
const TTL: Duration = Duration::from_secs(3_600);
/// Takes the cookie `logged_in` away.
const FORGET: &str = "logged_in=; Path=/; Max-Age=0";

/// The sessions of all customers.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    redis: Cache,
    /// Whether `?custId=` names the customer, as in development.
    trusting: bool,
}

/// The session of one request.
#[derive(Clone, Debug)]
pub(super) struct Session {
    id: String,
    logged_in: bool,
    kept: Kept,
    /// Whether the browser has yet to learn the id.
    fresh: bool,
}

/// What Redis keeps of a session.
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
        self.kept.customer_id.as_deref().filter(|_| self.logged_in)
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

impl Sessions {
    pub(super) const fn new(redis: Cache, trusting: bool) -> Self {
        Self { redis, trusting }
    }

    /// The request's session; a new one for who has none.
    pub(super) async fn of(&self, headers: &HeaderMap) -> Result<Session, NoSession> {
        let session = self.any(headers).await?;
        if session.logged_in && session.kept.customer_id.is_none() {
            return Err(NoSession::Expired);
        }
        Ok(session)
    }

    /// The request's session for logging in: one that expired is begun anew.
    pub(super) async fn any(&self, headers: &HeaderMap) -> Result<Session, NoSession> {
        let logged_in = cookie::read(headers, LOGGED_IN).is_some_and(|value| !value.is_empty());
        let named = cookie::read(headers, SESSION).and_then(|value| cookie::verify(&value));
        let Some(id) = named else {
            let bytes: [u8; 24] = rand::random();
            let id = URL_SAFE_NO_PAD.encode(bytes);
            let session = Session {
                id,
                logged_in,
                kept: Kept::default(),
                fresh: true,
            };
            self.keep(&session).await?;
            return Ok(session);
        };
        let kept = self.redis.get(&key(&id), TTL).await?;
        let known = kept.and_then(|text| serde_json::from_str(&text).ok());
        let session = Session {
            id,
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
    pub(super) fn named(&self, query: Option<&str>) -> Option<String> {
        if !self.trusting {
            return None;
        }
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        pairs
            .into_iter()
            .find(|(name, _)| name == "custId")
            .map(|(_, value)| value.into_owned())
    }

    async fn keep(&self, session: &Session) -> Result<(), NoSession> {
        let text = serde_json::to_string(&session.kept).unwrap_or_default();
        Ok(self.redis.set(&key(&session.id), &text, TTL).await?)
    }
}

fn key(id: &str) -> String {
    format!("sess:{id}")
}
