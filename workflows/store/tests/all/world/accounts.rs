//! People who have signed up, and their sessions.

use std::sync::Arc;

use accounts::{
    Accounts, Credentials, Generation, Holder, NewSession, Proof, Refreshed, SessionId, Sessions, SigningKeys, User,
    UserAction, UserOrder, Users,
};
use saga::SagaId;
use saga::operate::Signature;
use signup::{PasswordHash, UserId};
use uuid::Uuid;

use super::World;

/// The hash that everybody signs up with.
pub(crate) fn first_hash() -> PasswordHash {
    hash("test")
}

/// Another one, for each text another.
pub(crate) fn hash(text: &str) -> PasswordHash {
    PasswordHash::from_stored(format!("$argon2id${text}"))
}

/// A session's id, later for each number.
pub(crate) fn session(number: usize) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(u128::try_from(number).unwrap()))
}

/// A session that begins with a password of this hash.
pub(crate) fn by_password(number: usize, user: UserId, hash: &PasswordHash) -> NewSession {
    new(number, Proof::Password { user, hash: hash.clone() })
}

/// A session that a sign-up is redeemed for.
pub(crate) fn by_sign_up(number: usize, saga: SagaId) -> NewSession {
    new(number, Proof::SignUp(saga))
}

fn new(number: usize, proof: Proof) -> NewSession {
    let (device, address_class) = (Some(format!("browser {number}")), Some("here".to_owned()));
    NewSession { id: session(number), proof, device, address_class }
}

/// What somebody knows who signed up and never changed their password.
pub(crate) fn known(user: UserId) -> Credentials {
    Credentials { user, hash: first_hash() }
}

/// What an operator orders who saw the user at this seq.
pub(crate) fn order(user: UserId, seq: u64, action: UserAction) -> UserOrder {
    let signature = Signature { operator: "ola".to_owned(), reason: format!("to {action}") };
    UserOrder { user, seq, action, signature }
}

impl World {
    /// The sessions that it keeps.
    pub(crate) fn sessions(&self) -> Arc<dyn Sessions> {
        self.harness.sessions()
    }

    /// The accounts that it keeps.
    pub(crate) fn accounts(&self) -> Arc<dyn Accounts> {
        self.harness.accounts()
    }

    /// The users that it keeps, as operators see them.
    pub(crate) fn users(&self) -> Arc<dyn Users> {
        self.harness.users()
    }

    /// The keys that sign access tokens.
    pub(crate) fn signing_keys(&self) -> Arc<dyn SigningKeys> {
        self.harness.signing_keys()
    }

    /// Has an operator do this to a user as they are now. Whether it was done.
    pub(crate) async fn order(&self, user: UserId, action: UserAction) -> bool {
        let seq = self.seen(user).await.seq;
        self.users().act(&order(user, seq, action)).await.unwrap()
    }

    /// Has an operator disable a user.
    pub(crate) async fn disable(&self, user: UserId) {
        assert!(self.order(user, UserAction::Disable).await);
    }

    /// A user, as operators see them.
    pub(crate) async fn seen(&self, user: UserId) -> User {
        self.users().by_id(user).await.unwrap().unwrap()
    }

    /// The user of a sign-up, which has come so far as to make one.
    pub(crate) async fn user_of(&self, saga: SagaId) -> UserId {
        self.facts().await.users.iter().find(|user| user.saga == saga).unwrap().id
    }

    /// A user who has signed up as `name@example.com`.
    pub(crate) async fn user(&self, name: &str) -> UserId {
        let saga = self.complete(name).await;
        self.user_of(saga).await
    }

    /// Tries to begin a session.
    pub(crate) async fn begin(&self, new: &NewSession) -> Option<Holder> {
        self.sessions().begin(new).await.unwrap()
    }

    /// A session that a user has begun with the password that they signed up with.
    pub(crate) async fn sign_in(&self, number: usize, user: UserId) -> SessionId {
        self.begin(&by_password(number, user, &first_hash())).await.unwrap().session
    }

    /// Refreshes a session with a token of this generation.
    pub(crate) async fn refresh(&self, session: SessionId, presented: u32) -> Refreshed {
        self.sessions().refresh(session, Generation(presented)).await.unwrap()
    }

    pub(crate) async fn is_live(&self, session: SessionId) -> bool {
        self.sessions().holder(session).await.unwrap().is_some()
    }

    /// The ids of a user's live sessions, in the order in which they are told.
    pub(crate) async fn live(&self, user: UserId) -> Vec<SessionId> {
        self.sessions().list(user).await.unwrap().iter().map(|session| session.id).collect()
    }
}
