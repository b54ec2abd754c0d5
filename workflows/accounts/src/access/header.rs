//! The header of an access token.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};

use super::Refused;

/// The type of token (RFC 9068).
pub(super) const TYPE: &str = "at+jwt";
/// The same, written out.
const MEDIA_TYPE: &str = "application/at+jwt";
const ALGORITHM: &str = "ES256";

/// What is looked at. Other parameters are passed over, as RFC 7515 demands, and one that is there twice is an error.
#[derive(Deserialize)]
struct Header {
    alg: Option<String>,
    typ: Option<String>,
    kid: Option<String>,
    #[serde(default)]
    crit: Present,
    #[serde(default)]
    b64: Present,
    #[serde(default)]
    jku: Present,
    #[serde(default)]
    jwk: Present,
    #[serde(default)]
    x5u: Present,
    #[serde(default)]
    x5c: Present,
}

/// Whether a parameter is there, whatever it is.
#[derive(Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self(true))
    }
}

/// The name of the key that the header says it is signed with, if all else in it is as we write it.
pub(super) fn key(json: &[u8]) -> Result<String, Refused> {
    // An array of the values would be read like an object.
    if json.first() != Some(&b'{') {
        return Err(Refused::Malformed);
    }
    let header: Header = serde_json::from_slice(json).map_err(|_| Refused::Malformed)?;
    if header.crit.0 || header.b64.0 {
        return Err(Refused::Critical);
    }
    if [header.jku, header.jwk, header.x5u, header.x5c].iter().any(|present| present.0) {
        return Err(Refused::ForeignKey);
    }
    if header.alg.as_deref() != Some(ALGORITHM) {
        return Err(Refused::Algorithm);
    }
    let is_ours = |typ: &String| typ.eq_ignore_ascii_case(TYPE) || typ.eq_ignore_ascii_case(MEDIA_TYPE);
    if !header.typ.as_ref().is_some_and(is_ours) {
        return Err(Refused::Type);
    }
    header.kid.ok_or(Refused::UnknownKey)
}
