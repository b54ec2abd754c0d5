//! A store in a database of its own, on a server that the tests start.
//!
//! The store asks for the time with `now()`. In these databases a function of that name comes before the server's own,
//! and tells the time that the test decides.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use accounts::{Accounts, Sessions, SigningKeys, Users};
use async_trait::async_trait;
use auditor::Evidence;
use auditor::facts::{Facts, Snapshot};
use saga::{Backlog, Fleet, Store};
use servers::Postgres as Server;
use signup::statistics::Statistics;
use signup::{Operators, Proposal, Replays, SignUp};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use store::Postgres;
use store::postgres::Database;
use uuid::Uuid;

use super::Harness;
use super::harness::steady;

/// The clock of a database. It starts where the other stores' does.
const CLOCK: &str = "
CREATE SCHEMA manual;
CREATE TABLE manual.clock (at timestamptz NOT NULL);
INSERT INTO manual.clock VALUES ('epoch'::timestamptz + interval '1700000000 s');
CREATE FUNCTION manual.now() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT at FROM manual.clock';";

/// Makes a used database as good as new. As a replica, no trigger has a say. The tables are small: to delete is far
/// quicker than to truncate, which makes new files.
const EMPTY: &str = "
SET session_replication_role = replica;
DELETE FROM sessions; DELETE FROM signing_keys; DELETE FROM user_events;
DELETE FROM claims; DELETE FROM profiles; DELETE FROM organizations; DELETE FROM identities; DELETE FROM users;
DELETE FROM sealed_passwords; DELETE FROM saga_events; DELETE FROM sagas; DELETE FROM operators; DELETE FROM processes;
DELETE FROM key_checks; DELETE FROM findings; DELETE FROM audit_turn;
DELETE FROM statistics;
UPDATE manual.clock SET at = 'epoch'::timestamptz + interval '1700000000 s';
SET session_replication_role = origin;";

/// What a connection of the store is told, so that it sees that clock.
const SEARCH_PATH: &str = "?options=-csearch_path%3Dmanual,pg_catalog,public";

/// Databases that no test uses any more.
static IDLE: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Held by whoever makes a database: the server copies one at a time.
static MAKING: tokio::sync::Mutex<bool> = tokio::sync::Mutex::const_new(false);

/// A database with what is open to it.
struct Place {
    name: String,
    db: Postgres,
    /// A connection that knows nothing of the store.
    hand: Arc<tokio::sync::Mutex<PgConnection>>,
}

/// The places of one test that are free again, still open. They outlive no test: connections belong to its runtime.
#[derive(Default)]
struct Free(Mutex<Vec<Place>>);

impl Drop for Free {
    fn drop(&mut self) {
        let places = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        // A test that failed may have left anything behind.
        if !std::thread::panicking() {
            let names = places.drain(..).map(|place| place.name);
            IDLE.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
        }
    }
}

pub(super) struct InPostgres {
    /// There until it is dropped.
    place: Option<Place>,
    free: Arc<Free>,
}

impl InPostgres {
    pub(super) async fn new() -> Self {
        Self::among(Arc::default()).await
    }

    async fn among(free: Arc<Free>) -> Self {
        let place = free.0.lock().unwrap().pop();
        let place = steady(async {
            let place = match place {
                Some(place) => place,
                None => Place::open().await,
            };
            place.hand.lock().await.execute(EMPTY).await.unwrap();
            place
        })
        .await;
        Self { place: Some(place), free }
    }

    fn place(&self) -> &Place {
        self.place.as_ref().unwrap()
    }

    async fn execute(&self, sql: String) {
        let hand = Arc::clone(&self.place().hand);
        steady(async move { hand.lock().await.execute(AssertSqlSafe(sql)).await.map(drop).unwrap() }).await;
    }
}

impl Place {
    async fn open() -> Self {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let name = match idle {
            Some(name) => name,
            None => make().await,
        };
        let hand = Arc::new(tokio::sync::Mutex::new(raw(&name).await));
        Self { db: open(&name).await, name, hand }
    }
}

impl Drop for InPostgres {
    fn drop(&mut self) {
        self.free.0.lock().unwrap_or_else(PoisonError::into_inner).extend(self.place.take());
    }
}

/// A new database with the schema and the clock, copied from one that is made first.
async fn make() -> String {
    let mut made = MAKING.lock().await;
    let server = Server::shared();
    let mut connection = raw("postgres").await;
    if !*made {
        connection.execute("CREATE DATABASE signup").await.unwrap();
        Database::new(&server.url("signup"), 1).unwrap().migrate().await.unwrap();
        raw("signup").await.execute(CLOCK).await.unwrap();
        *made = true;
    }
    let name = new_name();
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE signup"))).await.unwrap();
    name
}

/// The name of a database that is yet to be made: the server is this process' own.
pub(crate) fn new_name() -> String {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    format!("signup_{}", MADE.fetch_add(1, Ordering::Relaxed))
}

/// A connection that knows nothing of the store.
pub(crate) async fn raw(database: &str) -> PgConnection {
    PgConnection::connect(&Server::shared().url(database)).await.unwrap()
}

/// A store in this database, under its clock.
pub(crate) async fn open(name: &str) -> Postgres {
    let url = Server::shared().url(name) + SEARCH_PATH;
    Database::new(&url, 12).unwrap().open().await.unwrap()
}

#[async_trait]
impl Harness for InPostgres {
    fn store(&self) -> Arc<dyn Store<SignUp>> {
        Arc::new(self.place().db.clone())
    }

    fn fleet(&self) -> Arc<dyn Fleet> {
        Arc::new(self.place().db.clone())
    }

    fn replays(&self) -> Arc<dyn Replays> {
        Arc::new(self.place().db.clone())
    }

    fn backlog(&self) -> Arc<dyn Backlog> {
        Arc::new(self.place().db.clone())
    }

    fn evidence(&self) -> Arc<dyn Evidence> {
        Arc::new(self.place().db.clone())
    }

    fn statistics(&self) -> Arc<dyn Statistics> {
        Arc::new(self.place().db.clone())
    }

    fn operators(&self) -> Arc<dyn Operators> {
        Arc::new(self.place().db.clone())
    }

    fn sessions(&self) -> Arc<dyn Sessions> {
        Arc::new(self.place().db.clone())
    }

    fn accounts(&self) -> Arc<dyn Accounts> {
        Arc::new(self.place().db.clone())
    }

    fn users(&self) -> Arc<dyn Users> {
        Arc::new(self.place().db.clone())
    }

    fn signing_keys(&self) -> Arc<dyn SigningKeys> {
        Arc::new(self.place().db.clone())
    }

    async fn facts(&self) -> Facts {
        let db = self.place().db.clone();
        steady(async move { db.facts().await.unwrap() }).await
    }

    async fn advance(&self, by: Duration) {
        self.execute(format!("UPDATE manual.clock SET at = at + interval '{} us'", by.as_micros())).await;
    }

    async fn refuse_deletes(&self, table: &'static str, refuse: bool) {
        let drop = format!("DROP TRIGGER IF EXISTS refuse_delete ON {table};");
        let create = format!(
            "CREATE TRIGGER refuse_delete BEFORE DELETE ON {table} FOR EACH ROW
             EXECUTE FUNCTION refuse('deletes are refused');"
        );
        self.execute(if refuse { drop + &create } else { drop }).await;
    }

    async fn plant_account(&self, proposal: &Proposal) {
        let who = &proposal.applicant;
        let quoted = |id: Uuid| format!("'{id}'");
        let values = [
            ("$saga", quoted(proposal.saga.uuid())),
            ("$user", quoted(who.user.0)),
            ("$organization", quoted(who.organization.0)),
            ("$profile", quoted(who.profile.0)),
            ("$email", format!("'{}'", who.email.key())),
            ("$now", "(SELECT at FROM manual.clock)".to_owned()),
        ];
        let account = include_str!("account.sql").to_owned();
        self.execute(values.iter().fold(account, |sql, (name, value)| sql.replace(name, value))).await;
    }

    async fn reopen(&mut self) {
        let (db, name) = (self.place().db.clone(), self.place().name.clone());
        let db = steady(async move {
            db.close().await;
            open(&name).await
        })
        .await;
        self.place.as_mut().unwrap().db = db;
    }

    fn database(&self) -> String {
        self.place().name.clone()
    }

    async fn another(&self) -> Box<dyn Harness> {
        Box::new(Self::among(Arc::clone(&self.free)).await)
    }
}
