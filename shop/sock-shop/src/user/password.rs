//! Passwords: bcrypt of cost 10, and a memory of what was verified lately.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use shop_kit::instrument::{Counters, Metrics, MetricsError};

/// bcrypt's cost: about 50 ms of one core.
const COST: u32 = 10;
/// How long a verified password need not be verified again.
const REMEMBERED_FOR: Duration = Duration::from_secs(300);
/// Verified passwords remembered at most.
const REMEMBERED: usize = 4_096;

/// Verifies and hashes passwords; clones share what is remembered.
#[derive(Clone, Debug)]
pub(super) struct Passwords {
    verified: Arc<Mutex<HashMap<Verified, Instant>>>,
    /// Counts what is compared with a hash.
    compared: Counters,
}

/// A customer's id, the SHA-256 of the password, and the hash that it was verified against.
type Verified = (String, [u8; 32], String);

impl Passwords {
    /// Nothing is remembered yet.
    pub(super) fn new(metrics: &Metrics) -> Result<Self, MetricsError> {
        let help = "Passwords compared with a hash, which takes some 50 ms of CPU each.";
        Ok(Self {
            verified: Arc::default(),
            compared: metrics.counters("password_comparisons_total", help, &[])?,
        })
    }

    /// Whether `password` is the one that `hash` was made of; an empty hash takes the empty one alone.
    pub(super) async fn verify(&self, customer: &str, password: &str, hash: &str) -> bool {
        if hash.is_empty() {
            return password.is_empty();
        }
        let key = (
            customer.to_owned(),
            Sha256::digest(password).into(),
            hash.to_owned(),
        );
        if self.remembers(&key) {
            return true;
        }
        let right = self.compare(password, hash).await;
        if right {
            self.remember(key);
        }
        right
    }

    /// The same, whatever was verified before.
    pub(super) async fn compare(&self, password: &str, hash: &str) -> bool {
        if hash.is_empty() {
            return password.is_empty();
        }
        self.compared.with_label_values::<&str>(&[]).inc();
        let (password, hash) = (password.to_owned(), hash.to_owned());
        let compared = tokio::task::spawn_blocking(move || bcrypt::verify(password, &hash));
        matches!(compared.await, Ok(Ok(true)))
    }

    /// The hash to keep of a new password; `None` when it cannot be hashed.
    pub(super) async fn hash(&self, password: String) -> Option<String> {
        let hashed = tokio::task::spawn_blocking(move || bcrypt::hash(password, COST));
        hashed.await.ok()?.ok()
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
                assert_eq!(
                    passwords.verify(name, password, &hash_of(name)).await,
                    right,
                    "{name}/{password}"
                );
            }
        }
        assert!(passwords.verify("x", "", "").await);
        assert!(!passwords.verify("x", "x", "").await);
    }

    #[tokio::test]
    async fn a_changed_password_is_not_remembered() {
        let passwords = passwords();
        let first = passwords.hash("one".into()).await.expect("hashed");
        assert!(passwords.verify("u", "one", &first).await);
        let second = passwords.hash("two".into()).await.expect("hashed");
        assert!(!passwords.verify("u", "one", &second).await);
    }
}
