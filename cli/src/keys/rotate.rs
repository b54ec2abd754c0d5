//! `signup keys rotate`: the next key that signs access tokens, in the database itself.
//!
//! The service may be running. Its processes read the key within a minute, and publish it well before it signs.

use accounts::{Keyring, MasterKey, SigningKey, SigningKeys, StoredKey};
use anyhow::{Context, bail};
use jiff::Timestamp;
use saga::{Clock, SystemClock};

use crate::config::{Config, Flags};
use crate::database::Database;
use crate::patience::outlast;
use crate::secrets::master_key;

/// How often somebody else may make a key of the same number at the same moment.
const TRIES: usize = 3;

#[derive(Debug, clap::Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    flags: Flags,
}

impl Rotate {
    pub(super) async fn run(self) -> anyhow::Result<String> {
        let rotate = async |config: &Config, database: &Database| {
            rotate(&*database.signing_keys, &master_key(config)?, SystemClock.now()).await
        };
        let key = Database::visited(&self.flags, rotate).await?;
        let (id, from) = (key.id.as_str(), key.signs_from);
        Ok(if from > key.created_at {
            format!("Key {id} signs access tokens from {from:.0} on. What the former keys have signed stays valid.\n")
        } else {
            format!("Key {id} signs access tokens as soon as the service has read it: within a minute.\n")
        })
    }
}

/// Makes the next key: it signs once everybody has read it, or at once where no former key can.
async fn rotate(keys: &dyn SigningKeys, master: &MasterKey, now: Timestamp) -> anyhow::Result<StoredKey> {
    for _ in 0..TRIES {
        let stored = outlast(async || keys.keys().await).await.context("cannot read the signing keys")?;
        let one_opens = stored.iter().any(|key| key.open(master).is_ok());
        let mut due = Keyring::new(stored).successor(now);
        if !one_opens {
            due.signs_from = now;
        }
        let key = StoredKey::seal(due, &SigningKey::generate()?, master, now);
        let added = outlast(async || keys.add(&key).await).await.context("cannot add the signing key")?;
        // Asked twice, it may meet what it has done itself.
        if added || keys.keys().await.context("cannot read the signing keys")?.iter().any(|one| one.id == key.id) {
            return Ok(key);
        }
    }
    bail!("others make signing keys at this moment: look at /.well-known/jwks.json before you try again")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use accounts::PUBLISHED_BEFORE;
    use store::Sqlite;

    use super::*;

    #[tokio::test]
    async fn the_next_key_signs_once_everybody_has_read_it_and_at_once_where_no_other_can() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Sqlite::open(&folder.path().join("signup.db"), Arc::new(SystemClock)).await.unwrap();
        let now = Timestamp::constant(1_767_323_045, 0);
        let (ours, other) = (MasterKey::new([1; 32]), MasterKey::new([2; 32]));
        let first = rotate(&keys, &ours, now).await.unwrap();
        let second = rotate(&keys, &ours, now).await.unwrap();
        let third = rotate(&keys, &other, now).await.unwrap();
        assert_eq!([&first, &second, &third].map(|key| key.generation), [1, 2, 3]);
        assert_eq!([&first, &second, &third].map(|key| key.signs_from), [now, now + PUBLISHED_BEFORE, now]);
        assert_eq!(keys.keys().await.unwrap(), [first, second, third]);
    }
}
