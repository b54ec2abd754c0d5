//! Many callers, few statements.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use saga::Store;
use saga::store::{Accepted, Committed, Error};
use signup::Conflict;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::returning::SYNC;
use super::way::Way;
use crate::world::{ORGANIZATION, USER, World, done, failed, is_new, raw_postgres, running};

async fn change(w: &World, sql: &str) {
    raw_postgres(&w.database()).await.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
}

/// How many transactions have written the events of this kind that there are.
async fn transactions(w: &World, kind: &str) -> i64 {
    let count = "SELECT count(DISTINCT xmin::text) FROM saga_events WHERE kind = $1";
    sqlx::query_scalar(count).bind(kind).fetch_one(&mut raw_postgres(&w.database()).await).await.unwrap()
}

#[tokio::test]
async fn what_queues_is_written_by_few_statements() {
    let mut w = World::in_postgres().await;
    let proposals: Vec<_> = (0..200).map(|number| w.proposal(&format!("ada{number}"))).collect();
    let store = w.store();
    let answers = join_all(proposals.iter().map(|proposal| store.accept(proposal))).await;
    assert!(answers.iter().all(|answer| is_new(answer.as_ref().unwrap())));
    let accepting = transactions(&w, "accepted").await;
    assert!(accepting <= 4, "{accepting} statements accept 200");
    let commits: Vec<_> = w.claim(&USER, 200).await.iter().map(done).collect();
    let answers = join_all(commits.iter().map(|commit| store.commit(commit))).await;
    assert!(answers.iter().all(|answer| *answer == Ok(Committed::Then)));
    let committing = transactions(&w, "done").await;
    assert!(committing <= 4, "{committing} statements commit 200");
    assert_eq!(w.check().await.users.len(), 200);
}

#[tokio::test]
async fn a_crowd_of_one_email_is_told_with_few_statements() {
    let (w, way) = (World::in_postgres().await, Way::open().await);
    let store = way.store(&w, 3).await;
    assert!(is_new(&store.accept(&w.proposal("ada")).await.unwrap()));
    let crowd: Vec<_> = (0..200).map(|_| w.proposal("ada")).collect();
    way.said(SYNC);
    for answer in join_all(crowd.iter().map(|proposal| store.accept(proposal))).await {
        assert_eq!(answer, Ok(Accepted::Conflict(Conflict::InProgress)));
    }
    // To send them, to ask what stands against them, and to prepare either.
    let asked = way.said(SYNC);
    assert!(asked <= 12, "{asked} round trips tell 200");
}

#[tokio::test]
async fn a_saga_twice_in_one_batch_is_written_once() {
    let mut w = World::in_postgres().await;
    for name in ["ada", "eve"] {
        w.accept(name).await;
    }
    let claimed = w.claim(&USER, 2).await;
    let (one, other, store) = (done(&claimed[0]), done(&claimed[1]), w.store());
    let answers = join_all([&one, &other, &one, &one].map(|commit| store.commit(commit))).await;
    let mut of: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (commit, answer) in [&one, &other, &one, &one].into_iter().zip(answers) {
        of.entry(commit.fence.saga).or_default().push(answer.unwrap());
    }
    assert_eq!(of[&one.fence.saga].iter().filter(|answer| **answer == Committed::Then).count(), 1);
    assert_eq!(of[&other.fence.saga], [Committed::Then]);
    assert_eq!(w.check().await.users.len(), 2);
}

#[tokio::test]
async fn a_dropped_caller_does_not_stop_its_write() {
    let mut w = World::in_postgres().await;
    let (store, proposal) = (w.store(), w.proposal("ada"));
    // Polled once: the write is on its way, and nobody waits for it any more.
    assert!(store.accept(&proposal).now_or_never().is_none());
    // Lanes serve in order.
    w.accept("eve").await;
    assert_eq!(w.view(proposal.saga).await.state, running(&USER));
    let claimed = w.claim(&USER, 2).await;
    let (first, second) = (done(&claimed[0]), done(&claimed[1]));
    assert!(w.store().commit(&first).now_or_never().is_none());
    assert_eq!(w.commit(&second).await, Committed::Then);
    assert_eq!(w.journal(proposal.saga).await, ["accepted", "done create_user"]);
    w.check().await;
}

#[tokio::test]
async fn a_write_that_fails_halfway_leaves_nothing_of_itself() {
    let mut w = World::in_postgres().await;
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

const COLLIDE: &str = "
CREATE SEQUENCE collisions;
CREATE FUNCTION collide() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('public.collisions') <= 3 THEN
        RAISE EXCEPTION 'made to collide' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER collide BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION collide();";

#[tokio::test]
async fn a_statement_that_collides_is_sent_again() {
    let mut w = World::in_postgres().await;
    let saga = w.reach("ada", &USER).await;
    let claimed = w.claim_one(&USER).await;
    change(&w, COLLIDE).await;
    assert_eq!(w.commit(&done(&claimed)).await, Committed::Then);
    change(&w, "DROP TRIGGER collide ON users; DROP FUNCTION collide; DROP SEQUENCE collisions").await;
    assert_eq!(w.journal(saga).await, ["accepted", "done create_user"]);
    w.check().await;
}

/// Another transaction, which holds the row of a saga.
async fn hold(w: &World, name: &str) -> PgConnection {
    let mut other = raw_postgres(&w.database()).await;
    let hold = format!("BEGIN; SELECT 1 FROM sagas WHERE email_key = '{name}@example.com' FOR UPDATE");
    other.execute(AssertSqlSafe(hold)).await.unwrap();
    other
}

#[tokio::test]
async fn a_saga_that_somebody_holds_holds_up_no_other() {
    let mut w = World::in_postgres().await;
    for name in ["ada", "eve", "joe"] {
        w.accept(name).await;
    }
    let claimed = w.claim(&USER, 3).await;
    let other = hold(&w, "ada").await;
    let (store, commits) = (w.store(), claimed.iter().map(done).collect::<Vec<_>>());
    let begun = std::time::Instant::now();
    let answers = join_all(commits.iter().map(|commit| store.commit(commit))).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let email = |at: usize| claimed[at].data.applicant.email.key();
    for (at, answer) in answers.iter().enumerate() {
        match answer {
            // The server gave up waiting: it is known that nothing was written.
            Err(Error::Unavailable(_)) => assert_eq!(email(at), "ada@example.com"),
            answer => assert_eq!((answer, email(at) != "ada@example.com"), (&Ok(Committed::Then), true)),
        }
    }
    other.close().await.unwrap();
    let held = (0..3).find(|at| email(*at) == "ada@example.com").unwrap();
    assert_eq!(w.commit(&commits[held]).await, Committed::Then);
    assert_eq!(w.check().await.users.len(), 3);
}

#[tokio::test]
async fn a_commit_that_waited_for_the_row_sees_what_became_of_it() {
    for (meanwhile, expected) in [
        ("UPDATE sagas SET stuck_since = manual.now()", Committed::Then),
        ("UPDATE sagas SET epoch = epoch + 1", Committed::Fenced),
    ] {
        let mut w = World::in_postgres().await;
        w.accept("ada").await;
        let claimed = w.claim_one(&USER).await;
        let mut other = hold(&w, "ada").await;
        other.execute(meanwhile).await.unwrap();
        let (store, commit) = (w.store(), done(&claimed));
        let committing = tokio::spawn(async move { store.commit(&commit).await });
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')
                          AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
        while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut raw_postgres(&w.database()).await).await.unwrap()
            == 0
        {
            assert!(!committing.is_finished());
        }
        other.execute("COMMIT").await.unwrap();
        assert_eq!(committing.await.unwrap(), Ok(expected), "{meanwhile}");
        let facts = w.check().await;
        assert_eq!(facts.users.len(), usize::from(expected == Committed::Then));
        if expected == Committed::Then {
            assert_eq!(facts.sagas[0].stuck_since, None);
            w.claim_one(&ORGANIZATION).await;
        }
    }
}
