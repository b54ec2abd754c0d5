//! The service's secrets: those that are configured, and for the others those of the data folder, made at the first
//! start.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use accounts::MasterKey;
use anyhow::Context;
use signup::{HashKey, Unsealer};
use tracing::warn;
use zeroize::Zeroizing;

use crate::config::{Config, open_to_others, settings};
use crate::data_dir::{DataDir, keep};
use crate::database::Database;
use crate::key::{self, Key};

/// The service's secrets.
#[derive(Debug)]
pub(crate) struct Secrets {
    /// Opens sealed passwords.
    pub(crate) unsealer: Unsealer,
    /// Keys the keyed hashes.
    pub(crate) hash_key: HashKey,
    /// Seals signing keys.
    pub(crate) master_key: MasterKey,
}

/// What it means that a key was lost.
const SEAL_LOSS: &str = "sign-ups whose password is not hashed yet will fail";
const HASH_LOSS: &str = "repeated requests of the last day are not recognised, and everybody must sign in again";
const MASTER_LOSS: &str = "if there was one, no session begins or goes on until `signup keys rotate` was run";

impl Secrets {
    /// The configured secrets; for the others reads those of the data folder, and makes those that are missing there.
    ///
    /// A key that is missing beside a database that is not new was lost, and so was the database if it is new beside
    /// a key: the log says what that means.
    pub(crate) fn of(config: &Config, folder: &DataDir, database: &Database) -> anyhow::Result<Self> {
        let [seal, hash, master] = ["seal", "hash", "master"].map(|name| folder.secret(name));
        let (is_file, database_is_new) = (database.is_file(), database.is_new);
        let is_bereft = is_file && database_is_new && [&seal, &hash, &master].iter().any(|key| key.exists());
        let seal = match &config.seal_private_key {
            Some(key) => key.clone(),
            None => kept(&seal, database_is_new, SEAL_LOSS)?,
        };
        let hash = match &config.hash_key {
            Some(key) => key.clone(),
            None => kept(&hash, database_is_new, HASH_LOSS)?,
        };
        let master = match &config.master_key {
            Some(key) => key.clone(),
            None => kept(&master, database_is_new, MASTER_LOSS)?,
        };
        if is_bereft {
            warn!(
                "the folder has keys, but the database in it is new: if there was one, its sign-ups and users are gone; \
                 to have them back, stop and restore signup.db from a backup"
            );
        }
        Ok(Self { unsealer: matching(config, &seal)?, hash_key: hash.hash_key(), master_key: master.master_key() })
    }
}

/// What opens sealed passwords, if the public half is not configured to be another's.
pub(crate) fn matching(config: &Config, seal: &Key) -> anyhow::Result<Unsealer> {
    let unsealer = seal.unsealer()?;
    let public = unsealer.sealer().public_key();
    if config.seal_public_key.as_ref().is_some_and(|sealer| sealer.public_key() != public) {
        let what = "it is not the public half of the private key; give both as `signup keys init` prints them";
        return Err(config.error(&settings::SEAL_PUBLIC_KEY, what).into());
    }
    Ok(unsealer)
}

/// The master key that the service has: the configured one, or that of its data folder.
pub(crate) fn master_key(config: &Config) -> anyhow::Result<MasterKey> {
    if let Some(key) = &config.master_key {
        return Ok(key.master_key());
    }
    let path = DataDir::secret_in(&config.data_dir, "master");
    let file = File::open(&path).with_context(|| {
        let (name, path) = (settings::MASTER_KEY.variable, path.display());
        format!("no master key: set {name}, or give the --data-dir of the service, where {path} would be")
    })?;
    Ok(read(file, &path).with_context(|| format!("cannot use the secret {}", path.display()))?.master_key())
}

/// A key that the data folder keeps.
fn kept(path: &Path, database_is_new: bool, loss: &str) -> anyhow::Result<Key> {
    let name = path.file_name().unwrap_or_default().display();
    if !database_is_new && !path.exists() {
        warn!("{name} is missing, making another: {loss}");
    }
    read_or_make(path)
}

fn read_or_make(path: &Path) -> anyhow::Result<Key> {
    match File::open(path) {
        Ok(file) => read(file, path).with_context(|| format!("cannot use the secret {}", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(path).with_context(|| format!("cannot make the secret {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read the secret {}", path.display())),
    }
}

fn read(mut file: File, path: &Path) -> anyhow::Result<Key> {
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text)?;
    let key = key::decode(&text).map(Key::new).map_err(anyhow::Error::msg)?;
    if open_to_others(&file.metadata()?) {
        let path = path.display();
        warn!("others may read the secret {path}: run `chmod 600 {path}`");
    }
    Ok(key)
}

fn make(path: &Path) -> anyhow::Result<Key> {
    let key = Key::random()?;
    keep(path, &key.reveal())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_is_nobody_elses_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        let made = read_or_make(&path).unwrap();
        assert_eq!(made, read_or_make(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_secret_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        for text in ["", "not base64!", "c2hvcnQ="] {
            std::fs::write(&path, text).unwrap();
            assert!(read_or_make(&path).is_err(), "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
