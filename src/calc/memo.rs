//! Figures that several payees share, worked out once by whoever asks first. What they are does not depend on who
//! that is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Values by key.
pub struct Memo<K, V>(Mutex<BTreeMap<K, Arc<OnceLock<Arc<V>>>>>);

impl<K: Ord, V> Memo<K, V> {
    /// Nothing known yet.
    pub fn new() -> Self {
        Memo(Mutex::new(BTreeMap::new()))
    }

    /// The value of a key, made on the first call. Making it must not ask for the same key.
    pub fn get(&self, key: K, make: impl FnOnce() -> V) -> Arc<V> {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key).or_default())
        };
        Arc::clone(cell.get_or_init(|| Arc::new(make())))
    }
}
