//! Databases that open, and databases that do not.

use futures_util::future::join;
use saga::Store;
use servers::{Durability, Postgres as Server};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use store::Unready;
use store::postgres::{Database, OpenError};

use crate::world::{People, is_new, new_name, raw_postgres};

/// A database of this test's own.
struct Own(String);

impl Own {
    async fn empty() -> Self {
        let name = new_name();
        let create = format!("CREATE DATABASE {name}");
        raw_postgres("postgres").await.execute(AssertSqlSafe(create)).await.unwrap();
        Self(name)
    }

    async fn migrated() -> Self {
        let own = Self::empty().await;
        own.database().migrate().await.unwrap();
        own
    }

    fn database(&self) -> Database {
        Database::new(&Server::shared().url(&self.0), 3).unwrap()
    }

    async fn change(&self, sql: &str) -> PgConnection {
        let mut connection = raw_postgres(&self.0).await;
        connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
        connection
    }

    async fn come_from_the_future(&self, change: &str) {
        let migrated = r"INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                         VALUES (9999, 'from the future', TRUE, '\x00', 0);";
        self.change(&format!("{migrated} {change}")).await;
    }

    async fn refusal(&self) -> OpenError {
        refusal(&self.database()).await
    }
}

/// Why the database does not open; in one line, as a person reads it.
async fn refusal(database: &Database) -> OpenError {
    let error = database.open().await.unwrap_err();
    let text = error.to_string();
    assert!(!text.is_empty() && text.lines().count() == 1 && !text.contains("canary"), "{text:?}");
    error
}

#[tokio::test]
async fn a_wrong_password_is_denied() {
    let mut admin = raw_postgres("postgres").await;
    let file: String = sqlx::query_scalar("SHOW hba_file").fetch_one(&mut admin).await.unwrap();
    let rules = format!(
        "CREATE ROLE guarded LOGIN PASSWORD 'right';
         COPY (VALUES ('host all guarded 127.0.0.1/32 scram-sha-256'), ('host all all 127.0.0.1/32 trust')) TO '{file}';
         SELECT pg_reload_conf()"
    );
    admin.execute(AssertSqlSafe(rules)).await.unwrap();
    let url = |password| format!("postgres://guarded:{password}@127.0.0.1:{}/postgres", Server::shared().port());
    // The server reads its rules anew when it comes to it.
    while PgConnection::connect(&url("canary")).await.is_ok() {}
    let error = refusal(&Database::new(&url("canary"), 3).unwrap()).await;
    assert!(matches!(error, OpenError::Denied(_)) && !error.passes(), "{error:?}");
    assert!(error.to_string().contains("check user and password"), "{error}");
    let error = refusal(&Database::new(&url("right"), 3).unwrap()).await;
    assert!(matches!(error, OpenError::Behind { found: 0, .. }), "{error:?}");
}

#[tokio::test]
async fn a_missing_database_is_told_with_how_to_make_it() {
    let error = refusal(&Database::new(&Server::shared().url("missing"), 3).unwrap()).await;
    assert!(matches!(error, OpenError::Away(_)) && error.passes(), "{error:?}");
    assert!(error.to_string().contains("createdb"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_behind_names_the_command() {
    let own = Own::empty().await;
    let error = own.refusal().await;
    assert!(matches!(error, OpenError::Behind { found: 0, known: 6.. }) && !error.passes(), "{error:?}");
    assert!(error.to_string().contains("signup migrate"), "{error}");
}

#[tokio::test]
async fn a_newer_schema_that_this_program_works_with_opens() {
    let own = Own::migrated().await;
    own.come_from_the_future("CREATE TABLE what_is_to_come (at bigint)").await;
    let store = own.database().open().await.unwrap();
    assert!(is_new(&store.accept(&People::new().proposal("ada")).await.unwrap()));
    assert_eq!(own.database().migrate().await.unwrap(), Vec::<i64>::new());
}

#[tokio::test]
async fn a_newer_schema_that_needs_a_newer_program_is_too_new() {
    for (change, needed) in [
        ("UPDATE schema_compat SET min_program = 9998", 9998),
        ("DELETE FROM schema_compat", 9999),
        ("DROP TABLE schema_compat", 9999),
    ] {
        let own = Own::migrated().await;
        own.come_from_the_future(change).await;
        let error = own.refusal().await;
        assert!(
            matches!(error, OpenError::TooNew { found: 9999, known: 6.., needs } if needs == needed),
            "{change}: {error:?}"
        );
        assert!(error.to_string().contains("run the newer program"), "{error}");
    }
}

#[tokio::test]
async fn a_schema_of_another_build_is_foreign() {
    let own = Own::migrated().await;
    own.change(r"UPDATE _sqlx_migrations SET checksum = '\x00' WHERE version = 3").await;
    assert_eq!(own.refusal().await, OpenError::Foreign(3));
    assert_eq!(own.database().migrate().await, Err(OpenError::Foreign(3)));
}

#[tokio::test]
async fn of_two_that_migrate_at_once_both_succeed() {
    let own = Own::empty().await;
    let (one, other) = (own.database(), own.database());
    let (one, other) = join(one.migrate(), other.migrate()).await;
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    own.database().open().await.unwrap();
    assert_eq!(own.database().migrate().await.unwrap(), Vec::<i64>::new());
}

#[tokio::test]
async fn a_server_that_answers_nothing_while_its_schema_is_looked_at_is_away() {
    let own = Own::migrated().await;
    let _locked = own.change("BEGIN; LOCK TABLE _sqlx_migrations").await;
    assert_eq!(own.refusal().await, OpenError::Away("no answer".into()));
}

#[tokio::test]
async fn what_the_database_has_as_its_defaults_does_not_count() {
    let own = Own::migrated().await;
    let name = &own.0;
    own.change(&format!(
        "ALTER DATABASE {name} SET default_transaction_isolation = 'serializable';
         ALTER DATABASE {name} SET default_transaction_read_only = on;"
    ))
    .await;
    let store = own.database().open().await.unwrap();
    assert!(is_new(&store.accept(&People::new().proposal("ada")).await.unwrap()));
    let mut connection = store.connection().await.unwrap();
    let level: String = sqlx::query_scalar("SHOW transaction_isolation").fetch_one(&mut connection).await.unwrap();
    assert_eq!(level, "read committed");
}

#[tokio::test]
async fn who_waits_for_a_server_opens_once_it_is_there() {
    let mut server = Server::start(Durability::Full).unwrap();
    let database = Database::new(&server.url("postgres"), 3).unwrap();
    database.migrate().await.unwrap();
    server.kill().unwrap();
    let error = refusal(&database).await;
    assert!(matches!(error, OpenError::Away(_)) && error.passes(), "{error:?}");
    let waiting = tokio::spawn(async move { database.patiently(Database::open).await });
    let server = tokio::task::spawn_blocking(move || server.revive().map(|()| server)).await.unwrap().unwrap();
    let store = waiting.await.unwrap().unwrap();
    assert!(is_new(&store.accept(&People::new().proposal("ada")).await.unwrap()));
    drop(server);
}

#[tokio::test]
async fn it_is_ready_while_it_answers_and_its_schema_fits() {
    let mut server = Server::start(Durability::None).unwrap();
    let database = Database::new(&server.url("postgres"), 3).unwrap();
    database.migrate().await.unwrap();
    let store = database.open().await.unwrap();
    assert_eq!(store.ready().await, Ok(()));
    server.kill().unwrap();
    let unready = store.ready().await;
    assert!(matches!(unready, Err(Unready::Away(_))), "{unready:?}");
    server.revive().unwrap();
    assert_eq!(store.ready().await, Ok(()));

    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    connection.execute("DELETE FROM _sqlx_migrations WHERE version > 6").await.unwrap();
    let unready = store.ready().await;
    assert!(matches!(&unready, Err(Unready::Schema(what)) if what.contains("it has schema 6")), "{unready:?}");
    connection.execute("DROP TABLE _sqlx_migrations").await.unwrap();
    let unready = store.ready().await;
    assert!(matches!(unready, Err(Unready::Schema(_))), "{unready:?}");
}

#[tokio::test]
async fn the_server_knows_how_much_room_there_is_for_connections() {
    let own = Own::migrated().await;
    let store = own.database().open().await.unwrap();
    assert_eq!(store.crowd(20).await, Ok(None));
    let crowd = store.crowd(1000).await.unwrap().unwrap();
    assert_eq!((crowd.processes, crowd.connections), (1, 1000));
    assert!((100..1000).contains(&crowd.room), "{crowd:?}");
    let beat = "INSERT INTO processes (name, role, version, host, pid, busy, since, seen_at)
                SELECT 'process-' || n, 'api', '1', 'here', n, '{}', now(), now() - n * interval '1 second'
                  FROM generate_series(1, 60) AS n";
    own.change(beat).await;
    // Those of them that have not been silent for long, and this one.
    let crowd = store.crowd(100).await.unwrap().unwrap();
    assert!((10..=15).contains(&crowd.processes), "{crowd:?}");
}
