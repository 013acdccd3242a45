//! Silences: who is muted, from when until when, and what may be changed
//! (<https://prometheus.io/docs/alerting/latest/alertmanager/#silences>).

use std::collections::BTreeMap;

use uuid::Uuid;

use super::matcher::{all_match, same};
use crate::metrics::labels::is_label_name;
use crate::metrics::text::quote;
use crate::metrics::{Labels, MatchOp, Matcher};

/// For how long an expired silence can still be read (Alertmanager: 120 hours).
pub(super) const RETENTION_MS: i64 = 120 * 3600 * 1000;

/// A silence.
#[derive(Debug, Clone)]
pub struct Silence {
    /// A UUID; empty for one that is new.
    pub id: String,
    /// Alerts whose labels pass all of them are muted.
    pub matchers: Vec<Matcher>,
    /// Milliseconds since the epoch.
    pub starts_at: i64,
    /// Milliseconds since the epoch.
    pub ends_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
    /// Who made it.
    pub created_by: String,
    /// Why.
    pub comment: String,
}

/// The states of a silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SilenceState {
    Active,
    Pending,
    Expired,
}

impl SilenceState {
    /// As the API writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Expired => "expired",
        }
    }
}

/// Why a silence was not taken; the texts are Alertmanager's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SilenceError {
    /// It names the id of none that is known.
    #[error("silence not found")]
    NotFound,
    /// Something is wrong with it.
    #[error("silence invalid: {0}")]
    Invalid(String),
}

impl Silence {
    /// Its state at `now`.
    #[must_use]
    pub const fn state(&self, now: i64) -> SilenceState {
        if now < self.starts_at {
            SilenceState::Pending
        } else if now >= self.ends_at {
            SilenceState::Expired
        } else {
            SilenceState::Active
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.matchers.is_empty() {
            return Err("at least one matcher required".to_owned());
        }
        for (n, m) in self.matchers.iter().enumerate() {
            if !is_label_name(&m.name) {
                let name = quote(&m.name);
                return Err(format!(
                    "invalid label matcher {n}: invalid label name {name}"
                ));
            }
        }
        let matches_empty =
            |m: &Matcher| matches!(m.op, MatchOp::Equal | MatchOp::Regex) && m.accepts("");
        if self.matchers.iter().all(matches_empty) {
            return Err("at least one matcher must not match the empty string".to_owned());
        }
        Ok(())
    }

    /// Whether this one can become `new` and keep its id.
    fn can_become(&self, new: &Self, now: i64) -> bool {
        let alike = self.matchers.len() == new.matchers.len()
            && self
                .matchers
                .iter()
                .zip(&new.matchers)
                .all(|(a, b)| same(a, b));
        alike
            && match self.state(now) {
                SilenceState::Active => {
                    new.starts_at / 1000 == self.starts_at / 1000 && new.ends_at >= now
                }
                SilenceState::Pending => new.starts_at >= now,
                SilenceState::Expired => false,
            }
    }
}

/// All silences, those that have expired lately included.
#[derive(Debug, Default)]
pub(super) struct Silences(BTreeMap<String, Silence>);

impl Silences {
    /// Takes a new silence, or a new version of one; tells its id. What cannot be changed in
    /// place is expired and made anew.
    ///
    /// # Errors
    /// [`SilenceError`]
    pub(super) fn set(&mut self, mut silence: Silence, now: i64) -> Result<String, SilenceError> {
        silence.check().map_err(SilenceError::Invalid)?;
        silence.updated_at = now;
        if !silence.id.is_empty() {
            let known = self.0.get(&silence.id).ok_or(SilenceError::NotFound)?;
            if !known.can_become(&silence, now) {
                self.expire(&silence.id.clone(), now)?;
                silence.id.clear();
            }
        }
        if silence.id.is_empty() {
            silence.id = Uuid::new_v4().to_string();
            silence.starts_at = silence.starts_at.max(now);
        }
        let id = silence.id.clone();
        self.0.insert(id.clone(), silence);
        Ok(id)
    }

    /// Ends a silence; one that has ended stays as it is.
    ///
    /// # Errors
    /// [`SilenceError::NotFound`]
    pub(super) fn expire(&mut self, id: &str, now: i64) -> Result<(), SilenceError> {
        let silence = self.0.get_mut(id).ok_or(SilenceError::NotFound)?;
        match silence.state(now) {
            SilenceState::Expired => return Ok(()),
            SilenceState::Pending => silence.starts_at = now,
            SilenceState::Active => {}
        }
        silence.ends_at = now;
        silence.updated_at = now;
        Ok(())
    }

    /// The silence with this id.
    #[must_use]
    pub(super) fn get(&self, id: &str) -> Option<&Silence> {
        self.0.get(id)
    }

    /// All: active ones first, the next to end first; then pending ones, the next to start
    /// first; then expired ones, the last that ended first.
    #[must_use]
    pub(super) fn list(&self, now: i64) -> Vec<&Silence> {
        let mut all: Vec<&Silence> = self.0.values().collect();
        all.sort_by_key(|s| {
            let state = s.state(now);
            let at = match state {
                SilenceState::Active => s.ends_at,
                SilenceState::Pending => s.starts_at,
                SilenceState::Expired => s.ends_at.saturating_neg(),
            };
            (state, at)
        });
        all
    }

    /// The ids of the silences that mute these labels now, sorted.
    #[must_use]
    pub(super) fn muting(&self, labels: &Labels, now: i64) -> Vec<String> {
        let active = self
            .0
            .values()
            .filter(|s| s.state(now) == SilenceState::Active);
        active
            .filter(|s| all_match(&s.matchers, labels))
            .map(|s| s.id.clone())
            .collect()
    }

    /// Forgets what has expired long ago.
    pub(super) fn forget(&mut self, now: i64) {
        self.0.retain(|_, s| now - s.ends_at < RETENTION_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::super::matcher::parse;
    use super::*;

    fn silence(id: &str, matcher: &str, starts_at: i64, ends_at: i64) -> Silence {
        Silence {
            id: id.to_owned(),
            matchers: vec![parse(matcher).unwrap()],
            starts_at,
            ends_at,
            updated_at: 0,
            created_by: "me".to_owned(),
            comment: "why".to_owned(),
        }
    }

    #[test]
    fn a_silence_is_changed_in_place_or_made_anew() {
        let mut all = Silences::default();
        let now = 100_000;
        let id = all.set(silence("", "a=b", 0, 200_000), now).unwrap();
        assert_eq!(
            all.get(&id).unwrap().starts_at,
            now,
            "the past is not silenced"
        );
        let same = all
            .set(silence(&id, "a=b", now, 300_000), now + 10)
            .unwrap();
        assert_eq!(same, id);
        let other = all
            .set(silence(&id, "a=c", now, 300_000), now + 20)
            .unwrap();
        assert_ne!(other, id);
        assert_eq!(all.get(&id).unwrap().state(now + 20), SilenceState::Expired);
        let labels = Labels::new([("a", "c")]);
        assert_eq!(all.muting(&labels, now + 20), vec![other.clone()]);
        all.expire(&other, now + 30).unwrap();
        assert!(all.muting(&labels, now + 30).is_empty());
        assert_eq!(all.expire("nosuch", now), Err(SilenceError::NotFound));
        all.forget(now + RETENTION_MS + 30);
        assert!(all.list(now).is_empty());
    }

    #[test]
    fn what_would_mute_everything_is_refused() {
        let mut all = Silences::default();
        for (matcher, want) in [
            ("a=", "at least one matcher must not match the empty string"),
            (
                "a=~.*",
                "at least one matcher must not match the empty string",
            ),
            (
                "\"a-b\"=c",
                "invalid label matcher 0: invalid label name \"a-b\"",
            ),
        ] {
            let refused = all.set(silence("", matcher, 0, 10), 0).unwrap_err();
            assert_eq!(refused, SilenceError::Invalid(want.to_owned()));
        }
        assert!(all.set(silence("", "a!=", 0, 10), 0).is_ok());
    }
}
