//! Connections that fall silent, and connections that no longer fit.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use saga::{Fleet, SagaId, Store};
use servers::Postgres as Server;
use sqlx::{AssertSqlSafe, Executor};
use store::Postgres;
use store::postgres::Database;
use tokio::time::timeout;

use super::way::Way;
use crate::world::{USER, World, raw_postgres, running};

async fn load_all_at_once(store: &Postgres, saga: SagaId) {
    for loaded in join_all((0..16).map(|_| store.load(saga))).await {
        assert_eq!(loaded.unwrap().unwrap().state, running(&USER));
    }
}

#[tokio::test]
async fn connections_whose_callers_went_away_in_silence_are_replaced_in_time() {
    let w = World::in_postgres().await;
    let (saga, way) = (w.accept("ada").await, Way::open().await);
    let store = way.store(&w, 6).await;
    load_all_at_once(&store, saga).await;
    way.strand();
    for gone in join_all((0..16).map(|_| timeout(Duration::from_millis(100), store.load(saga)))).await {
        assert!(gone.is_err(), "{gone:?}");
    }
    let begun = Instant::now();
    while store.load(saga).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the silent connections keep their places");
    }
    load_all_at_once(&store, saga).await;
}

#[tokio::test]
async fn a_connection_that_fell_silent_while_idle_is_replaced_within_the_call() {
    let w = World::in_postgres().await;
    let (saga, way) = (w.accept("ada").await, Way::open().await);
    let store = way.store(&w, 6).await;
    store.load(saga).await.unwrap();
    way.strand();
    // After this time it is not taken for fit unseen.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(store.load(saga).await.unwrap().unwrap().state, running(&USER));
}

#[tokio::test]
async fn a_connection_whose_statements_no_longer_fit_the_schema_is_replaced() {
    let w = World::in_postgres().await;
    let url = Server::shared().url(&w.database()) + "?options=-csearch_path%3Dmanual,pg_catalog,public";
    // Operators have one connection.
    let store = Database::new(&url, 3).unwrap().open().await.unwrap();
    store.processes().await.unwrap();
    let alter = |of: &str| format!("ALTER TABLE processes ALTER COLUMN role TYPE {of}");
    let mut raw = raw_postgres(&w.database()).await;
    raw.execute(AssertSqlSafe(alter("varchar(100)"))).await.unwrap();
    assert!(store.processes().await.is_err(), "it fits all the same");
    assert_eq!(store.processes().await.unwrap(), []);
    raw.execute(AssertSqlSafe(alter("text"))).await.unwrap();
}
