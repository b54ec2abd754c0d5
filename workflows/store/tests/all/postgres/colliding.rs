//! Statements that lose a race with somebody else's transaction.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use saga::store::{Committed, Error};
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use tokio::time::sleep;

use crate::world::{USER, World, done, raw_postgres};

async fn count(db: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(db).await.unwrap()
}

async fn lock(db: &mut PgConnection, email: &str) -> Result<(), sqlx::Error> {
    let lock = format!("SELECT 1 FROM sagas WHERE email_key = '{email}' FOR UPDATE");
    db.execute(AssertSqlSafe(lock)).await.map(drop)
}

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(10);
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock'";
const DEADLOCKS: &str = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";

#[tokio::test]
async fn a_statement_that_a_deadlock_ends_is_sent_again_as_a_whole() {
    let mut w = World::in_postgres().await;
    for name in ["ada", "eve"] {
        w.accept(name).await;
    }
    let mut claimed = w.claim(&USER, 2).await;
    // Rows are locked in this order.
    claimed.sort_by_key(|claimed| claimed.fence.saga);
    let email = |at: usize| claimed[at].data.applicant.email.key();
    let (mut other, mut db) = (raw_postgres(&w.database()).await, raw_postgres(&w.database()).await);
    other.execute("BEGIN").await.unwrap();
    lock(&mut other, email(1)).await.unwrap();
    let commits: Vec<_> = claimed.iter().map(done).collect();
    let committing = tokio::spawn({
        let store = w.store();
        async move { join_all(commits.iter().map(|commit| store.commit(commit))).await }
    });
    // It holds the first row, and waits for the second: who now asks for the first closes the ring. Whoever waited first
    // is the first to look, and ends itself.
    while count(&mut db, WAITING).await == 0 {
        assert!(!committing.is_finished());
        sleep(PAUSE).await;
    }
    lock(&mut other, email(0)).await.unwrap();
    other.execute("COMMIT").await.unwrap();
    assert_eq!(committing.await.unwrap(), [Ok(Committed::Then), Ok(Committed::Then)]);
    drop(other);
    let begun = Instant::now();
    while count(&mut db, DEADLOCKS).await == 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "there was no deadlock");
        sleep(PAUSE).await;
    }
    assert_eq!(w.check().await.users.len(), 2);
}

/// Every insertion collides, as often as it is sent.
const COLLIDE: &str = "
CREATE SEQUENCE collisions;
CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nextval('public.collisions');
    RAISE EXCEPTION 'made to collide' USING ERRCODE = 'serialization_failure';
END
$$;
CREATE TRIGGER collide BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION collide();";

#[tokio::test]
async fn a_statement_that_collides_again_and_again_is_given_up_after_five_more() {
    let mut w = World::in_postgres().await;
    w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    let mut db = raw_postgres(&w.database()).await;
    db.execute(COLLIDE).await.unwrap();
    let answer = w.store().commit(&done(&claimed)).await;
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    assert_eq!(count(&mut db, "SELECT last_value FROM collisions").await, 6);
    db.execute("DROP TRIGGER collide ON users; DROP FUNCTION collide; DROP SEQUENCE collisions").await.unwrap();
    assert_eq!(w.commit(&done(&claimed)).await, Committed::Then);
    w.check().await;
}
