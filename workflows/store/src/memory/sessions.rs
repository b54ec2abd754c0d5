//! Sessions: how they begin, are refreshed, and end.

use std::cmp::Reverse;

use accounts::{
    GRACE, Generation, Holder, LONGEST, NewSession, Proof, REDEEM, Refreshed, Rotation, Session, SessionId, Sessions,
    Standing, expires_at,
};
use async_trait::async_trait;
use jiff::Timestamp;
use saga::SagaId;
use saga::store::Error;
use signup::UserId;

use super::{Memory, Tables};

/// A session that has begun.
#[derive(Debug, Clone)]
pub(super) struct Begun {
    pub(super) session: Session,
    pub(super) epoch: u64,
    pub(super) revoked: bool,
    /// The sign-up that was redeemed for it.
    saga: Option<SagaId>,
    generation: Generation,
}

/// How many of a user's sessions are told.
const LISTED: usize = 100;

#[async_trait]
impl Sessions for Memory {
    async fn begin(&self, new: &NewSession) -> Result<Option<Holder>, Error> {
        let now = self.clock.now();
        let mut tables = self.lock();
        if let Some(user) = tables.proven(&new.proof, now)
            && tables.is_free(new)
        {
            let epoch = tables.since(user).session_epoch;
            tables.sessions.insert(new.id, Begun::by(new, user, epoch, now));
        }
        let found = tables.sessions.values().find(|begun| begun.answers(new, now) && tables.is_live(begun, now));
        Ok(found.and_then(|begun| tables.holder(begun)))
    }

    async fn refresh(&self, session: SessionId, presented: Generation) -> Result<Refreshed, Error> {
        let now = self.clock.now();
        let mut tables = self.lock();
        let known = tables.sessions.get(&session);
        let Some((begun, holder)) = known.and_then(|begun| Some((begun, tables.holder(begun)?))) else {
            return Ok(Refreshed::Over);
        };
        let rotation = Standing {
            current: begun.generation,
            issued_at: begun.session.used_at,
            expires_at: begun.session.expires_at,
            revoked: !tables.is_unrevoked(begun),
        }
        .present(presented, now);
        let Some(begun) = tables.sessions.get_mut(&session) else { return Ok(Refreshed::Over) };
        Ok(match rotation {
            Rotation::Over => Refreshed::Over,
            Rotation::Repeat(current) => Refreshed::Live(holder, current),
            Rotation::Reused => {
                begun.revoked = true;
                Refreshed::Reused
            }
            Rotation::Rotate(next) => {
                begun.generation = next;
                begun.session.used_at = now;
                begun.session.expires_at = expires_at(begun.session.began_at, now);
                Refreshed::Live(holder, next)
            }
        })
    }

    async fn holder(&self, session: SessionId) -> Result<Option<Holder>, Error> {
        let (now, tables) = (self.clock.now(), self.lock());
        let live = tables.sessions.get(&session).filter(|begun| tables.is_live(begun, now));
        Ok(live.and_then(|begun| tables.holder(begun)))
    }

    async fn list(&self, user: UserId) -> Result<Vec<Session>, Error> {
        let (now, tables) = (self.clock.now(), self.lock());
        let theirs = tables.sessions.values().filter(|begun| begun.session.user == user && tables.is_live(begun, now));
        let mut theirs: Vec<_> = theirs.map(|begun| begun.session.clone()).collect();
        theirs.sort_by_key(|session| Reverse((session.used_at, session.id)));
        theirs.truncate(LISTED);
        Ok(theirs)
    }

    async fn revoke(&self, user: UserId, session: SessionId) -> Result<bool, Error> {
        let now = self.clock.now();
        let mut tables = self.lock();
        let known = tables.sessions.get(&session).filter(|begun| begun.session.user == user);
        if !known.is_some_and(|begun| tables.is_live(begun, now)) {
            return Ok(false);
        }
        tables.sessions.entry(session).and_modify(|begun| begun.revoked = true);
        Ok(true)
    }

    async fn revoke_all(&self, user: UserId) -> Result<(), Error> {
        self.lock().since.entry(user).or_default().session_epoch += 1;
        Ok(())
    }

    async fn sweep(&self) -> Result<u64, Error> {
        let now = self.clock.now();
        let sessions = &mut self.lock().sessions;
        let before = sessions.len();
        sessions.retain(|_, begun| now.duration_since(begun.session.began_at) < LONGEST);
        Ok((before - sessions.len()) as u64)
    }
}

impl Begun {
    fn by(new: &NewSession, user: UserId, epoch: u64, now: Timestamp) -> Self {
        let session = Session {
            id: new.id,
            user,
            device: new.device.clone(),
            address_class: new.address_class.clone(),
            began_at: now,
            used_at: now,
            expires_at: expires_at(now, now),
        };
        Self { session, epoch, revoked: false, saga: redeems(new), generation: Generation::FIRST }
    }

    /// Whether it is what this proof begins, or has begun already.
    fn answers(&self, new: &NewSession, now: Timestamp) -> bool {
        let ours = self.session.id == new.id;
        self.generation == Generation::FIRST
            && match &new.proof {
                Proof::Password { user, .. } => ours && self.session.user == *user,
                Proof::SignUp(saga) => {
                    self.saga == Some(*saga) && (ours || now.duration_since(self.session.began_at) < GRACE)
                }
            }
    }
}

/// The sign-up that a session is to redeem.
fn redeems(new: &NewSession) -> Option<SagaId> {
    match &new.proof {
        Proof::Password { .. } => None,
        Proof::SignUp(saga) => Some(*saga),
    }
}

impl Tables {
    /// The user whom a proof holds for.
    fn proven(&self, proof: &Proof, now: Timestamp) -> Option<UserId> {
        match proof {
            Proof::Password { user, hash } => {
                self.user(*user).filter(|user| user.password_hash == hash.as_str()).map(|user| user.id)
            }
            Proof::SignUp(saga) => {
                let ended_at = self.sagas.get(saga)?.ended_at?;
                let user = self.made.users.iter().find(|user| user.saga == *saga)?.id;
                let in_time = now.duration_since(ended_at) < REDEEM && self.since(user).session_epoch == 0;
                self.user(user).filter(|_| in_time).map(|user| user.id)
            }
        }
    }

    /// Whether neither the session nor one of the same sign-up has begun.
    fn is_free(&self, new: &NewSession) -> bool {
        let redeemed = |saga| self.sessions.values().any(|begun| begun.saga == Some(saga));
        !self.sessions.contains_key(&new.id) && !redeems(new).is_some_and(redeemed)
    }

    fn is_live(&self, begun: &Begun, now: Timestamp) -> bool {
        now < begun.session.expires_at && self.is_unrevoked(begun)
    }

    /// Whether nobody has ended it, and its user may sign in.
    fn is_unrevoked(&self, begun: &Begun) -> bool {
        let user = begun.session.user;
        !begun.revoked && begun.epoch == self.since(user).session_epoch && self.user(user).is_some()
    }

    fn holder(&self, begun: &Begun) -> Option<Holder> {
        let user = self.made.users.iter().find(|user| user.id == begun.session.user)?;
        let (organization, role) = self.claims(user.id)?;
        Some(Holder { session: begun.session.id, user: user.id, email: self.email(user)?, organization, role })
    }
}
