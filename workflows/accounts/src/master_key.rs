//! The master key: what signing keys are sealed with where they are stored.
//!
//! AES-256-GCM with a random nonce. The signing key's name is part of the associated data, so a sealed key opens under
//! its own name alone. A master key seals a key a month: far from where random nonces could meet.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{KeyId, PublicKey, SigningKey};

const LABEL: &[u8] = b"signup-saga signing key v1";

/// The secret that signing keys are sealed with: 32 bytes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

/// A signing key that only the master key opens: a nonce of 12 bytes, the ciphertext and its tag.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKey(Vec<u8>);

/// Why a sealed key does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It was altered, or sealed with another master key or for another key.
    #[error("the signing key does not open: altered, or sealed with another master key or under another id")]
    Corrupt,
    /// It opens, but the public key or the id that is stored beside it is not its own.
    #[error("the signing key is not the one that its public key belongs to")]
    OtherPublicKey,
}

impl MasterKey {
    /// A key of 32 secret bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Seals the private half of a signing key under its name.
    pub fn seal(&self, key: &SigningKey) -> SealedKey {
        let private = key.private().as_bytes();
        // With room for the tag: nothing of the private half is left behind where the bytes were before.
        let mut bytes = Zeroizing::new(Vec::with_capacity(private.len() + AES_256_GCM.tag_len()));
        bytes.extend_from_slice(private);
        // This fails for texts beyond 64 GiB alone.
        let nonce = match self.cipher().seal_in_place_append_tag(bound_to(key.id()), &mut *bytes) {
            Ok(nonce) => nonce,
            Err(never) => unreachable!("a short text: {never}"),
        };
        SealedKey([&nonce.as_ref()[..], &bytes].concat())
    }

    /// Opens a signing key that was sealed under the name `id`, and whose public half is `public`.
    ///
    /// # Errors
    /// [`OpenError`] if it is not that key, or not sealed with this master key.
    pub fn open(&self, id: &KeyId, public: &PublicKey, sealed: &SealedKey) -> Result<SigningKey, OpenError> {
        let (nonce, ciphertext) = sealed.0.split_first_chunk::<NONCE_LEN>().ok_or(OpenError::Corrupt)?;
        let mut bytes = Zeroizing::new(ciphertext.to_vec());
        let opened = self.cipher().open_in_place(Nonce::from(nonce), bound_to(id), &mut bytes);
        let private = opened.map_err(|_| OpenError::Corrupt)?;
        let key = SigningKey::from_pkcs8(private).ok_or(OpenError::Corrupt)?;
        let own = key.public() == public && key.id() == id;
        own.then_some(key).ok_or(OpenError::OtherPublicKey)
    }

    fn cipher(&self) -> RandomizedNonceKey {
        match RandomizedNonceKey::new(&AES_256_GCM, &self.0) {
            Ok(cipher) => cipher,
            Err(never) => unreachable!("a key of 32 bytes: {never}"),
        }
    }
}

fn bound_to(id: &KeyId) -> Aad<Vec<u8>> {
    Aad::from([LABEL, id.as_str().as_bytes()].concat())
}

impl SealedKey {
    /// A sealed key as it is stored.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Debug for SealedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master() -> MasterKey {
        MasterKey::new([7; 32])
    }

    #[test]
    fn a_sealed_key_opens_with_its_own_master_key_alone() {
        let key = SigningKey::generate().unwrap();
        let sealed = master().seal(&key);
        let opened = master().open(key.id(), key.public(), &sealed).unwrap();
        assert_eq!(opened.private().as_bytes(), key.private().as_bytes());
        let other = MasterKey::new([8; 32]).open(key.id(), key.public(), &sealed);
        assert_eq!(other.unwrap_err(), OpenError::Corrupt);
    }

    #[test]
    fn it_opens_under_its_own_name_and_beside_its_own_public_key_alone() {
        let (ours, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let sealed = master().seal(&ours);
        assert_eq!(master().open(other.id(), ours.public(), &sealed).unwrap_err(), OpenError::Corrupt);
        assert_eq!(master().open(other.id(), other.public(), &sealed).unwrap_err(), OpenError::Corrupt);
        assert_eq!(master().open(ours.id(), other.public(), &sealed).unwrap_err(), OpenError::OtherPublicKey);
    }

    #[test]
    fn a_private_key_that_was_sealed_under_anothers_name_is_found_out() {
        let (ours, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        let mut bytes = other.private().as_bytes().to_vec();
        let nonce = master().cipher().seal_in_place_append_tag(bound_to(ours.id()), &mut bytes).unwrap();
        let sealed = SealedKey::from_bytes([&nonce.as_ref()[..], &bytes].concat());
        for public in [ours.public(), other.public()] {
            assert_eq!(master().open(ours.id(), public, &sealed).unwrap_err(), OpenError::OtherPublicKey);
        }
    }

    #[test]
    fn a_changed_byte_anywhere_is_noticed() {
        let key = SigningKey::generate().unwrap();
        let sealed = master().seal(&key);
        for at in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[at] ^= 1;
            let opened = master().open(key.id(), key.public(), &SealedKey::from_bytes(bytes));
            assert_eq!(opened.unwrap_err(), OpenError::Corrupt, "byte {at}");
        }
        for length in [0, 11, 12, 27, 28] {
            let cut = SealedKey::from_bytes(sealed.as_bytes()[..length].to_vec());
            assert_eq!(master().open(key.id(), key.public(), &cut).unwrap_err(), OpenError::Corrupt, "{length} bytes");
        }
    }

    #[test]
    fn no_two_seals_are_alike_and_none_holds_the_key_in_the_clear() {
        let key = SigningKey::generate().unwrap();
        let (one, other) = (master().seal(&key), master().seal(&key));
        assert_ne!(one, other);
        let private = key.private().as_bytes();
        assert!(!one.as_bytes().windows(16).any(|window| private.windows(16).any(|part| part == window)));
        assert_eq!(format!("{one:?} {:?}", master()), "[sealed] [redacted]");
    }
}
