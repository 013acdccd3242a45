//! Who asks, and what they may do.

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::status::{ApiError, ApiResult};
use super::target::{Part, Target};
use crate::objects::Kind;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// The lab: may do everything.
    Lab,
    /// A responder: may do everything outside the hidden namespaces.
    Responder,
}

/// The tokens and what they open.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) lab_token: String,
    pub(crate) responder_token: String,
    pub(crate) hidden: Vec<String>,
}

impl Identity {
    /// The user's name in messages.
    pub(crate) fn user(self) -> &'static str {
        match self {
            Self::Lab => "lab",
            Self::Responder => "responder",
        }
    }
}

impl Access {
    /// Fresh tokens.
    pub(crate) fn new(hidden: Vec<String>) -> Self {
        let token = || {
            format!(
                "{}{}",
                uuid::Uuid::new_v4().simple(),
                uuid::Uuid::new_v4().simple()
            )
        };
        Self {
            lab_token: token(),
            responder_token: token(),
            hidden,
        }
    }

    /// Who a request comes from, by its bearer token.
    pub(crate) fn identify(&self, headers: &HeaderMap) -> ApiResult<Identity> {
        let token = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        match token {
            Some(token) if same(token, &self.lab_token) => Ok(Identity::Lab),
            Some(token) if same(token, &self.responder_token) => Ok(Identity::Responder),
            _ => Err(ApiError::unauthorized()),
        }
    }

    /// Refuses what `who` may not do.
    pub(crate) fn check(&self, who: Identity, verb: &str, target: &Target) -> ApiResult<()> {
        let namespace = match (target.kind, &target.name) {
            (Kind::Namespace, Some(name)) => name,
            _ => target.within(),
        };
        if self.sees(who, namespace) {
            return Ok(());
        }
        let part = match &target.part {
            Part::Log => "/log",
            Part::Proxy(_) => "/proxy",
            Part::Scale => "/scale",
            Part::Status => "/status",
            Part::Exec => "/exec",
            Part::Forward => "/portforward",
            Part::Attach => "/attach",
            _ => "",
        };
        let what = format!("{}{part}", target.kind.info().plural);
        Err(ApiError::forbidden(
            who.user(),
            verb,
            &what,
            &target.group,
            namespace,
        ))
    }

    /// Whether `who` may know of what is in `namespace`.
    pub(crate) fn sees(&self, who: Identity, namespace: &str) -> bool {
        who == Identity::Lab || !self.hidden.iter().any(|hidden| hidden == namespace)
    }

    /// Whether `who` may know of an object.
    pub(crate) fn sees_object(
        &self,
        who: Identity,
        kind: Kind,
        object: &serde_json::Value,
    ) -> bool {
        let namespace = if kind == Kind::Namespace {
            crate::objects::meta::name(object)
        } else {
            crate::objects::meta::namespace(object)
        };
        self.sees(who, namespace)
    }
}

/// Compares in a time that does not depend on where the texts differ.
fn same(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left
            .bytes()
            .zip(right.bytes())
            .fold(0, |differing, (a, b)| differing | (a ^ b))
            == 0
}
