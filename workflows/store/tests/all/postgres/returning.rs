//! Connections that go back after a call, and callers that go away during it.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use saga::store::Error;
use saga::{Fleet, Store};
use signup::Operators;
use sqlx::{Executor, PgConnection};
use tokio::time::timeout;

use super::way::Way;
use crate::world::{USER, World, raw_postgres, running};

/// The kinds of messages that end a request and a connection.
pub(super) const SYNC: u8 = b'S';
const TERMINATE: u8 = b'X';

#[tokio::test]
async fn a_connection_goes_back_without_a_round_trip() {
    let (w, way) = (World::in_postgres().await, Way::open().await);
    // Operators have one connection.
    let store = way.store(&w, 3).await;
    store.processes().await.unwrap();
    way.said(SYNC);
    for _ in 0..20 {
        assert_eq!(store.processes().await.unwrap(), []);
    }
    assert_eq!(way.said(SYNC), 20);
}

/// Ends the statement that waits for a lock in this database, once there is one.
async fn cancel_who_waits(db: &mut PgConnection) {
    let cancel = "SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(cancel).fetch_one(&mut *db).await.unwrap() == 0 {}
}

#[tokio::test]
async fn the_answer_to_a_caller_that_went_away_is_not_the_next_ones() {
    let (w, way) = (World::in_postgres().await, Way::open().await);
    let store = way.store(&w, 3).await;
    assert!(store.operators().await.unwrap().is_empty());
    let mut other = raw_postgres(&w.database()).await;
    other.execute("BEGIN; LOCK TABLE processes").await.unwrap();
    let gone = timeout(Duration::from_millis(100), store.processes()).await;
    assert!(gone.is_err(), "{gone:?}");
    let mut db = raw_postgres(&w.database()).await;
    let (answer, ()) = join(store.operators(), cancel_who_waits(&mut db)).await;
    assert!(answer.unwrap().is_empty());
}

async fn server_processes(db: &mut PgConnection) -> Vec<i32> {
    let which = "SELECT pid FROM pg_stat_activity
                  WHERE datname = current_database() AND application_name = 'signup' ORDER BY pid";
    sqlx::query_scalar(which).fetch_all(db).await.unwrap()
}

/// A caller that goes away where it has waited so often and would have to wait again.
async fn goes_away<F: Future>(waits: usize, caller: F) -> Option<F::Output> {
    let (mut caller, mut waited) = (pin!(caller), 0);
    poll_fn(|context| match caller.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if waited == waits => Poll::Ready(None),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn of_callers_that_go_away_in_crowds_no_connection_is_lost_and_none_added() {
    let w = World::in_postgres().await;
    let (saga, store) = (w.accept("ada").await, w.store());
    let mut db = raw_postgres(&w.database()).await;
    let mut before = Vec::new();
    // Until all are open, and the one is gone that looked at the schema.
    loop {
        for loaded in join_all((0..50).map(|_| store.load(saga))).await {
            loaded.unwrap();
        }
        let now = server_processes(&mut db).await;
        if std::mem::replace(&mut before, now) == before {
            break;
        }
    }
    let crowds = async {
        let mut gone = 0;
        for round in 0..50 {
            let callers = (0..50).map(|caller| goes_away((round + caller) % 4, store.load(saga)));
            gone += join_all(callers).await.iter().filter(|answer| answer.is_none()).count();
        }
        gone
    };
    let watch = async {
        loop {
            assert_eq!(server_processes(&mut db).await, before);
        }
    };
    let gone = tokio::select! {
        gone = crowds => gone,
        () = watch => 0,
    };
    assert!(gone > 100, "{gone} have gone away");
    assert_eq!(store.load(saga).await.unwrap().unwrap().state, running(&USER));
    assert_eq!(server_processes(&mut db).await, before);
}

#[tokio::test]
async fn a_server_that_is_silent_to_who_connects_takes_no_place() {
    let (w, way) = (World::in_postgres().await, Way::open().await);
    let saga = w.accept("ada").await;
    let store = way.store(&w, 6).await;
    way.close(true);
    let begun = Instant::now();
    for answer in join_all((0..16).map(|_| store.load(saga))).await {
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    way.close(false);
    assert_eq!(store.load(saga).await.unwrap().unwrap().state, running(&USER));
}

#[tokio::test]
async fn a_store_that_closes_ends_what_is_under_way_and_says_goodbye() {
    let (w, way) = (World::in_postgres().await, Way::open().await);
    let saga = w.accept("ada").await;
    let store = way.store(&w, 3).await;
    store.load(saga).await.unwrap();
    way.said(TERMINATE);
    let mut other = raw_postgres(&w.database()).await;
    other.execute("BEGIN; LOCK TABLE processes").await.unwrap();
    let under_way = {
        let store = store.clone();
        tokio::spawn(async move { store.processes().await })
    };
    let mut db = raw_postgres(&w.database()).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut db).await.unwrap() == 0 {}
    let closing = tokio::spawn(store.clone().close());
    while store.load(saga).await.is_ok() {}
    other.execute("COMMIT").await.unwrap();
    assert_eq!(under_way.await.unwrap().unwrap(), []);
    closing.await.unwrap();
    let begun = Instant::now();
    while way.connections() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(5), "{} are open", way.connections());
        tokio::task::yield_now().await;
    }
    assert_eq!(way.said(TERMINATE), 2);
    let late = store.load(saga).await;
    assert!(matches!(late, Err(Error::Unavailable(_))), "{late:?}");
}
