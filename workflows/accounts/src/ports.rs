//! The ports to the database: what it keeps of sessions and of signing keys.

use async_trait::async_trait;
use saga::store::Error;
use signup::UserId;

use crate::{Generation, Holder, NewSession, Session, SessionId, StoredKey};

/// The signing keys that a store keeps.
#[async_trait]
pub trait SigningKeys: Send + Sync + 'static {
    /// Every key, in the order of their generations.
    ///
    /// # Errors
    /// [`Error`], for this and every method below.
    async fn keys(&self) -> Result<Vec<StoredKey>, Error>;

    /// Adds a key. False if there is one of that generation; nothing is written then, so that of many processes that
    /// find it due one makes the successor.
    async fn add(&self, key: &StoredKey) -> Result<bool, Error>;
}

/// The sessions that a store keeps.
///
/// A session is live until it is revoked or expires; [`Standing::present`](crate::Standing::present) is what every
/// store decides by.
///
/// # Cancel safety
/// Each method is one write or none: dropped, it leaves the store as before or as after.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// Begins a session, of a user who is active and not disabled.
    ///
    /// # Errors
    /// [`Error`], for this and every method below.
    async fn begin(&self, session: &NewSession) -> Result<Begun, Error>;

    /// Refreshes a session with a token of the generation `presented`, which was truly issued for it.
    ///
    /// A token that was used up revokes the session, in the same write.
    async fn refresh(&self, session: SessionId, presented: Generation) -> Result<Refreshed, Error>;

    /// Whom a session stands for, while it is live and its user is active and not disabled.
    async fn holder(&self, session: SessionId) -> Result<Option<Holder>, Error>;

    /// A user's live sessions, the one that was used last first.
    async fn list(&self, user: UserId) -> Result<Vec<Session>, Error>;

    /// Ends a user's session. False if they have no such live session.
    async fn revoke(&self, user: UserId, session: SessionId) -> Result<bool, Error>;

    /// Ends all of a user's live sessions but `except`; how many there were.
    async fn revoke_all(&self, user: UserId, except: Option<SessionId>) -> Result<u64, Error>;
}

/// How it went to begin a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It has begun, with the first generation.
    Begun(Session),
    /// The sign-up was redeemed within the [`GRACE`](crate::GRACE), for this session, which is live and still of its
    /// first generation: the reply was lost, and the request repeated.
    Redeemed(Session),
    /// The sign-up was redeemed before; nothing was written.
    AlreadyRedeemed,
    /// There is no such user, or they are not active, or disabled; nothing was written.
    NoUser,
}

/// How it went to refresh a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// It goes on: whom it stands for, and the generation that they get.
    Live(Holder, Generation),
    /// The token was used up: the session was live, and is revoked.
    Reused,
    /// There is no such session, or it is expired or revoked, or its user is not active, or disabled.
    Over,
}
