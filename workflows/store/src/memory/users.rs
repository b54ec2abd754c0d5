//! Users, as operators see them, and what operators do to them.

use accounts::{Membership, User, UserEvent, UserOrder, UserStatus, Users};
use async_trait::async_trait;
use saga::store::Error;
use signup::{EmailAddress, UserId};

use super::{Memory, Tables};
use auditor::facts::UserFact;

/// How many of a user's events are told.
const TOLD: usize = 100;

#[async_trait]
impl Users for Memory {
    async fn by_id(&self, user: UserId) -> Result<Option<User>, Error> {
        Ok(self.lock().seen(|known| known.id == user))
    }

    async fn by_email(&self, email: &EmailAddress) -> Result<Option<User>, Error> {
        Ok(self.lock().seen(|known| known.email_key == email.key()))
    }

    async fn events(&self, user: UserId) -> Result<Vec<UserEvent>, Error> {
        let tables = self.lock();
        let events = tables.user_events.get(&user).into_iter().flatten();
        Ok(events.rev().take(TOLD).cloned().collect())
    }

    async fn act(&self, order: &UserOrder) -> Result<bool, Error> {
        let now = self.clock.now();
        let UserOrder { user, seq, action, signature } = order.clone();
        let mut tables = self.lock();
        let seen = tables.seen(|known| known.id == user);
        if !seen.is_some_and(|seen| seen.seq == seq && seen.status != UserStatus::Provisional) {
            return Ok(false);
        }
        let since = tables.since.entry(user).or_default();
        since.disabled_at = action.disables().then_some(now);
        since.session_epoch += 1;
        let event = UserEvent { seq: seq + 1, at: now, action, signature };
        tables.user_events.entry(user).or_default().push(event);
        Ok(true)
    }
}

impl Tables {
    /// The user that this is true of.
    fn seen(&self, is: impl Fn(&UserFact) -> bool) -> Option<User> {
        let user = self.made.users.iter().find(|user| is(user))?;
        let row = self.sagas.get(&user.saga)?;
        let has_profile = self.made.profiles.iter().any(|(_, of, _)| *of == user.id);
        let full_name = row.proposal.applicant.full_name.as_ref().filter(|_| has_profile);
        let status = match self.since(user.id).disabled_at {
            _ if !user.active => UserStatus::Provisional,
            Some(since) => UserStatus::Disabled(since),
            None => UserStatus::Active,
        };
        Some(User {
            id: user.id,
            saga: user.saga,
            email: self.email(user)?,
            full_name: full_name.map(|name| name.as_str().to_owned()),
            membership: self.membership(user.id),
            status,
            seq: self.user_events.get(&user.id).and_then(|events| events.last()).map_or(0, |event| event.seq),
            created_at: self.created_at(user)?,
        })
    }

    /// A user's organization, and what they are in it.
    pub(super) fn membership(&self, user: UserId) -> Option<Membership> {
        let (organization, role) = self.claims(user)?;
        let organization_name = self.names.get(&organization)?.clone();
        Some(Membership { organization, organization_name, role })
    }
}
