//! A database on the tests' PostgreSQL server, and the processes on it.

use std::path::PathBuf;

use auditor::facts::{Facts, Snapshot};
use auditor::invariants;
use servers::Postgres as Machine;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use store::postgres::Database;
use tests::{Server, eventually, run_with};

/// A database of its own, and a folder for the processes on it.
pub(crate) struct Site {
    pub(crate) url: String,
    name: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Site {
    /// The database is not there yet.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name: String = folder.path().file_name().unwrap().to_str().unwrap().to_lowercase();
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = format!("site_{name}");
        Self { url: Machine::shared().url(&name), name, folder }
    }

    pub(crate) async fn with_database() -> Self {
        let site = Self::new();
        site.make().await;
        site
    }

    pub(crate) async fn make(&self) {
        let mut machine = PgConnection::connect(&Machine::shared().url("postgres")).await.unwrap();
        machine.execute(AssertSqlSafe(format!("CREATE DATABASE {}", self.name))).await.unwrap();
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        PgConnection::connect(&self.url).await.unwrap().execute(sql).await.unwrap();
    }

    /// How many passwords are there that are sealed and not hashed.
    pub(crate) async fn sealed_passwords(&self) -> i64 {
        let mut database = PgConnection::connect(&self.url).await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM sealed_passwords").fetch_one(&mut database).await.unwrap()
    }

    /// How many sign-ups are under way.
    pub(crate) async fn unfinished(&self) -> i64 {
        let mut database = PgConnection::connect(&self.url).await.unwrap();
        let active = "SELECT count(*) FROM sagas WHERE state IN ('running', 'compensating')";
        sqlx::query_scalar(active).fetch_one(&mut database).await.unwrap()
    }

    pub(crate) fn data(&self, process: &str) -> PathBuf {
        self.folder.path().join(process)
    }

    pub(crate) async fn serve(&self, process: &str) -> Server {
        self.serve_with(process, &[]).await
    }

    pub(crate) async fn serve_with(&self, process: &str, variables: &[(&str, &str)]) -> Server {
        let variables = [variables, &[("DATABASE_URL", &*self.url)]].concat();
        Server::start_in(&self.data(process), &[], &variables).await.unwrap()
    }

    pub(crate) async fn facts(&self) -> Facts {
        facts(&self.url).await
    }

    /// Every saga ends, and every invariant holds.
    pub(crate) async fn check(&self) -> Facts {
        check(&self.url).await
    }

    /// Runs an operator's command against a server: its exit code, and what it printed.
    pub(crate) async fn signup(&self, server: &Server, process: &str, arguments: &[&str]) -> (Option<i32>, String) {
        let data = self.data(process);
        let place = ["--url", server.url(), "--data-dir", data.to_str().unwrap()];
        let output = run_with(&[arguments, &place].concat(), &[]).await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        (output.status.code(), text)
    }
}

/// In this database every saga ends, and every invariant holds.
pub(crate) async fn check(url: &str) -> Facts {
    let all = || async { invariants::unfinished(&facts(url).await).is_empty().then_some(()) };
    eventually("every saga ends", all).await.unwrap();
    let facts = facts(url).await;
    assert_eq!(invariants::violations(&facts), Vec::<String>::new());
    facts
}

async fn facts(url: &str) -> Facts {
    let store = Database::new(url, 4).unwrap().open().await.unwrap();
    let facts = store.facts().await.unwrap();
    store.close().await;
    facts
}
