//! The claims of an access token: written, and read back with suspicion.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{ACCESS_LIFE, Access, Issuer, LEEWAY, Refused};
use crate::Holder;

/// The claims as they are written. Times are seconds since 1970.
#[derive(Serialize)]
pub(super) struct Issued<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: String,
    sid: String,
    org_id: String,
    role: &'static str,
    email: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: Uuid,
}

/// The claims as they are read. One that is there twice is an error, as is a time that is no integer.
#[derive(Deserialize)]
struct Shown {
    iss: Option<Value>,
    aud: Option<Value>,
    sub: String,
    sid: String,
    org_id: String,
    role: String,
    email: String,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: String,
}

impl<'a> Issued<'a> {
    /// The claims of a token that is issued at `now`.
    pub(super) fn new(issuer: &'a Issuer, holder: &'a Holder, jti: Uuid, now: Timestamp) -> Self {
        Self {
            iss: &issuer.issuer,
            aud: &issuer.audience,
            sub: holder.user.to_string(),
            sid: holder.session.to_string(),
            org_id: holder.organization.to_string(),
            role: holder.role.as_str(),
            email: holder.email.as_written(),
            iat: now.as_second(),
            nbf: now.as_second(),
            exp: now.as_second().saturating_add(ACCESS_LIFE.as_secs()),
            jti,
        }
    }
}

/// What the claims say, if they are those of a token that `issuer` has issued and that is live at `now`.
pub(super) fn read(issuer: &Issuer, json: &[u8], now: Timestamp) -> Result<Access, Refused> {
    // An array of the values would be read like an object.
    if json.first() != Some(&b'{') {
        return Err(Refused::Claims);
    }
    let claims: Shown = serde_json::from_slice(json).map_err(|_| Refused::Claims)?;
    if claims.iss.as_ref().and_then(Value::as_str) != Some(&issuer.issuer) {
        return Err(Refused::Issuer);
    }
    if claims.aud.as_ref().and_then(Value::as_str) != Some(&issuer.audience) {
        return Err(Refused::Audience);
    }
    claims.check_times(now.as_second())?;
    claims.access().ok_or(Refused::Claims)
}

impl Shown {
    fn check_times(&self, now: i64) -> Result<(), Refused> {
        let leeway = LEEWAY.as_secs();
        if self.exp.saturating_sub(self.iat) > ACCESS_LIFE.as_secs() + leeway {
            return Err(Refused::Lifetime);
        }
        if self.iat.max(self.nbf) > now.saturating_add(leeway) {
            return Err(Refused::NotYetValid);
        }
        if self.exp.saturating_add(leeway) <= now {
            return Err(Refused::Expired);
        }
        Ok(())
    }

    fn access(self) -> Option<Access> {
        Some(Access {
            session: self.sid.parse().ok()?,
            user: self.sub.parse().ok()?,
            organization: self.org_id.parse().ok()?,
            role: self.role.parse().ok()?,
            email: self.email,
            id: Uuid::try_parse(&self.jti).ok()?,
            expires_at: Timestamp::from_second(self.exp).ok()?,
        })
    }
}
