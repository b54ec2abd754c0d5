//! The embedded mode's secrets: made at the first start, kept in the data folder.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use signup::{HashKey, Unsealer};
use tracing::warn;
use zeroize::Zeroizing;

use crate::data_dir::DataDir;

/// The service's secrets.
#[derive(Debug)]
pub(crate) struct Secrets {
    /// Opens sealed passwords.
    pub(crate) unsealer: Unsealer,
    /// Keys the keyed hashes.
    pub(crate) hash_key: HashKey,
}

type Key = Zeroizing<[u8; 32]>;

impl Secrets {
    /// Reads the secrets of a data folder, and makes those that are missing.
    ///
    /// A secret that is missing beside a database that is not new was lost: what it was for is said in the log.
    pub(crate) fn of(folder: &DataDir, database_is_new: bool) -> anyhow::Result<Self> {
        let (seal, hash) = (folder.secret("seal"), folder.secret("hash"));
        if !database_is_new && !seal.exists() {
            warn!("seal.key is missing, making another: sign-ups whose password is not hashed yet will fail");
        }
        if !database_is_new && !hash.exists() {
            warn!("hash.key is missing, making another: repeated requests of the last day are not recognised");
        }
        let (seal, hash) = (read_or_make(&seal)?, read_or_make(&hash)?);
        Ok(Self { unsealer: Unsealer::new(&*seal)?, hash_key: HashKey::new(*hash) })
    }
}

fn read_or_make(path: &Path) -> anyhow::Result<Key> {
    match File::open(path) {
        Ok(file) => read(file).with_context(|| format!("cannot use the secret {}", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(path).with_context(|| format!("cannot make the secret {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot read the secret {}", path.display())),
    }
}

fn read(mut file: File) -> anyhow::Result<Key> {
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text)?;
    let bytes = Zeroizing::new(BASE64.decode(text.trim()).context("it is not Base64")?);
    let Ok(key) = <[u8; 32]>::try_from(&bytes[..]) else { bail!("it has {} bytes, not 32", bytes.len()) };
    Ok(Zeroizing::new(key))
}

/// Makes a key, whole or not at all: a process that dies in between leaves none, and the next makes another.
fn make(path: &Path) -> anyhow::Result<Key> {
    let mut key = Zeroizing::new([0; 32]);
    File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut *key)).context("no randomness")?;
    let draft = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&draft)?;
    let text = Zeroizing::new(BASE64.encode(&key[..]));
    writeln!(file, "{}", &*text)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    // The name must outlive a loss of power as surely as what is sealed under the key.
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
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
