//! Signing keys: what access tokens are signed with.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use jsonwebtoken::EncodingKey;

use crate::{KeyId, PublicKey};

/// A key pair for ES256: ECDSA on P-256 with SHA-256. The private half is wiped when dropped, and never shown.
#[derive(Clone)]
pub struct SigningKey {
    private: EncodingKey,
    public: PublicKey,
    id: KeyId,
}

/// The cryptographic library could not make a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no signing key could be made")]
pub struct NotGenerated;

impl SigningKey {
    /// A fresh key, from the operating system's randomness.
    ///
    /// # Errors
    /// [`NotGenerated`] if the cryptographic library fails.
    pub fn generate() -> Result<Self, NotGenerated> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| NotGenerated)?;
        let document = pair.to_pkcs8v1().map_err(|_| NotGenerated)?;
        Self::from_pkcs8(document.as_ref()).ok_or(NotGenerated)
    }

    /// The key behind its private half, which must be one of P-256.
    pub(crate) fn from_pkcs8(private: &[u8]) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private).ok()?;
        let public = PublicKey::from_bytes(pair.public_key().as_ref()).ok()?;
        Some(Self { private: EncodingKey::from_ec_der(private), public, id: public.id() })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Its name.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// What signs.
    pub(crate) fn private(&self) -> &EncodingKey {
        &self.private
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_keys_are_alike_and_none_shows_itself() {
        let (one, other) = (SigningKey::generate().unwrap(), SigningKey::generate().unwrap());
        assert_ne!(one.id(), other.id());
        assert_eq!(one.id(), &one.public().id());
        assert_eq!(format!("{one:?}"), "[redacted]");
    }

    #[test]
    fn a_key_is_made_anew_from_its_private_half() {
        let key = SigningKey::generate().unwrap();
        let again = SigningKey::from_pkcs8(key.private().as_bytes()).unwrap();
        assert_eq!(again.public(), key.public());
        assert!(SigningKey::from_pkcs8(b"no key").is_none());
    }

    #[test]
    fn a_key_of_another_curve_is_refused() {
        let other = EcdsaKeyPair::generate(&aws_lc_rs::signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap();
        assert!(SigningKey::from_pkcs8(other.to_pkcs8v1().unwrap().as_ref()).is_none());
    }
}
