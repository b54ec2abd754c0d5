//! Access tokens: what says for ten minutes who somebody is.
//!
//! A JWT (RFC 9068) signed with ES256. Its life is short because other services verify it without asking anybody: for them
//! a session that is revoked ends when its last access token does. (This one asks its database besides.) What is not exactly as it is issued here is refused: RFC 8725 says of
//! most of these checks why.

mod claims;
#[cfg(test)]
mod forged;
mod header;
mod refused;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use saga::Random;
use signup::{OrganizationId, UserId};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

pub use self::refused::Refused;
use crate::{Holder, Keyring, PublicKey, Role, SessionId, SigningKey};

/// For how long an access token lives.
pub const ACCESS_LIFE: SignedDuration = SignedDuration::from_mins(10);

/// How far the clocks of two processes may be apart.
pub const LEEWAY: SignedDuration = SignedDuration::from_secs(30);

/// What shows who somebody is: a JWT. It is a secret, and never shown.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct AccessToken(String);

/// Who issues access tokens, and whom they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `aud`.
    pub audience: String,
}

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The session that it was issued for.
    pub session: SessionId,
    /// Its user.
    pub user: UserId,
    /// Their organization.
    pub organization: OrganizationId,
    /// What they are in it.
    pub role: Role,
    /// The address that they sign in with, as it was issued: what an address may look like can change.
    pub email: String,
    /// The token's own id.
    pub id: Uuid,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// The cryptographic library could not sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the access token could not be signed: {0}")]
pub struct NotSigned(String);

impl Issuer {
    /// The longest token that is looked at. Ours are below a kilobyte.
    const MAX_BYTES: usize = 8 * 1024;

    /// A token for the holder of a session, signed with `key`, which is the one that signs at `now`.
    ///
    /// # Errors
    /// [`NotSigned`] if the cryptographic library fails.
    pub fn issue(
        &self,
        key: &SigningKey,
        holder: &Holder,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<AccessToken, NotSigned> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(header::TYPE.to_owned());
        header.kid = Some(key.id().as_str().to_owned());
        let id = uuid::Builder::from_random_bytes(random.bits().to_be_bytes()).into_uuid();
        let claims = claims::Issued::new(self, holder, id, now);
        let token = jsonwebtoken::encode(&header, &claims, key.private());
        token.map(AccessToken).map_err(|error| NotSigned(error.to_string()))
    }

    /// Whom a token stands for, if it is one of ours and live at `now`.
    ///
    /// # Errors
    /// [`Refused`] says why it is not.
    pub fn verify(&self, keyring: &Keyring, token: &str, now: Timestamp) -> Result<Access, Refused> {
        if token.len() > Self::MAX_BYTES {
            return Err(Refused::TooLong);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(Refused::Malformed)?;
        // A fourth part has a dot in front, and a dot is no Base64.
        let [header, claims] = [decode(header)?, decode(claims)?];
        decode(signature)?;
        let kid = header::key(&header)?;
        let key = keyring.find(&kid, now).ok_or(Refused::UnknownKey)?;
        check_signature(&key.public, message, signature)?;
        claims::read(self, &claims, now)
    }
}

/// Exactly the alphabet for URLs, without padding and without stray bits.
fn decode(part: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refused::Malformed)
}

fn check_signature(public: &PublicKey, message: &str, signature: &str) -> Result<(), Refused> {
    // Despite its name it takes the bare point.
    let key = DecodingKey::from_ec_der(public.as_bytes());
    match jsonwebtoken::crypto::verify(signature, message.as_bytes(), &key, Algorithm::ES256) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Refused::Signature),
    }
}

impl AccessToken {
    /// The token in the clear, for the one who holds the session.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
