//! What the tests need of a store beside the store itself.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use accounts::{Accounts, Sessions, SigningKeys, Users};
use async_trait::async_trait;
use auditor::Evidence;
use auditor::facts::Facts;
use saga::{Backlog, Fleet, Store};
use signup::statistics::Statistics;
use signup::{Operators, Proposal, Replays, SignUp};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// One kind of store, fresh, under a clock of the test's.
#[async_trait]
pub(crate) trait Harness: Send + Sync {
    /// The store.
    fn store(&self) -> Arc<dyn Store<SignUp>>;

    /// The processes that it knows.
    fn fleet(&self) -> Arc<dyn Fleet>;

    /// The requests that it knows.
    fn replays(&self) -> Arc<dyn Replays>;

    /// What waits in it.
    fn backlog(&self) -> Arc<dyn Backlog>;

    /// What auditors read of it.
    fn evidence(&self) -> Arc<dyn Evidence>;

    /// What it keeps of what processes count.
    fn statistics(&self) -> Arc<dyn Statistics>;

    /// The operators that it knows.
    fn operators(&self) -> Arc<dyn Operators>;

    /// The sessions that it keeps.
    fn sessions(&self) -> Arc<dyn Sessions>;

    /// The accounts that it keeps.
    fn accounts(&self) -> Arc<dyn Accounts>;

    /// The users that it keeps, as operators see them.
    fn users(&self) -> Arc<dyn Users>;

    /// The keys that sign access tokens.
    fn signing_keys(&self) -> Arc<dyn SigningKeys>;

    /// Everything in it.
    async fn facts(&self) -> Facts;

    /// Lets time pass.
    async fn advance(&self, by: Duration);

    /// Makes a table refuse every DELETE from now on, or no longer.
    async fn refuse_deletes(&self, table: &'static str, refuse: bool);

    /// Makes an account as if this proposal had been accepted and completed, whatever stands against it.
    async fn plant_account(&self, proposal: &Proposal);

    /// What the end of one process and the start of the next do to it.
    async fn reopen(&mut self);

    /// The file that holds it.
    fn file(&self) -> PathBuf {
        panic!("this store is not in a file")
    }

    /// The database that holds it.
    fn database(&self) -> String {
        panic!("this store is not on a server")
    }

    /// A fresh store of this kind.
    async fn another(&self) -> Box<dyn Harness>;
}

/// Runs to its end what waits for threads that the runtime does not know, such as a database's.
///
/// Where the runtime's time is paused, it runs ahead to the next timeout whenever the runtime is idle, and waiting for
/// such a thread is idleness. It does not while a blocking task runs.
pub(crate) async fn steady<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let runtime = Handle::current();
    spawn_blocking(move || runtime.block_on(work)).await.unwrap()
}
