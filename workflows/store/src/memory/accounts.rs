//! Accounts: what their users sign in with, and what they see of themselves.

use accounts::{Account, Accounts, Credentials, Membership, Role, SessionId};
use async_trait::async_trait;
use jiff::Timestamp;
use saga::plan::EventKind;
use saga::store::Error;
use signup::{EmailAddress, OrganizationId, PasswordHash, UserId};

use super::{Memory, Tables};
use auditor::facts::UserFact;

/// What has become of a user since they signed up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Since {
    pub(super) disabled_at: Option<Timestamp>,
    pub(super) session_epoch: u64,
}

#[async_trait]
impl Accounts for Memory {
    async fn credentials(&self, email: &EmailAddress) -> Result<Option<Credentials>, Error> {
        let tables = self.lock();
        let found = tables.made.users.iter().find(|user| user.email_key == email.key() && tables.may_sign_in(user));
        Ok(found.map(|user| Credentials { user: user.id, hash: PasswordHash::from_stored(user.password_hash.clone()) }))
    }

    async fn account(&self, user: UserId) -> Result<Option<Account>, Error> {
        Ok(self.lock().account(user))
    }

    async fn rehash(&self, known: &Credentials, hash: &PasswordHash) -> Result<bool, Error> {
        Ok(self.lock().replace(known, hash))
    }

    async fn change_password(&self, known: &Credentials, hash: &PasswordHash, keep: SessionId) -> Result<bool, Error> {
        let mut tables = self.lock();
        if !tables.replace(known, hash) {
            return Ok(false);
        }
        let since = tables.since.entry(known.user).or_default();
        since.session_epoch += 1;
        let epoch = since.session_epoch;
        let kept = tables.sessions.get_mut(&keep).filter(|begun| begun.session.user == known.user);
        if let Some(kept) = kept.filter(|begun| begun.epoch + 1 == epoch && !begun.revoked) {
            kept.epoch = epoch;
        }
        Ok(true)
    }
}

impl Tables {
    pub(super) fn since(&self, user: UserId) -> Since {
        self.since.get(&user).copied().unwrap_or_default()
    }

    /// A user who may sign in.
    pub(super) fn user(&self, user: UserId) -> Option<&UserFact> {
        self.made.users.iter().find(|known| known.id == user && self.may_sign_in(known))
    }

    /// The address that a user signs in with.
    pub(super) fn email(&self, user: &UserFact) -> Option<EmailAddress> {
        self.sagas.get(&user.saga).map(|row| row.proposal.applicant.email.clone())
    }

    /// A user's organization, and what they are in it.
    pub(super) fn claims(&self, user: UserId) -> Option<(OrganizationId, Role)> {
        let claims = self.made.claims.iter().find(|(_, of, _)| *of == user);
        claims.map(|(_, _, organization)| (*organization, Role::Owner))
    }

    fn may_sign_in(&self, user: &UserFact) -> bool {
        user.active && self.since(user.id).disabled_at.is_none()
    }

    fn account(&self, user: UserId) -> Option<Account> {
        let user = self.user(user)?;
        let row = self.sagas.get(&user.saga)?;
        let Membership { organization, organization_name, role } = self.membership(user.id)?;
        Some(Account {
            user: user.id,
            email: self.email(user)?,
            full_name: row.proposal.applicant.full_name.as_ref().map(|name| name.as_str().to_owned()),
            organization,
            organization_name,
            role,
            created_at: self.created_at(user)?,
        })
    }

    /// When the step was done that made them.
    pub(super) fn created_at(&self, user: &UserFact) -> Option<Timestamp> {
        let mut journal = self.sagas.get(&user.saga)?.journal.iter();
        let made =
            journal.find(|event| event.kind == EventKind::Done && event.step.as_ref() == Some(&signup::FIRST_STEP));
        made.map(|event| event.at)
    }

    /// Replaces a user's hash, if it is the one that is known.
    fn replace(&mut self, known: &Credentials, hash: &PasswordHash) -> bool {
        if self.user(known.user).is_none_or(|user| user.password_hash != known.hash.as_str()) {
            return false;
        }
        for user in self.made.users.iter_mut().filter(|user| user.id == known.user) {
            hash.as_str().clone_into(&mut user.password_hash);
        }
        true
    }
}
