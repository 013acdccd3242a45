//! Passwords: bcrypt of cost 10, and a memory of what was hashed or verified lately.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use sha2::{Digest, Sha256};
use shop_kit::AppError;
use shop_kit::instrument::{Counters, Metrics, MetricsError};
use tokio::sync::Semaphore;

/// bcrypt's cost: about 50 ms of one core.
const COST: u32 = 10;
/// How long a password that was hashed or verified need not be verified again.
const REMEMBERED_FOR: Duration = Duration::from_secs(300);
/// Verified passwords remembered at most.
const REMEMBERED: usize = 4_096;
/// Passwords hashed at once.
const AT_ONCE: usize = 2;
/// Those that wait for their turn, some two seconds at the longest. More are turned away at once: were they let wait
/// until they give up, a crowd that comes back because nobody was served in time would keep the processor busy with
/// answers that nobody awaits any more, for good.
const WAITING: usize = 24;

/// Verifies and hashes passwords; clones share what is remembered.
#[derive(Clone, Debug)]
pub(super) struct Passwords {
    verified: Arc<Mutex<HashMap<Verified, Instant>>>,
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// Counts what is compared with a hash.
    compared: Counters,
}

/// The SHA-256 of a password, and the hash of it, whose salt is one customer's alone.
type Verified = ([u8; 32], String);

impl Passwords {
    /// Nothing is remembered yet.
    pub(super) fn new(metrics: &Metrics) -> Result<Self, MetricsError> {
        let help = "Passwords compared with a hash, which takes some 50 ms of CPU each.";
        Ok(Self {
            verified: Arc::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            places: Arc::new(Semaphore::new(AT_ONCE + WAITING)),
            compared: metrics.counters("password_comparisons_total", help, &[])?,
        })
    }

    /// Whether `password` is the one that `hash` was made of; an empty hash takes the empty one alone.
    ///
    /// # Errors
    /// 503 when too many wait already.
    pub(super) async fn verify(&self, password: &str, hash: &str) -> Result<bool, AppError> {
        if hash.is_empty() {
            return Ok(password.is_empty());
        }
        let key = (Sha256::digest(password).into(), hash.to_owned());
        if self.remembers(&key) {
            return Ok(true);
        }
        let right = self.compare(password, hash).await?;
        if right {
            self.remember(key);
        }
        Ok(right)
    }

    /// The same, whatever was verified before.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub(super) async fn compare(&self, password: &str, hash: &str) -> Result<bool, AppError> {
        if hash.is_empty() {
            return Ok(password.is_empty());
        }
        self.compared.with_label_values::<&str>(&[]).inc();
        let (password, hash) = (password.to_owned(), hash.to_owned());
        let compared = self.in_turn(move || bcrypt::verify(password, &hash));
        Ok(compared.await?.unwrap_or(false))
    }

    /// The hash to keep of a new password.
    ///
    /// Who registers logs in next: that password is remembered.
    ///
    /// # Errors
    /// As [`verify`](Self::verify), and 500 when it cannot be hashed.
    pub(super) async fn hash(&self, password: String) -> Result<String, AppError> {
        let digest = Sha256::digest(&password).into();
        let hash = self.in_turn(move || bcrypt::hash(password, COST)).await?;
        let hash = hash.ok_or_else(|| AppError::internal("password cannot be hashed"))?;
        self.remember((digest, hash.clone()));
        Ok(hash)
    }

    /// Does the work on a thread of its own as soon as it is its turn; `None` when it fails.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> bcrypt::BcryptResult<T> + Send + 'static,
    ) -> Result<Option<T>, AppError> {
        let full = || AppError::new(StatusCode::SERVICE_UNAVAILABLE, "too many wait for a login");
        let _place = self.places.try_acquire().map_err(|_none| full())?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|_closed| full())?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        Ok(done.await.ok().and_then(Result::ok))
    }

    fn remembers(&self, key: &Verified) -> bool {
        let remembered = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        remembered
            .get(key)
            .is_some_and(|since| since.elapsed() < REMEMBERED_FOR)
    }

    fn remember(&self, key: Verified) {
        let mut remembered = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= REMEMBERED {
            remembered.retain(|_, since| since.elapsed() < REMEMBERED_FOR);
        }
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Passwords {
        let metrics = Metrics::new("user").expect("well-formed families");
        Passwords::new(&metrics).expect("a free name")
    }

    #[tokio::test]
    async fn the_seeds_passwords_are_right_and_others_are_not() {
        let seed = include_str!("../../migrations/0001_user.sql");
        let hash_of = |name: &str| {
            let line = seed
                .lines()
                .find(|line| line.contains(&format!("'{name}'")))
                .expect("a row");
            let start = line.find("$2b$10$").expect("bcrypt of cost 10");
            line[start..start + 60].to_owned()
        };
        let passwords = passwords();
        for (name, password, right) in [
            ("user", "password", true),
            ("user1", "password", true),
            ("Eve_Berger", "eve", true),
            ("Eve_Berger", "password", false),
            ("user", "", false),
        ] {
            for _ in 0..2 {
                let found = passwords.verify(password, &hash_of(name)).await;
                assert_eq!(found.expect("a turn"), right, "{name}/{password}");
            }
        }
        assert!(passwords.verify("", "").await.expect("a turn"));
        assert!(!passwords.verify("x", "").await.expect("a turn"));
    }

    #[tokio::test]
    async fn who_has_just_registered_is_not_compared() {
        let passwords = passwords();
        let compared = || passwords.compared.with_label_values::<&str>(&[]).get() as u64;
        let hash = passwords.hash("one".into()).await.expect("hashed");
        assert!(passwords.verify("one", &hash).await.expect("a turn"));
        assert_eq!(compared(), 0);
        assert!(!passwords.verify("two", &hash).await.expect("a turn"));
        assert_eq!(compared(), 1);
    }

    #[tokio::test]
    async fn who_gives_up_costs_nothing_and_too_many_are_turned_away() {
        let passwords = passwords();
        let all = u32::try_from(AT_ONCE).expect("a few");
        let turns = Arc::clone(&passwords.turns);
        let turns = turns.acquire_many_owned(all).await.expect("open");
        let mut crowd: Vec<_> = (0..AT_ONCE + WAITING)
            .map(|_| Box::pin(passwords.hash("one".into())))
            .collect();
        for one in &mut crowd {
            assert!(futures::poll!(one).is_pending());
        }
        let refused = passwords.hash("one".into()).await.expect_err("no place");
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        drop(crowd);
        drop(turns);
        assert_eq!(passwords.turns.available_permits(), AT_ONCE);
        assert_eq!(passwords.places.available_permits(), AT_ONCE + WAITING);
        assert!(passwords.verified.lock().expect("whole").is_empty());
    }

    #[tokio::test]
    async fn a_changed_password_is_not_remembered() {
        let passwords = passwords();
        let first = passwords.hash("one".into()).await.expect("hashed");
        assert!(passwords.verify("one", &first).await.expect("a turn"));
        let second = passwords.hash("two".into()).await.expect("hashed");
        assert!(!passwords.verify("one", &second).await.expect("a turn"));
    }
}
