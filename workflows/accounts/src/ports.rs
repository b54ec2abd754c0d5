//! The ports to the database: what it keeps of sessions, of accounts, of users and of signing keys.

use async_trait::async_trait;
use saga::store::Error;
use signup::{EmailAddress, PasswordHash, UserId};

use crate::{
    Account, Credentials, Generation, Holder, NewSession, Session, SessionId, StoredKey, User, UserEvent, UserOrder,
};

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
/// A session is live until it is revoked or expires, or its user is disabled;
/// [`Standing::present`](crate::Standing::present) is what every store decides by when one is refreshed.
///
/// # Cancel safety
/// Each method is one write or none: dropped, it leaves the store as before or as after.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// Begins a session of a user who is active and not disabled: whom it stands for, of the first generation. None if
    /// there is no such user, or the proof does not hold.
    ///
    /// A sign-up that was redeemed within the [`GRACE`](crate::GRACE) gives the session that it was redeemed for, while
    /// that is live and of its first generation: the reply was lost, and the request is repeated.
    ///
    /// # Errors
    /// [`Error`], for this and every method below.
    async fn begin(&self, session: &NewSession) -> Result<Option<Holder>, Error>;

    /// Refreshes a session with a token of the generation `presented`, which was truly issued for it.
    ///
    /// A token that was used up revokes the session, in the same write.
    async fn refresh(&self, session: SessionId, presented: Generation) -> Result<Refreshed, Error>;

    /// Whom a session stands for, while it is live.
    async fn holder(&self, session: SessionId) -> Result<Option<Holder>, Error>;

    /// A user's live sessions, the one that was used last first; a hundred at most.
    async fn list(&self, user: UserId) -> Result<Vec<Session>, Error>;

    /// Ends a user's session. False if they have no such live session.
    async fn revoke(&self, user: UserId, session: SessionId) -> Result<bool, Error>;

    /// Ends all of a user's sessions.
    async fn revoke_all(&self, user: UserId) -> Result<(), Error>;

    /// Forgets the sessions that began [`LONGEST`](crate::LONGEST) ago, and so are over; how many there were.
    async fn sweep(&self) -> Result<u64, Error>;
}

/// The accounts that a store keeps: users who are active and not disabled. Others are not found.
#[async_trait]
pub trait Accounts: Send + Sync + 'static {
    /// What somebody signs in with who has this e-mail.
    ///
    /// # Errors
    /// [`Error`], for this and every method below.
    async fn credentials(&self, email: &EmailAddress) -> Result<Option<Credentials>, Error>;

    /// What a user sees of themselves.
    async fn account(&self, user: UserId) -> Result<Option<Account>, Error>;

    /// Replaces the hash of a password by another of the same password. False if it is not their hash any more; nothing
    /// is written then.
    async fn rehash(&self, known: &Credentials, hash: &PasswordHash) -> Result<bool, Error>;

    /// Changes a password, and in the same write ends all of the user's sessions but `keep`. False if `known` is not
    /// their hash any more; nothing is written then.
    async fn change_password(&self, known: &Credentials, hash: &PasswordHash, keep: SessionId) -> Result<bool, Error>;
}

/// The users that a store keeps, as operators see them: whatever their status.
#[async_trait]
pub trait Users: Send + Sync + 'static {
    /// The user with this id.
    ///
    /// # Errors
    /// [`Error`], for this and every method below.
    async fn by_id(&self, user: UserId) -> Result<Option<User>, Error>;

    /// The user who has this e-mail.
    async fn by_email(&self, email: &EmailAddress) -> Result<Option<User>, Error>;

    /// What operators have done to them, the latest first; a hundred at most.
    async fn events(&self, user: UserId) -> Result<Vec<UserEvent>, Error>;

    /// Does what an operator orders, and in the same write notes it and ends all of the user's sessions. False if the
    /// user is provisional, or not as the operator saw them; nothing is written then.
    async fn act(&self, order: &UserOrder) -> Result<bool, Error>;
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
