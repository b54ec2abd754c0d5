//! Keyed hashes: one secret, and a key derived from it for every purpose.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The secret behind every keyed hash of the service: 32 bytes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct HashKey([u8; 32]);

/// A keyed hash (HMAC-SHA-256).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 32]);

/// What a keyed hash is for. Hashes of the same text for different purposes have nothing in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A client's idempotency key.
    IdempotencyKey,
    /// The body of a request with an idempotency key.
    RequestBody,
    /// The password within such a body.
    RequestPassword,
    /// Whoever something is counted for that is limited: an address, an e-mail.
    Limit,
    /// An e-mail that is known to belong to a user.
    TakenEmail,
    /// The id of a sign-up, for the token that shows who has started it.
    WorkflowToken,
    /// A session and a generation of it, for the refresh token that carries both.
    RefreshToken,
    /// The key itself: what two processes tell each other's keys by.
    KeyCheck,
}

impl HashKey {
    /// A key of 32 secret bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The keyed hash of `parts`, each told from the next by its length.
    pub fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> Mac {
        let mut key = self.derive(purpose);
        // An HMAC takes keys of any length: this never fails for 32 bytes.
        let mut mac = match Hmac::<Sha256>::new_from_slice(&key) {
            Ok(mac) => mac,
            Err(never) => unreachable!("{never}"),
        };
        key.zeroize();
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Mac(mac.finalize().into_bytes().into())
    }

    fn derive(&self, purpose: Purpose) -> [u8; 32] {
        let info: &[u8] = match purpose {
            Purpose::IdempotencyKey => b"signup-saga idempotency key v1",
            Purpose::RequestBody => b"signup-saga request body v1",
            Purpose::RequestPassword => b"signup-saga request password v1",
            Purpose::Limit => b"signup-saga limit v1",
            Purpose::TakenEmail => b"signup-saga taken e-mail v1",
            Purpose::WorkflowToken => b"signup-saga workflow token v1",
            Purpose::RefreshToken => b"signup-saga refresh token v1",
            Purpose::KeyCheck => b"signup-saga key check v1",
        };
        let mut key = [0; 32];
        // HKDF-SHA-256 gives up to 8160 bytes: this never fails for 32.
        if let Err(never) = Hkdf::<Sha256>::new(None, &self.0).expand(info, &mut key) {
            unreachable!("{never}");
        }
        key
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

impl std::fmt::Debug for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mac(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_differ_by_key_purpose_and_parts() {
        let key = HashKey::new([1; 32]);
        let mac = key.mac(Purpose::RequestBody, &[b"ab", b"c"]);
        assert_eq!(mac, key.mac(Purpose::RequestBody, &[b"ab", b"c"]));
        assert_ne!(mac, key.mac(Purpose::RequestBody, &[b"a", b"bc"]));
        assert_ne!(mac, key.mac(Purpose::IdempotencyKey, &[b"ab", b"c"]));
        assert_ne!(mac, HashKey::new([2; 32]).mac(Purpose::RequestBody, &[b"ab", b"c"]));
    }
}
