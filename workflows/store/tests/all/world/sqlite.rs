//! A store in a file of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use accounts::{Accounts, Sessions, SigningKeys, Users};
use async_trait::async_trait;
use auditor::Evidence;
use auditor::facts::{Facts, Snapshot};
use saga::{Backlog, Clock, Fleet, Store};
use signup::statistics::Statistics;
use signup::{Operators, Proposal, Replays, SignUp};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor, SqliteConnection};
use store::Sqlite;
use tempfile::TempDir;

use super::harness::steady;
use super::{Harness, ManualClock};

pub(super) struct InAFile {
    folder: TempDir,
    clock: Arc<ManualClock>,
    db: Sqlite,
}

impl InAFile {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new());
        let db = open(folder.path().join("signup.db"), Arc::clone(&clock) as _).await;
        Self { folder, clock, db }
    }

    async fn execute(&self, sql: String) {
        let file = self.file();
        steady(async move { raw(&file).await.execute(AssertSqlSafe(sql)).await.map(drop).unwrap() }).await;
    }
}

/// A connection that knows nothing of the store.
pub(crate) async fn raw(file: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(file).foreign_keys(true).connect().await.unwrap()
}

async fn open(file: PathBuf, clock: Arc<dyn Clock>) -> Sqlite {
    steady(async move { Sqlite::open(&file, clock).await.unwrap() }).await
}

#[async_trait]
impl Harness for InAFile {
    fn store(&self) -> Arc<dyn Store<SignUp>> {
        Arc::new(self.db.clone())
    }

    fn fleet(&self) -> Arc<dyn Fleet> {
        Arc::new(self.db.clone())
    }

    fn replays(&self) -> Arc<dyn Replays> {
        Arc::new(self.db.clone())
    }

    fn backlog(&self) -> Arc<dyn Backlog> {
        Arc::new(self.db.clone())
    }

    fn evidence(&self) -> Arc<dyn Evidence> {
        Arc::new(self.db.clone())
    }

    fn statistics(&self) -> Arc<dyn Statistics> {
        Arc::new(self.db.clone())
    }

    fn operators(&self) -> Arc<dyn Operators> {
        Arc::new(self.db.clone())
    }

    fn sessions(&self) -> Arc<dyn Sessions> {
        Arc::new(self.db.clone())
    }

    fn accounts(&self) -> Arc<dyn Accounts> {
        Arc::new(self.db.clone())
    }

    fn users(&self) -> Arc<dyn Users> {
        Arc::new(self.db.clone())
    }

    fn signing_keys(&self) -> Arc<dyn SigningKeys> {
        Arc::new(self.db.clone())
    }

    async fn facts(&self) -> Facts {
        let db = self.db.clone();
        steady(async move { db.facts().await.unwrap() }).await
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    async fn refuse_deletes(&self, table: &'static str, refuse: bool) {
        let drop = format!("DROP TRIGGER IF EXISTS refuse_{table};");
        let create = format!(
            "CREATE TRIGGER refuse_{table} BEFORE DELETE ON {table}
             BEGIN SELECT RAISE(ABORT, 'deletes are refused'); END;"
        );
        self.execute(if refuse { drop + &create } else { drop }).await;
    }

    async fn plant_account(&self, proposal: &Proposal) {
        let who = &proposal.applicant;
        let blob = |id: uuid::Uuid| format!("x'{}'", id.simple());
        let values = [
            ("$saga", blob(proposal.saga.uuid())),
            ("$user", blob(who.user.0)),
            ("$organization", blob(who.organization.0)),
            ("$profile", blob(who.profile.0)),
            ("$email", format!("'{}'", who.email.key())),
            ("$now", self.clock.now().as_millisecond().to_string()),
        ];
        let account = include_str!("account.sql").to_owned();
        self.execute(values.iter().fold(account, |sql, (name, value)| sql.replace(name, value))).await;
    }

    async fn reopen(&mut self) {
        let db = self.db.clone();
        steady(db.close()).await;
        self.db = open(self.file(), Arc::clone(&self.clock) as _).await;
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("signup.db")
    }

    async fn another(&self) -> Box<dyn Harness> {
        Box::new(Self::new().await)
    }
}
