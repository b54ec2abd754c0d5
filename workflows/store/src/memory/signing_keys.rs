//! The keys that sign access tokens.

use std::collections::btree_map::Entry;

use accounts::{SigningKeys, StoredKey};
use async_trait::async_trait;
use saga::store::Error;

use super::Memory;

#[async_trait]
impl SigningKeys for Memory {
    async fn keys(&self) -> Result<Vec<StoredKey>, Error> {
        Ok(self.lock().signing_keys.values().cloned().collect())
    }

    async fn add(&self, key: &StoredKey) -> Result<bool, Error> {
        let mut tables = self.lock();
        let taken = tables.signing_keys.values().any(|known| known.id == key.id);
        let Entry::Vacant(free) = tables.signing_keys.entry(key.generation) else { return Ok(false) };
        if !taken {
            free.insert(key.clone());
        }
        Ok(!taken)
    }
}
