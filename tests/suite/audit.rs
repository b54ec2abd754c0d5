//! The invariants' queries, each shown to see what it is there for.

use servers::{Postgres as Machine, Redis, RedisOptions};
use sqlx::{Connection, Executor, PgConnection};
use tests::audit::{ALL, Scope, violations, watch};
use tests::chaos::{files_with, leaks};
use tests::{Cluster, PASSWORD, eventually};
use tokio::task::spawn_blocking;

use crate::site::Site;

/// What breaks each invariant, past all that keeps it from being broken.
const BROKEN: [(&str, &str, &str); 29] = [
    ("I1", "a user of", "UPDATE users SET saga_id = '00000000-0000-7000-8000-00000000000b'"),
    ("I1", "which is not there", "UPDATE profiles SET saga_id = '00000000-0000-7000-8000-00000000000d'"),
    ("I1", "a claim of", "UPDATE claims SET saga_id = '00000000-0000-7000-8000-00000000000b'"),
    ("I2", "is provisional, and the saga is completed", "UPDATE users SET status = 'provisional'"),
    ("I2", "is active, and the saga is running", "UPDATE users SET saga_id = '00000000-0000-7000-8000-00000000000c'"),
    ("I3", "lacks its claims", "DELETE FROM claims"),
    ("I3", "lacks its user with a hash", "UPDATE users SET password_hash = 'x'"),
    ("I3", "lacks its identity, its organization", "DELETE FROM identities; DELETE FROM organizations"),
    (
        "I4",
        "2 sign-ups completed",
        "UPDATE sagas SET state = 'completed', email_key = 'ada@example.com' WHERE state = 'failed'",
    ),
    (
        "I4",
        "2 sign-ups are under way",
        "UPDATE sagas SET state = 'running', email_key = 'x' WHERE state <> 'completed'",
    ),
    (
        "I5",
        "2 organizations",
        "INSERT INTO organizations SELECT gen_random_uuid(), saga_id, name, now() FROM organizations",
    ),
    ("I6", "update_claims at seq 4, after 2 steps done", "UPDATE saga_events SET seq = 5 - seq WHERE seq IN (2, 3)"),
    (
        "I6",
        "undone of create_user at seq 3, after 2 steps to undo",
        "DELETE FROM saga_events WHERE kind = 'undone' AND step = 'create_organization';
      UPDATE saga_events SET seq = 3 WHERE kind = 'undone'",
    ),
    ("I6", "done of dance", "UPDATE saga_events SET step = 'dance' WHERE seq = 1"),
    (
        "I6",
        "leads to 4 steps done, and the saga is failed",
        "UPDATE sagas SET state = 'failed' WHERE state = 'completed'",
    ),
    ("I6", "there is no journal", "DELETE FROM saga_events WHERE seq = 0"),
    ("I7 a claim", "epoch 1 at seq 2, after epoch 1", "UPDATE saga_events SET epoch = 1 WHERE seq = 2"),
    ("I7 a claim", "and the saga is at 1", "UPDATE sagas SET epoch = 1 WHERE state = 'completed'"),
    ("I7 who is", "zombie wrote seq 2", "UPDATE saga_events SET worker = 'zombie' WHERE seq = 2"),
    ("I7 nobody", "claimed epoch 8 while the last claim held", HELD_AND_CLAIMED),
    ("I7 nobody", "was ended by somebody", HELD_AND_RELEASED),
    ("I8", "was changed after its end", "UPDATE sagas SET code = 'x' WHERE state = 'failed'"),
    (
        "I8",
        "not as its last event left it",
        "UPDATE sagas SET ended_at = now() - interval '1 s' WHERE ended_at IS NOT NULL",
    ),
    (
        "I9",
        "the saga has ended",
        "INSERT INTO sealed_passwords SELECT id, 'x', now() FROM sagas WHERE state = 'failed'",
    ),
    ("I9", "it is too old", "UPDATE sealed_passwords SET sealed_at = now() - interval '17 minutes'"),
    (
        "I9",
        "it has been hashed",
        "INSERT INTO saga_events (saga_id, seq, epoch, kind, step, attempt, at)
         SELECT saga_id, 1, 1, 'done', 'create_user', 1, now() FROM sealed_passwords",
    ),
    (
        "I11",
        "retried at seq 2 is signed by nobody for no reason",
        "UPDATE saga_events SET kind = 'retried' WHERE seq = 2",
    ),
    ("I11", "operators acted on it 1 times, and 0 are noted", "UPDATE users SET seq = 1"),
    ("I13", "a profile of", "UPDATE sagas SET decoy = true WHERE state = 'completed'"),
];

const HELD: &str = "UPDATE sagas SET lease_owner = 'one', lease_until = now() + interval '1 h', epoch = 7, attempt = 1
 WHERE state = 'running'";
const HELD_AND_CLAIMED: &str = "UPDATE sagas SET lease_owner = 'other', epoch = 8, attempt = 2 WHERE state = 'running'";
const HELD_AND_RELEASED: &str = "UPDATE sagas SET lease_owner = NULL, lease_until = NULL WHERE state = 'running'";

/// Takes away all that keeps the rows in order, except who watches.
const UNGUARDED: &str = "
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
                  WHERE connamespace = 'public'::regnamespace AND contype IN ('f', 'c', 'u', 'p')
                  ORDER BY contype = 'p', contype = 'u' LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', found.place, found.conname);
    END LOOP;
    FOR found IN SELECT tgrelid::regclass AS place, tgname FROM pg_trigger
                  WHERE NOT tgisinternal AND tgname NOT LIKE 'audit%' LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', found.tgname, found.place);
    END LOOP;
    DROP INDEX sagas_live_email;
END $$";

async fn watched() -> (Site, PgConnection) {
    let site = Site::with_database().await;
    Cluster::on(&site.url).await.unwrap().migrate().await.unwrap();
    watch(&site.url).await.unwrap();
    let database = PgConnection::connect(&site.url).await.unwrap();
    (site, database)
}

async fn found(database: &mut PgConnection, scope: Scope) -> Vec<String> {
    violations(database, scope).await.unwrap().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn every_query_finds_what_breaks_its_invariant() {
    let (_site, mut database) = watched().await;
    database.execute(include_str!("audit/people.sql")).await.unwrap();
    assert_eq!(found(&mut database, Scope::All).await, Vec::<String>::new());
    for (invariant, what, sql) in BROKEN {
        let mut tampered = database.begin().await.unwrap();
        tampered.execute(UNGUARDED).await.unwrap();
        tampered.execute(HELD).await.unwrap();
        tampered.execute(sql).await.unwrap();
        let found = found(&mut tampered, Scope::All).await;
        let named = found.iter().any(|line| line.starts_with(invariant) && line.contains(what));
        assert!(named, "{invariant} {what}: {found:?}");
        tampered.rollback().await.unwrap();
    }
    for invariant in ALL.iter().map(|invariant| invariant.name) {
        let shown = BROKEN.iter().any(|(name, ..)| invariant.starts_with(name)) || invariant.starts_with("I12");
        assert!(shown, "nothing breaks {invariant}");
    }
    assert_eq!(found(&mut database, Scope::All).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_password_in_the_clear_is_found_in_the_files_of_the_database() {
    const LEAKED: &str = "a-password-that-somebody-wrote-down";
    let (site, mut database) = watched().await;
    let folder = Machine::shared().folder();
    assert_eq!(files_with(LEAKED, folder).await.unwrap(), Vec::<String>::new());
    let leak = "INSERT INTO operators VALUES ($1, decode(repeat('00', 32), 'hex'), now())";
    sqlx::query(leak).bind(LEAKED).execute(&mut database).await.unwrap();
    let found = files_with(LEAKED, folder).await.unwrap();
    assert!(found.iter().any(|file| file.contains("pg_wal")), "{found:?} of {}", site.url);
}

#[tokio::test]
async fn a_password_in_the_clear_is_found_in_a_log_and_in_redis_even_if_that_has_forgotten_it() {
    let options = RedisOptions { append_only: true, keeps_all: true, ..RedisOptions::default() };
    let mut redis = spawn_blocking(move || Redis::start(&options)).await.unwrap().unwrap();
    let logs = tempfile::tempdir().unwrap();
    let places = [
        (redis.folder().to_owned(), "signup-1-create_user:data".to_owned()),
        (logs.path().to_owned(), " started".to_owned()),
    ];
    // What is surely there is not.
    leaks(&places).await.unwrap_err();
    std::fs::write(logs.path().join("api.log"), "api started\n").unwrap();
    redis.command(&["HSET", "signup-1-create_user:data", "1", "{}"]).unwrap();
    assert_eq!(leaks(&places).await.unwrap(), Vec::<String>::new());

    std::fs::write(logs.path().join("worker.log"), format!("worker started: {PASSWORD}\n")).unwrap();
    redis.command(&["HSET", "signup-1-create_user:data", "2", PASSWORD]).unwrap();
    redis.flush().unwrap();
    redis.kill().unwrap();
    let redis = spawn_blocking(move || redis.revive_empty().map(|()| redis)).await.unwrap().unwrap();
    assert_eq!(redis.keys().unwrap(), 0);
    let found = leaks(&places).await.unwrap();
    for place in ["appendonlydir", "worker.log"] {
        assert!(found.iter().any(|line| line.starts_with("I10") && line.contains(place)), "{place}: {found:?}");
    }
}

#[tokio::test]
async fn a_transaction_that_idles_for_long_is_found() {
    let (site, mut database) = watched().await;
    let mut other = PgConnection::connect(&site.url).await.unwrap();
    let _idle = other.begin().await.unwrap();
    assert_eq!(found(&mut database, Scope::All).await, Vec::<String>::new());
    let seen = async || {
        let found = violations(&mut PgConnection::connect(&site.url).await.unwrap(), Scope::All).await.unwrap();
        found.iter().any(|violation| violation.invariant.starts_with("I12")).then_some(())
    };
    eventually("it is found", seen).await.unwrap();
}
