//! Public keys: what access tokens are verified with, and how a key is named.

use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// The public half of a signing key: a point of P-256, uncompressed (SEC 1).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; Self::BYTES]);

/// The name of a key: the thumbprint of its public half (RFC 7638), so that no two keys share one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// The bytes are no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key: expected an uncompressed point of P-256, 65 bytes")]
pub struct MalformedPublicKey;

/// A public key as whoever verifies tokens reads it (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwk {
    /// The type of key: `EC`.
    pub kty: &'static str,
    /// The curve: `P-256`.
    pub crv: &'static str,
    /// The point's first coordinate, in Base64.
    pub x: String,
    /// The point's second coordinate, in Base64.
    pub y: String,
    /// What the key is for: `sig`.
    #[serde(rename = "use")]
    pub purpose: &'static str,
    /// The one algorithm it is for: `ES256`.
    pub alg: &'static str,
    /// Its name.
    pub kid: KeyId,
}

impl PublicKey {
    const BYTES: usize = 65;
    const UNCOMPRESSED: u8 = 4;

    /// A public key as it is stored.
    ///
    /// # Errors
    /// [`MalformedPublicKey`] if the bytes are no uncompressed point of the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedPublicKey> {
        let point: [u8; Self::BYTES] = bytes.try_into().map_err(|_| MalformedPublicKey)?;
        let on_curve = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).is_ok();
        (point[0] == Self::UNCOMPRESSED && on_curve).then_some(Self(point)).ok_or(MalformedPublicKey)
    }

    /// The bytes to store: 65 of them, which are no secret.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        let (x, y) = self.coordinates();
        // The required members alone, in the order of their names, without white space.
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        KeyId(URL_SAFE_NO_PAD.encode(Sha256::digest(members)))
    }

    /// The key as whoever verifies tokens reads it.
    pub fn jwk(&self) -> Jwk {
        let (x, y) = self.coordinates();
        Jwk { kty: "EC", crv: "P-256", x, y, purpose: "sig", alg: "ES256", kid: self.id() }
    }

    fn coordinates(&self) -> (String, String) {
        let (x, y) = self.0[1..].split_at(32);
        (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

impl KeyId {
    /// A name that was stored.
    pub fn from_stored(id: String) -> Self {
        Self(id)
    }

    /// The name: 43 letters, digits, `-` and `_`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::jwk::ThumbprintHash;

    use super::*;
    use crate::SigningKey;

    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        let public = *SigningKey::generate().unwrap().public();
        let text = serde_json::to_string(&public.jwk()).unwrap();
        let theirs: jsonwebtoken::jwk::Jwk = serde_json::from_str(&text).unwrap();
        assert_eq!(theirs.thumbprint(ThumbprintHash::SHA256).unwrap(), public.id().as_str());
        assert_eq!(public.id().as_str().len(), 43);
    }

    #[test]
    fn a_jwk_has_the_members_of_a_public_key_and_no_other() {
        let public = *SigningKey::generate().unwrap().public();
        let (x, y) = public.coordinates();
        let expected = serde_json::json!({
            "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": public.id().as_str(),
        });
        assert_eq!(serde_json::to_value(public.jwk()).unwrap(), expected);
    }

    #[test]
    fn only_a_point_of_the_curve_is_a_public_key() {
        let public = *SigningKey::generate().unwrap().public();
        assert_eq!(PublicKey::from_bytes(public.as_bytes()), Ok(public));
        let mut off_curve = public.0;
        off_curve[64] ^= 1;
        let mut hybrid = public.0;
        hybrid[0] = 6 | (public.0[64] & 1);
        for bytes in [&[][..], &[0], &public.0[..64], &public.0[..33], &off_curve, &hybrid, &[4; 65], &[0; 65]] {
            assert_eq!(PublicKey::from_bytes(bytes), Err(MalformedPublicKey), "{bytes:?}");
        }
    }
}
