//! Sagas in PostgreSQL: the store of many processes.
//!
//! Every write is one statement that commits by itself, in the same order as in every dialect: lock, effect, advance,
//! event. The clock is the server's, `now()`, which no process' clock can contradict. Statements that many callers
//! send are coalesced, see `lane.rs`.

mod accept;
mod accounts;
mod backlog;
mod begin;
mod claim;
mod classify;
mod commit;
mod connections;
mod effect;
mod error;
mod evidence;
mod fleet;
mod housekeep;
mod keys;
mod lane;
mod lease;
mod list;
mod open;
mod operate;
mod operators;
mod pool;
mod read;
mod ready;
mod refresh;
mod room;
mod schema;
mod servers;
mod sessions;
mod signing_keys;
mod statistics;
mod users;
mod value;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use saga::store::{
    Accepted, Claim, Claimed, Commit, Committed, Error, Event, Fence, Filter, Housekept, Inspection, Operated,
    Operation, Record, View,
};
use saga::{Policy, Random, SagaId, Store};
use signup::{Proposal, SignUp};

use accept::Accepts;
use classify::ClassifyBatch;
use commit::Commits;
use connections::Connections;
use lane::Lane;
pub use open::{Database, OpenError};
pub use room::Crowd;

/// A store in a PostgreSQL database.
#[derive(Clone)]
pub struct Postgres {
    /// For requests.
    front: Connections,
    /// For workers.
    work: Connections,
    /// For operators.
    back: Connections,
    accepts: Accepts,
    classifies: Lane<ClassifyBatch>,
    /// By themselves: however many keys are made up, whoever was not accepted learns why.
    repetitions: Lane<ClassifyBatch>,
    commits: Commits,
}

#[async_trait]
impl Store<SignUp> for Postgres {
    async fn accept(&self, proposal: &Proposal) -> Result<Accepted<SignUp>, Error> {
        self.accept_or_classify(proposal).await
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<Claimed<SignUp>>, Error> {
        claim::claim(&self.work, claim).await
    }

    async fn commit(&self, commit: &Commit<SignUp>) -> Result<Committed, Error> {
        self.commits.send(commit).await
    }

    async fn hand_back(&self, fence: &Fence, due_in: Duration) -> Result<bool, Error> {
        lease::hand_back(&self.work, fence, due_in).await
    }

    async fn views(&self, sagas: &[SagaId]) -> Result<Vec<View>, Error> {
        read::views(&self.front, sagas).await
    }

    async fn events(&self, saga: SagaId, from: u64) -> Result<Vec<Event>, Error> {
        read::events(&self.work, saga, from).await
    }

    async fn list(&self, filter: &Filter) -> Result<Vec<Record>, Error> {
        list::list(&self.back, filter).await
    }

    async fn inspect(&self, saga: SagaId) -> Result<Option<Inspection>, Error> {
        list::inspect(&self.back, saga).await
    }

    async fn operate(&self, operation: &Operation) -> Result<Operated, Error> {
        operate::operate(&self.back, operation).await
    }

    async fn housekeep(&self, policy: &Policy) -> Result<Housekept, Error> {
        housekeep::housekeep(&self.work, policy).await
    }

    async fn release_leases(&self) -> Result<u64, Error> {
        lease::release_all(&self.work).await
    }
}

impl Postgres {
    fn over(front: Connections, work: Connections, back: Connections, random: &Arc<dyn Random>) -> Self {
        let accepts = Accepts::open(&front, random);
        let classifies = Lane::open(Arc::new(ClassifyBatch(front.clone())), random);
        let repetitions = Lane::open(Arc::new(ClassifyBatch(front.clone())), random);
        let commits = Commits::open(&work, random);
        Self { front, work, back, accepts, classifies, repetitions, commits }
    }

    /// Every statement of this store, by name: for a test that prepares them all.
    pub fn statements() -> impl Iterator<Item = (&'static str, &'static str)> {
        let modules: [&[(&str, &str)]; 23] = [
            accept::SQL,
            accounts::SQL,
            backlog::SQL,
            begin::SQL,
            claim::SQL,
            classify::SQL,
            commit::SQL,
            evidence::SQL,
            fleet::SQL,
            housekeep::SQL,
            keys::SQL,
            lease::SQL,
            list::SQL,
            operate::SQL,
            operators::SQL,
            read::SQL,
            ready::SQL,
            refresh::SQL,
            room::SQL,
            sessions::SQL,
            signing_keys::SQL,
            statistics::SQL,
            users::SQL,
        ];
        modules.into_iter().flatten().copied()
    }

    /// A connection as its statements run on, which is not the store's any more.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    #[cfg(feature = "testing")]
    pub async fn connection(&self) -> Result<sqlx::PgConnection, Error> {
        Ok(pool::Kept::detach(self.back.lend().await?))
    }

    /// Closes every connection, once its statement has ended.
    pub async fn close(self) {
        tokio::join!(self.front.close(), self.work.close(), self.back.close());
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Postgres")
    }
}
