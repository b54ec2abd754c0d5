//! The one connection that writes.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use saga::Policy;
use saga::store::{Committed, Error};
use sqlx::{Connection, Executor, SqliteConnection};

use crate::world::{PASSWORD, USER, World, done, failed, is_new, raw, running};

#[tokio::test]
async fn a_write_that_fails_halfway_leaves_nothing_of_itself() {
    let mut w = World::in_a_file().await;
    let (ada, eve) = (w.accept("ada").await, w.accept("eve").await);
    let claimed = w.claim(&USER, 2).await;
    // The user and the identity are inserted before the wipe is refused.
    w.refuse_deletes("sealed_passwords", true).await;
    let (store, writes) = (w.store(), [done(&claimed[0]), failed(&claimed[1], Duration::ZERO)]);
    let answers = join_all(writes.iter().map(|write| store.commit(write))).await;
    assert!(matches!(answers[0], Err(Error::Rejected(_))), "{answers:?}");
    assert_eq!(answers[1], Ok(Committed::Then));
    let facts = w.check().await;
    assert!(facts.users.is_empty() && facts.identities.is_empty());
    assert_eq!((w.journal(ada).await.len(), w.journal(eve).await.len()), (1, 2));
    w.refuse_deletes("sealed_passwords", false).await;
    assert_eq!(w.commit(&writes[0]).await, Committed::Then);
    w.check().await;
}

#[tokio::test]
async fn a_write_alone_that_fails_halfway_leaves_nothing_of_itself() {
    let mut w = World::in_a_file().await;
    let ada = w.accept("ada").await;
    let write = done(&w.claim_one(&USER).await);
    w.refuse_deletes("sealed_passwords", true).await;
    let answer = w.store().commit(&write).await;
    assert!(matches!(answer, Err(Error::Rejected(_))), "{answer:?}");
    let facts = w.check().await;
    assert!(facts.users.is_empty() && facts.identities.is_empty());
    assert_eq!(w.journal(ada).await.len(), 1);
    w.refuse_deletes("sealed_passwords", false).await;
    assert_eq!(w.commit(&write).await, Committed::Then);
    w.check().await;
}

#[tokio::test]
async fn a_dropped_caller_does_not_stop_its_write() {
    let mut w = World::in_a_file().await;
    let (store, proposal) = (w.store(), w.proposal("ada"));
    // Polled once: the write is on its way, and nobody waits for it any more.
    assert!(store.accept(&proposal).now_or_never().is_none());
    store.release_leases().await.unwrap();
    assert_eq!(w.view(proposal.saga).await.state, running(&USER));
    let (claimed, store) = (w.claim_one(&USER).await, w.store());
    assert!(store.commit(&done(&claimed)).now_or_never().is_none());
    assert!(!store.hand_back(&claimed.fence, Duration::ZERO).await.unwrap());
    assert_eq!(w.journal(proposal.saga).await, ["accepted", "done create_user"]);
    w.check().await;
}

#[tokio::test]
async fn a_saga_that_cannot_be_read_keeps_no_other_from_being_claimed() {
    let w = World::in_a_file().await;
    let (bad, good) = (w.accept("ada").await, w.accept("eve").await);
    let mut db = raw(&w.file()).await;
    db.execute("UPDATE sagas SET attempt = 1 << 40 WHERE email_key = 'ada@example.com'").await.unwrap();
    assert_eq!(w.claim_one(&USER).await.fence.saga, good);
    assert!(w.claim(&USER, 2).await.is_empty());
    w.advance(Policy::STANDARD.silence).await;
    let silent = w.store().housekeep(&Policy::STANDARD).await.unwrap().silent;
    assert!(silent.contains(&bad) && silent.contains(&good), "{silent:?}");
}

/// Whether these bytes are anywhere in the database's files.
fn found(w: &World, bytes: &[u8]) -> bool {
    let folder = std::fs::read_dir(w.file().parent().unwrap()).unwrap();
    let mut files = folder.map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    files.any(|content| content.windows(bytes.len()).any(|window| window == bytes))
}

#[tokio::test]
async fn no_file_holds_a_password_in_the_clear_or_a_wiped_one() {
    let mut w = World::in_a_file().await;
    let proposal = w.proposal("ada");
    w.store().accept(&proposal).await.unwrap();
    w.reopen().await;
    assert!(found(&w, proposal.sealed.as_bytes()), "it is looked for where it is not");
    assert!(!found(&w, PASSWORD.as_bytes()));
    let claimed = w.claim_one(&USER).await;
    w.commit(&done(&claimed)).await;
    w.reopen().await;
    assert!(!found(&w, proposal.sealed.as_bytes()));
    assert!(!found(&w, PASSWORD.as_bytes()));
}

#[tokio::test]
async fn what_is_wiped_leaves_the_write_ahead_log_within_seconds() {
    let w = World::in_a_file().await;
    let proposal = w.proposal("ada");
    w.store().accept(&proposal).await.unwrap();
    let claimed = w.claim_one(&USER).await;
    w.commit(&done(&claimed)).await;
    assert!(found(&w, proposal.sealed.as_bytes()), "it is looked for where it is not");
    pass_checkpoint(&w).await;
    assert!(!found(&w, proposal.sealed.as_bytes()));
}

/// Lets the time pass after which the next write empties the write-ahead log, and writes.
async fn pass_checkpoint(w: &World) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    for _ in 0..2 {
        w.store().release_leases().await.unwrap();
    }
}

#[tokio::test]
async fn a_reader_that_stays_does_not_hold_up_the_writer() {
    let w = World::in_a_file().await;
    let mut reader: SqliteConnection = raw(&w.file()).await;
    reader.execute("BEGIN").await.unwrap();
    reader.execute("SELECT count(*) FROM sagas").await.unwrap();
    w.accept("ada").await;
    let begun = std::time::Instant::now();
    pass_checkpoint(&w).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    reader.close().await.unwrap();
}

#[tokio::test]
async fn a_writer_elsewhere_is_waited_for() {
    let w = World::in_a_file().await;
    pass_checkpoint(&w).await;
    let mut other = raw(&w.file()).await;
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let (store, proposal) = (w.store(), w.proposal("ada"));
    let accepting = tokio::spawn(async move { store.accept(&proposal).await });
    for _ in 0..20 {
        w.facts().await;
    }
    assert!(!accepting.is_finished());
    other.execute("COMMIT").await.unwrap();
    assert!(is_new(&accepting.await.unwrap().unwrap()));
}

#[tokio::test]
async fn more_sessions_are_swept_than_one_write_takes() {
    let w = World::in_a_file().await;
    let user = w.user("ada").await;
    w.sign_in(1, user).await;
    let more = "INSERT INTO sessions (id, user_id, epoch, began_at, generation, issued_at, expires_at)
                SELECT randomblob(16), user_id, 0, began_at, 0, issued_at, expires_at
                  FROM sessions, (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2499)
                                  SELECT i FROM n)";
    raw(&w.file()).await.execute(more).await.unwrap();
    w.advance(accounts::LONGEST.unsigned_abs()).await;
    w.sign_in(2, user).await;
    assert_eq!(w.sessions().sweep().await.unwrap(), 2500);
    assert_eq!(w.sessions().sweep().await.unwrap(), 0);
    assert_eq!(w.live(user).await.len(), 1);
}
