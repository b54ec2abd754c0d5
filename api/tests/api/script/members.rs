//! Users and their sessions: kept in memory, and away while loading fails.

use accounts::{
    Account, Accounts, Credentials, Generation, Holder, NewSession, Refreshed, Session, SessionId, Sessions, User,
    UserEvent, UserOrder, Users,
};
use async_trait::async_trait;
use saga::store::Error;
use signup::{EmailAddress, PasswordHash, UserId};

use super::Script;

impl Script {
    fn is_there(&self) -> Result<(), Error> {
        self.load_error.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

#[async_trait]
impl Sessions for Script {
    async fn begin(&self, session: &NewSession) -> Result<Option<Holder>, Error> {
        self.is_there()?;
        let next_hash = self.next_hash.lock().unwrap().take();
        if let Some((known, hash)) = next_hash {
            assert!(self.memory.rehash(&known, &hash).await?);
        }
        self.written(self.memory.begin(session)).await
    }

    async fn refresh(&self, session: SessionId, presented: Generation) -> Result<Refreshed, Error> {
        self.is_there()?;
        self.written(self.memory.refresh(session, presented)).await
    }

    async fn holder(&self, session: SessionId) -> Result<Option<Holder>, Error> {
        self.is_there()?;
        self.memory.holder(session).await
    }

    async fn list(&self, user: UserId) -> Result<Vec<Session>, Error> {
        self.is_there()?;
        Sessions::list(&*self.memory, user).await
    }

    async fn revoke(&self, user: UserId, session: SessionId) -> Result<bool, Error> {
        self.is_there()?;
        self.written(Sessions::revoke(&*self.memory, user, session)).await
    }

    async fn revoke_all(&self, user: UserId) -> Result<(), Error> {
        self.is_there()?;
        self.written(self.memory.revoke_all(user)).await
    }

    async fn sweep(&self) -> Result<u64, Error> {
        self.is_there()?;
        self.memory.sweep().await
    }
}

#[async_trait]
impl Accounts for Script {
    async fn credentials(&self, email: &EmailAddress) -> Result<Option<Credentials>, Error> {
        self.is_there()?;
        self.memory.credentials(email).await
    }

    async fn account(&self, user: UserId) -> Result<Option<Account>, Error> {
        self.is_there()?;
        self.memory.account(user).await
    }

    async fn rehash(&self, known: &Credentials, hash: &PasswordHash) -> Result<bool, Error> {
        self.is_there()?;
        self.memory.rehash(known, hash).await
    }

    async fn change_password(&self, known: &Credentials, hash: &PasswordHash, keep: SessionId) -> Result<bool, Error> {
        self.is_there()?;
        self.written(self.memory.change_password(known, hash, keep)).await
    }
}

#[async_trait]
impl Users for Script {
    async fn by_id(&self, user: UserId) -> Result<Option<User>, Error> {
        self.is_there()?;
        self.memory.by_id(user).await
    }

    async fn by_email(&self, email: &EmailAddress) -> Result<Option<User>, Error> {
        self.is_there()?;
        self.memory.by_email(email).await
    }

    async fn events(&self, user: UserId) -> Result<Vec<UserEvent>, Error> {
        self.is_there()?;
        Users::events(&*self.memory, user).await
    }

    async fn act(&self, order: &UserOrder) -> Result<bool, Error> {
        self.written(self.memory.act(order)).await
    }
}
