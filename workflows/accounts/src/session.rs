//! Sessions: what a sign-in begins, and what a person sees of theirs.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use saga::id::{self, MalformedId};
use saga::{Clock, Random, SagaId};
use signup::{EmailAddress, OrganizationId, PasswordHash, UserId};
use uuid::Uuid;

use crate::Role;

/// The id of a session: a UUIDv7, shown as `ses_` and 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(Uuid);

/// A session, as its user may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// What the user signed in with, in words of their own client.
    pub device: Option<String>,
    /// Where the user signed in from, as coarsely as it is kept.
    pub address_class: Option<String>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was last refreshed; when it began, if it never was.
    pub used_at: Timestamp,
    /// When it ends by itself: see [`expires_at`](crate::expires_at).
    pub expires_at: Timestamp,
}

/// A session that is to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// Why it may.
    pub proof: Proof,
    /// What the user signs in with.
    pub device: Option<String>,
    /// Where the user signs in from.
    pub address_class: Option<String>,
}

/// Why a session may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The user has shown their password, which has this hash. It must be their hash still when the session begins: a
    /// password that is changed meanwhile ends what it has begun.
    Password {
        /// Who.
        user: UserId,
        /// The hash that was verified.
        hash: PasswordHash,
    },
    /// Somebody has shown that they have started this sign-up. That is enough once, within [`REDEEM`] of its end, and
    /// until the user's sessions are all ended, by a change of the password or otherwise.
    SignUp(SagaId),
}

/// For how long a completed sign-up can be redeemed for a session.
pub const REDEEM: SignedDuration = SignedDuration::from_hours(24);

/// Whom a live session stands for: all that an access token says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The session.
    pub session: SessionId,
    /// Its user.
    pub user: UserId,
    /// The address that they sign in with.
    pub email: EmailAddress,
    /// Their organization.
    pub organization: OrganizationId,
    /// What they are in it.
    pub role: Role,
}

impl SessionId {
    const PREFIX: &str = "ses_";

    /// A fresh id, in order of time.
    pub fn new(clock: &dyn Clock, random: &dyn Random) -> Self {
        Self(id::uuid_v7(clock, random))
    }

    /// The id behind a stored UUID.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID to store.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        id::show(Self::PREFIX, self.0, f)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for SessionId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, MalformedId> {
        id::read(Self::PREFIX, text).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use saga::{OsRandom, SystemClock};

    use super::*;

    #[test]
    fn an_id_reads_back() {
        let id = SessionId::new(&SystemClock, &OsRandom);
        assert_eq!(id.uuid().get_version_num(), 7);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().len(), 36);
        assert_eq!(format!("{id:?}"), id.to_string());
        assert_eq!(SessionId::from_uuid(id.uuid()), id);
    }
}
