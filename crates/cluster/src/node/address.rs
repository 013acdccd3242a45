//! Addresses for pods: a /24 of the loopback network for each lab.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// How many slices are tried before giving up.
const TRIES: usize = 200;

/// Why there are no addresses.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The folder of the locks cannot be written.
    #[error("cannot write the folder of address locks {path}: {source}; choose another")]
    Locks {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Every slice that was tried is in use or cannot be bound.
    #[error(
        "no free part of 127.0.0.0/8 was found in {TRIES} tries; stop other labs, or run on Linux"
    )]
    Taken,
}

/// The lab's slice: `.1` is the node, the others are for pods. The lock is held as long as this lives.
#[derive(Debug)]
pub(crate) struct Slice {
    prefix: [u8; 3],
    /// Free last octets; given from the front, returned to the back, so that none is used again soon.
    free: Mutex<VecDeque<u8>>,
    _lock: File,
}

/// An address that goes back to its slice when dropped.
#[derive(Debug)]
pub(crate) struct PodAddress {
    slice: Arc<Slice>,
    last: u8,
}

impl Slice {
    /// Takes a free slice at random.
    pub(crate) fn take(locks: &Path) -> Result<Arc<Self>, AddressError> {
        fs::create_dir_all(locks).map_err(|source| AddressError::Locks {
            path: locks.to_owned(),
            source,
        })?;
        (0..TRIES)
            .map(|_| {
                [
                    127,
                    rand::random_range(1..=254),
                    rand::random_range(0..=255),
                ]
            })
            .find_map(|prefix| Self::try_take(locks, prefix))
            .map(Arc::new)
            .ok_or(AddressError::Taken)
    }

    fn try_take(locks: &Path, prefix: [u8; 3]) -> Option<Self> {
        let [a, b, c] = prefix;
        let lock = OpenOptions::new()
            .create(true)
            .append(true)
            .open(locks.join(format!("{a}.{b}.{c}.lock")))
            .ok()?;
        lock.try_lock().ok()?;
        let slice = Self {
            prefix,
            free: Mutex::new((2..=254).collect()),
            _lock: lock,
        };
        // Somebody who does not know of locks may sit here.
        let control = SocketAddr::from((slice.address(2), edge::CONTROL_PORT));
        TcpListener::bind(control).ok()?;
        Some(slice)
    }

    /// The node's own address.
    pub(crate) fn node(&self) -> Ipv4Addr {
        self.address(1)
    }

    /// The pods' network, as `127.1.2.0/24`.
    pub(crate) fn network(&self) -> String {
        format!("{}/24", self.address(0))
    }

    /// An address for a pod, while there is one.
    pub(crate) fn allocate(self: &Arc<Self>) -> Option<PodAddress> {
        let last = self.lock().pop_front()?;
        Some(PodAddress {
            slice: self.clone(),
            last,
        })
    }

    fn address(&self, last: u8) -> Ipv4Addr {
        let [a, b, c] = self.prefix;
        Ipv4Addr::new(a, b, c, last)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<u8>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PodAddress {
    pub(crate) fn ip(&self) -> Ipv4Addr {
        self.slice.address(self.last)
    }
}

impl Drop for PodAddress {
    fn drop(&mut self) {
        self.slice.lock().push_back(self.last);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn an_address_is_used_again_only_after_all_others() {
        let dir = tempfile::tempdir().unwrap();
        let slice = Slice::take(dir.path()).unwrap();
        let addresses: Vec<Ipv4Addr> = (0..253).map(|_| slice.allocate().unwrap().ip()).collect();
        let different: BTreeSet<_> = addresses.iter().collect();
        assert_eq!(different.len(), 253);
        assert!(!different.contains(&slice.node()));
        assert_eq!(slice.allocate().unwrap().ip(), addresses[0]);
    }

    #[test]
    fn a_slice_in_use_is_not_taken_again_until_it_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let slice = Slice::take(dir.path()).unwrap();
        let prefix = slice.prefix;
        assert!(Slice::try_take(dir.path(), prefix).is_none());
        drop(slice);
        assert!(Slice::try_take(dir.path(), prefix).is_some());
    }

    #[test]
    fn an_exhausted_slice_gives_none() {
        let dir = tempfile::tempdir().unwrap();
        let slice = Slice::take(dir.path()).unwrap();
        let held: Vec<_> = std::iter::from_fn(|| slice.allocate()).collect();
        assert_eq!(held.len(), 253);
        assert!(slice.allocate().is_none());
    }
}
