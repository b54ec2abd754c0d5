//! Sessions that begin while others write, and many that are swept.

use std::time::{Duration, Instant};

use accounts::{Generation, LONGEST, Refreshed};
use futures_util::future::join;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::world::{World, by_password, by_sign_up, first_hash, raw_postgres, session};

/// Returns once somebody waits for a lock in this database.
async fn somebody_waits(db: &mut PgConnection) {
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let begun = Instant::now();
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut *db).await.unwrap() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits");
    }
}

#[tokio::test]
async fn a_change_of_the_password_that_is_under_way_is_waited_for() {
    for change in ["password_hash = '$argon2id$new', session_epoch = session_epoch + 1", "disabled_at = now()"] {
        for ends in ["COMMIT", "ROLLBACK"] {
            let w = World::in_postgres().await;
            let saga = w.complete("ada").await;
            let user = w.user_of(saga).await;
            let (mut other, mut db) = (raw_postgres(&w.database()).await, raw_postgres(&w.database()).await);
            other.execute(AssertSqlSafe(format!("BEGIN; UPDATE users SET {change}"))).await.unwrap();
            let end = async {
                somebody_waits(&mut db).await;
                other.execute(ends).await.unwrap();
            };
            let (by_password, by_sign_up) = (by_password(1, user, &first_hash()), by_sign_up(2, saga));
            let both = join(w.begin(&by_password), w.begin(&by_sign_up));
            let ((password, sign_up), ()) = join(both, end).await;
            let begun = ends == "ROLLBACK";
            assert_eq!((password.is_some(), sign_up.is_some()), (begun, begun), "{change} {ends}");
        }
    }
}

#[tokio::test]
async fn a_session_has_the_epoch_that_its_user_has_when_it_begins() {
    let w = World::in_postgres().await;
    let user = w.user("ada").await;
    let (mut other, mut db) = (raw_postgres(&w.database()).await, raw_postgres(&w.database()).await);
    other.execute("BEGIN; UPDATE users SET session_epoch = session_epoch + 1").await.unwrap();
    let end = async {
        somebody_waits(&mut db).await;
        other.execute("COMMIT").await.unwrap();
    };
    let (begun, ()) = join(w.sign_in(1, user), end).await;
    assert!(w.is_live(begun).await, "it began after all the others had ended");
}

#[tokio::test]
async fn a_refresh_that_was_overtaken_is_decided_anew() {
    let w = World::in_postgres().await;
    let user = w.user("ada").await;
    let mut db = raw_postgres(&w.database()).await;
    for (number, meanwhile) in (1..).zip(["generation = 1", "generation = 2", "revoked_at = now()"]) {
        let session = w.sign_in(number, user).await;
        let holder = w.sessions().holder(session).await.unwrap().unwrap();
        let mut other = raw_postgres(&w.database()).await;
        other.execute(AssertSqlSafe(format!("BEGIN; UPDATE sessions SET {meanwhile}"))).await.unwrap();
        let end = async {
            somebody_waits(&mut db).await;
            other.execute("COMMIT").await.unwrap();
        };
        let (refreshed, ()) = join(w.refresh(session, 0), end).await;
        let expected = match number {
            1 => Refreshed::Live(holder, Generation(1)),
            2 => Refreshed::Reused,
            _ => Refreshed::Over,
        };
        assert_eq!(refreshed, expected, "{meanwhile}");
    }
}

#[tokio::test]
async fn more_sessions_are_swept_than_one_statement_takes() {
    let w = World::in_postgres().await;
    let user = w.user("ada").await;
    w.sign_in(1, user).await;
    let more = "INSERT INTO sessions (id, user_id, epoch, began_at, generation, issued_at, expires_at)
                SELECT gen_random_uuid(), user_id, 0, began_at, 0, issued_at, expires_at
                  FROM sessions, generate_series(1, 2499)";
    let mut db = raw_postgres(&w.database()).await;
    db.execute(more).await.unwrap();
    w.advance(LONGEST.unsigned_abs()).await;
    w.sign_in(2, user).await;
    // One that somebody else sweeps, or holds, is left to the next time.
    let mut other = raw_postgres(&w.database()).await;
    other.execute("BEGIN; SELECT FROM sessions ORDER BY id LIMIT 1 FOR UPDATE").await.unwrap();
    assert_eq!(w.sessions().sweep().await.unwrap(), 2499);
    other.execute("ROLLBACK").await.unwrap();
    w.advance(Duration::from_secs(1)).await;
    assert_eq!(w.sessions().sweep().await.unwrap(), 1);
    assert_eq!(w.live(user).await, [session(2)]);
}
