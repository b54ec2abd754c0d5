//! Sagas in an SQLite file: the embedded mode's store.
//!
//! One connection writes, in `writer.rs`; a few others read. The statements have the same order in every dialect:
//! lock, effect, advance, event. The database's clock is this process', since they share a machine.

mod accept;
mod accounts;
mod backlog;
mod begin;
mod claim;
mod commit;
mod effect;
mod evidence;
mod fleet;
mod housekeep;
mod lease;
mod list;
mod open;
mod operate;
mod operators;
mod read;
mod ready;
mod refresh;
mod schema;
mod sessions;
mod signing_keys;
mod statistics;
mod transaction;
mod users;
mod value;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use saga::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Operated,
    Operation, Record, View,
};
use saga::{Clock, Policy, SagaId, Store};
use signup::{Proposal, SignUp};
use sqlx::SqlitePool;

pub use open::OpenError;
use writer::Writer;

/// A store in an SQLite file.
#[derive(Clone)]
pub struct Sqlite {
    writer: Writer,
    readers: SqlitePool,
    clock: Arc<dyn Clock>,
}

#[async_trait]
impl Store<SignUp> for Sqlite {
    async fn accept(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Error> {
        self.writer.write(accept::Accept(proposal.clone())).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed<SignUp>>, Error> {
        self.writer.write(claim::ClaimDue(claim.clone())).await
    }

    async fn commit(&self, commit: &Commit<SignUp>) -> Result<Committed, Error> {
        self.writer.write(commit::CommitStep(commit.clone())).await
    }

    async fn hand_back(&self, fence: &Fence, due_in: Duration) -> Result<bool, Error> {
        self.writer.write(lease::HandBack { fence: *fence, due_in }).await
    }

    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        read::views(&self.readers, sagas, value::now(&*self.clock)).await
    }

    async fn events(&self, saga: SagaId, from: u64) -> Result<Vec<Event>, Error> {
        read::events(&self.readers, saga, from).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Record>, Error> {
        list::list(&self.readers, filter, value::now(&*self.clock)).await
    }

    async fn inspect(&self, saga: SagaId) -> Result<Option<Inspection>, Error> {
        list::inspect(&self.readers, saga, value::now(&*self.clock)).await
    }

    async fn operate(&self, operation: &Operation) -> Result<Operated, Error> {
        self.writer.write(operate::Operate(operation.clone())).await
    }

    async fn housekeep(&self, policy: &Policy) -> Result<Housekept, Error> {
        self.writer.write(housekeep::Housekeep(*policy)).await
    }

    async fn release_leases(&self) -> Result<u64, Error> {
        self.writer.write(lease::ReleaseAll).await
    }
}

impl Sqlite {
    /// Every statement of this store, by name: for a test that prepares them all.
    pub fn statements() -> impl Iterator<Item = (&'static str, &'static str)> {
        let modules: [&[(&str, &str)]; 21] = [
            accept::SQL,
            accounts::SQL,
            backlog::SQL,
            begin::SQL,
            claim::SQL,
            commit::SQL,
            effect::SQL,
            evidence::SQL,
            fleet::SQL,
            housekeep::SQL,
            lease::SQL,
            list::SQL,
            operate::SQL,
            operators::SQL,
            read::SQL,
            ready::SQL,
            refresh::SQL,
            sessions::SQL,
            signing_keys::SQL,
            statistics::SQL,
            users::SQL,
        ];
        modules.into_iter().flatten().copied()
    }

    /// The connections that read, for a test that looks behind the store.
    #[cfg(feature = "testing")]
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }
}

impl std::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sqlite")
    }
}
