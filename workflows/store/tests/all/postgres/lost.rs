//! Connections that break, statements that hang, and a server that dies.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use saga::store::{Accepted, Committed, Error};
use saga::{End, State, Store};
use servers::{Durability, Postgres as Server};
use sqlx::{AssertSqlSafe, Executor, PgConnection};
use store::postgres::Database;

use crate::sagas::{Process, in_peace};
use crate::world::{ORGANIZATION, People, STEPS, USER, World, done, is_new, raw_postgres};

async fn count(db: &mut PgConnection, which: &str) -> i64 {
    let count = format!(
        "SELECT count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND application_name = 'signup' AND {which}"
    );
    sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn connections_that_break_under_way_lose_and_double_nothing() {
    let mut w = World::in_postgres().await;
    for number in 0..60 {
        w.accept(&format!("ada{number}")).await;
    }
    let mut killer = raw_postgres(&w.database()).await;
    let workers: Vec<_> = (0..4).map(|_| Process::start(&w, in_peace)).collect();
    let work = async |worker: &Process| {
        for _ in 0..8 {
            for step in &STEPS {
                let jobs = worker.claim_some(step, 5).await;
                join_all(jobs.iter().map(|job| worker.run(job))).await;
            }
        }
    };
    let mut idle = 0;
    let storm = async {
        loop {
            killer.execute(Server::TURN_OUT).await.unwrap();
            idle += count(&mut killer, "state LIKE 'idle in transaction%'").await;
        }
    };
    tokio::select! {
        _ = join_all(workers.iter().map(work)) => {}
        () = storm => {}
    }
    assert_eq!(idle, 0, "a transaction was open while something else was waited for");
    // A connection whose end its pool has not seen yet fails once: of those for requests, and for operators.
    let (begun, nobody) = (Instant::now(), w.proposal("x").saga);
    while w.store().load(nobody).await.is_err() || w.store().inspect(nobody).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(5), "it does not serve again");
    }
    let facts = Process::start(&w, in_peace).drive(&mut w).await.unwrap();
    assert!(facts.sagas.iter().all(|saga| saga.state == State::Ended(End::Completed)));
    assert_eq!((facts.sagas.len(), facts.users.len(), facts.claims.len()), (60, 60, 60));
}

const HANG: &str = "
CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
CREATE TRIGGER hang BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION hang();";

#[tokio::test]
async fn a_statement_that_hangs_ends_in_doubt_and_its_connection_with_it() {
    let mut w = World::in_postgres().await;
    let saga = w.accept("ada").await;
    let claimed = w.claim_one(&USER).await;
    let mut raw = raw_postgres(&w.database()).await;
    raw.execute(HANG).await.unwrap();
    let (begun, before) = (Instant::now(), count(&mut raw, "true").await);
    let answer = w.store().commit(&done(&claimed)).await;
    assert!(matches!(answer, Err(Error::InDoubt(_))), "{answer:?}");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    raw.execute("DROP TRIGGER hang ON users; DROP FUNCTION hang").await.unwrap();
    while count(&mut raw, "true").await >= before {
        assert!(begun.elapsed() < Duration::from_secs(10), "its connection is still there");
    }
    w.commit(&done(&claimed)).await;
    assert_eq!(w.journal(saga).await, ["accepted", "done create_user"]);
    w.check().await;
}

/// What the end of the server makes of a claim that was not on the disk yet.
const LOSE_CLAIMS: &str = "
UPDATE sagas SET epoch = epoch - 1, attempt = attempt - 1, lease_owner = NULL, lease_until = NULL,
                 step_claimed_at = NULL";

#[tokio::test]
async fn of_two_claims_that_bear_one_epoch_since_the_server_lost_the_first_one_commits() {
    let mut w = World::in_postgres().await;
    let saga = w.reach("ada", &ORGANIZATION).await;
    let lost = w.claim_one(&ORGANIZATION).await;
    raw_postgres(&w.database()).await.execute(LOSE_CLAIMS).await.unwrap();
    let held = w.claim_one(&ORGANIZATION).await;
    assert_eq!(lost.fence, held.fence);
    assert_eq!(w.commit(&done(&lost)).await, Committed::Then);
    assert_eq!(w.commit(&done(&held)).await, Committed::Fenced);
    assert_eq!(w.journal(saga).await, ["accepted", "done create_user", "done create_organization"]);
    assert_eq!(w.check().await.organizations.len(), 1);
}

#[tokio::test]
async fn a_server_that_was_killed_has_what_it_accepted_and_serves_again_at_once() {
    let mut server = Server::start(Durability::Full).unwrap();
    let database = Database::new(&server.url("postgres"), 12).unwrap();
    database.migrate().await.unwrap();
    let (store, people) = (database.open().await.unwrap(), People::new());
    let mut proposals: Vec<_> = (0..20).map(|number| people.proposal(&format!("ada{number}"))).collect();
    for answer in join_all(proposals.iter().map(|proposal| store.accept(proposal))).await {
        assert!(is_new(&answer.unwrap()));
    }
    server.kill().unwrap();
    // Its processes serve until they see that it is gone.
    let late = loop {
        let (begun, late) = (Instant::now(), people.proposal(&format!("late{}", proposals.len())));
        let answer = store.accept(&late).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        match answer {
            Ok(answer) => assert!(is_new(&answer)),
            Err(Error::Unavailable(_) | Error::InDoubt(_)) => break late,
            Err(other) => panic!("{other}"),
        }
        proposals.push(late);
    };
    let server = tokio::task::spawn_blocking(move || server.revive().map(|()| server)).await.unwrap().unwrap();
    let ready = Instant::now();
    let answer = loop {
        match store.accept(&late).await {
            Ok(answer) => break answer,
            Err(error) => assert!(ready.elapsed() < Duration::from_secs(5), "{error}"),
        }
    };
    assert!(matches!(answer, Accepted::New(_)), "{answer:?}");
    for proposal in &proposals {
        assert!(store.load(proposal.saga).await.unwrap().is_some());
    }
    drop(server);
}
