//! Texts that many spans share are kept once.

use std::mem::take;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use super::spans::Shape;

/// Shared texts: names, keys, and short values; and the lists of names that spans share.
#[derive(Debug, Default)]
pub(super) struct Pool {
    texts: HashSet<Arc<str>>,
    /// By where the names lie, of which each is shared itself.
    shapes: HashMap<Box<[usize]>, Shape>,
    /// What is asked for, kept to be filled again.
    names: Vec<Arc<str>>,
    places: Vec<usize>,
}

/// Longer texts are mostly seen once and not looked for.
const MAX_SHARED: usize = 128;

impl Pool {
    /// The shared text that is equal to `text`.
    pub(super) fn share(&mut self, text: &str) -> Arc<str> {
        if text.len() > MAX_SHARED {
            return Arc::from(text);
        }
        if let Some(known) = self.texts.get(text) {
            return Arc::clone(known);
        }
        let fresh: Arc<str> = Arc::from(text);
        self.texts.insert(Arc::clone(&fresh));
        fresh
    }

    /// The shared list of these names.
    pub(super) fn shape<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Shape {
        let (mut list, mut places) = (take(&mut self.names), take(&mut self.places));
        list.extend(names.map(|name| self.share(name)));
        places.extend(list.iter().map(|name| name.as_ptr().addr()));
        let shape = match self.shapes.get(places.as_slice()) {
            Some(known) => Arc::clone(known),
            None => {
                let fresh: Shape = list.as_slice().into();
                let key = places.as_slice().into();
                self.shapes.insert(key, Arc::clone(&fresh));
                fresh
            }
        };
        list.clear();
        places.clear();
        (self.names, self.places) = (list, places);
        shape
    }

    /// Forgets what nothing else holds.
    pub(super) fn sweep(&mut self) {
        self.shapes.retain(|_, shape| Arc::strong_count(shape) > 1);
        self.shapes.shrink_to(self.shapes.len() * 2);
        self.texts.retain(|text| Arc::strong_count(text) > 1);
        self.texts.shrink_to(self.texts.len() * 2);
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
        assert_eq!(pool.texts.len(), 1);
    }

    #[test]
    fn equal_lists_of_names_are_one_and_go_when_nothing_holds_them() {
        let mut pool = Pool::default();
        let first = pool.shape(["a", "b"].into_iter());
        assert!(Arc::ptr_eq(&first, &pool.shape(["a", "b"].into_iter())));
        assert!(!Arc::ptr_eq(&first, &pool.shape(["b", "a"].into_iter())));
        pool.sweep();
        assert_eq!((pool.shapes.len(), pool.texts.len()), (1, 2));
    }
}
