//! Texts that many spans share are kept once.

use std::collections::HashSet;
use std::sync::Arc;

/// Shared texts: names, keys, and short values.
#[derive(Debug, Default)]
pub(super) struct Pool(HashSet<Arc<str>>);

/// Longer texts are mostly seen once and not looked for.
const MAX_SHARED: usize = 128;

impl Pool {
    /// The shared text that is equal to `text`.
    pub(super) fn share(&mut self, text: &str) -> Arc<str> {
        if text.len() > MAX_SHARED {
            return Arc::from(text);
        }
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let fresh: Arc<str> = Arc::from(text);
        self.0.insert(Arc::clone(&fresh));
        fresh
    }

    /// Forgets texts that nothing else holds.
    pub(super) fn sweep(&mut self) {
        self.0.retain(|text| Arc::strong_count(text) > 1);
        self.0.shrink_to(self.0.len() * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one_and_go_when_nothing_holds_them() {
        let mut pool = Pool::default();
        let first = pool.share("a");
        assert!(Arc::ptr_eq(&first, &pool.share("a")));
        drop(pool.share("b"));
        pool.sweep();
        assert_eq!(pool.0.len(), 1);
    }
}
