//! Keys: 32 secret bytes, written in Base64.

use std::fmt;
use std::fs::File;
use std::io::Read;

use accounts::MasterKey;
use anyhow::Context;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD};
use signup::{HashKey, SealKeyError, Unsealer};
use zeroize::Zeroizing;

/// The bytes of a key.
pub(crate) type Bytes = Zeroizing<[u8; 32]>;

/// A secret key. It is wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(Bytes);

impl Key {
    /// A key of these bytes.
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// A fresh key, from the operating system's randomness.
    pub(crate) fn random() -> anyhow::Result<Self> {
        random().map(Self)
    }

    /// The key as it is written down.
    pub(crate) fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64.encode(&self.0[..]))
    }

    /// This key as one that opens sealed passwords.
    pub(crate) fn unsealer(&self) -> Result<Unsealer, SealKeyError> {
        Unsealer::new(&self.0[..])
    }

    /// This key as one that keys hashes.
    pub(crate) fn hash_key(&self) -> HashKey {
        HashKey::new(*self.0)
    }

    /// This key as one that seals signing keys.
    pub(crate) fn master_key(&self) -> MasterKey {
        MasterKey::new(*self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// 32 secret bytes, from the operating system's randomness.
pub(crate) fn random() -> anyhow::Result<Bytes> {
    let mut bytes = Bytes::default();
    File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut *bytes)).context("no randomness")?;
    Ok(bytes)
}

/// A fresh password, of letters that a URL takes as they are.
pub(crate) fn password() -> anyhow::Result<Zeroizing<String>> {
    Ok(Zeroizing::new(URL_SAFE_NO_PAD.encode(&random()?[..])))
}

/// The bytes of a key, public or secret. The error does not show it.
pub(crate) fn decode(text: &str) -> Result<Bytes, String> {
    let bytes = Zeroizing::new(BASE64.decode(text.trim()).map_err(|_| "it is not Base64")?);
    let key = <[u8; 32]>::try_from(&bytes[..]).map_err(|_| format!("it has {} bytes, not 32", bytes.len()))?;
    Ok(Zeroizing::new(key))
}

/// A public key as it is written down.
pub(crate) fn encode(public: [u8; 32]) -> String {
    BASE64.encode(public)
}
