//! Several servers, of which one takes writes.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use saga::Store;
use saga::store::Error;
use servers::{Durability, Postgres as Server};
use signup::Proposal;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use store::Postgres;
use store::postgres::{Database, OpenError};

use super::way::Way;
use crate::world::{People, USER, World, is_new, open_postgres, raw_postgres, running};

/// A server with the schema.
async fn migrated() -> Server {
    let server = Server::start(Durability::Full).unwrap();
    alone(&server).migrate().await.unwrap();
    server
}

fn alone(server: &Server) -> Database {
    Database::new(&server.url("postgres"), 6).unwrap()
}

fn either(one: &Server, other: &Server) -> Database {
    Database::new(&format!("{},{}", one.url("postgres"), other.url("postgres")), 6).unwrap()
}

async fn raw(server: &Server) -> PgConnection {
    PgConnection::connect(&server.url("postgres")).await.unwrap()
}

/// Kills a server that is to come back as a standby. It follows nobody, which is all one here.
async fn demote(server: &mut Server) {
    let mut db = raw(server).await;
    let folder: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut db).await.unwrap();
    let signal = format!("COPY (SELECT WHERE false) TO '{folder}/standby.signal'");
    db.execute(AssertSqlSafe(signal)).await.unwrap();
    server.kill().unwrap();
}

async fn revive(mut server: Server) -> Server {
    tokio::task::spawn_blocking(move || server.revive().map(|()| server)).await.unwrap().unwrap()
}

async fn promote(server: &Server) {
    let promoted: bool = sqlx::query_scalar("SELECT pg_promote()").fetch_one(&mut raw(server).await).await.unwrap();
    assert!(promoted);
}

/// Accepts as soon as there is a server, within 5 s.
async fn accept(store: &Postgres, proposal: &Proposal) {
    let begun = Instant::now();
    loop {
        match store.accept(proposal).await {
            Ok(answer) => break assert!(is_new(&answer), "{answer:?}"),
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(5), "{error}"),
        }
    }
}

async fn has(server: &Server, proposal: &Proposal) -> bool {
    let count = "SELECT count(*) FROM sagas WHERE id = $1";
    let count = sqlx::query_scalar::<_, i64>(count).bind(proposal.saga.uuid());
    count.fetch_one(&mut raw(server).await).await.unwrap() == 1
}

#[tokio::test]
async fn when_the_server_that_takes_writes_dies_the_other_is_used() {
    let (mut one, other, people) = (migrated().await, migrated().await, People::new());
    let store = either(&one, &other).open().await.unwrap();
    let [before, later] = ["ada", "joe"].map(|name| people.proposal(name));
    accept(&store, &before).await;
    assert!(has(&one, &before).await);
    demote(&mut one).await;
    let begun = Instant::now();
    for number in 0.. {
        let after = people.proposal(&format!("eve{number}"));
        accept(&store, &after).await;
        if has(&other, &after).await {
            break;
        }
        // The processes of the first serve until they see that it is gone.
        assert!(begun.elapsed() < Duration::from_secs(5), "the other is not used");
    }
    // The first comes back and takes no writes; nobody goes back to it, nor begins with it.
    let one = revive(one).await;
    accept(&store, &later).await;
    let store = either(&one, &other).open().await.unwrap();
    accept(&store, &people.proposal("amy")).await;
    assert!(has(&other, &later).await && !has(&one, &later).await);
}

#[tokio::test]
async fn a_standby_is_refused_until_it_takes_writes() {
    let mut server = migrated().await;
    let store = alone(&server).open().await.unwrap();
    demote(&mut server).await;
    let server = revive(server).await;
    let refused = alone(&server).open().await.unwrap_err();
    assert!(matches!(&refused, OpenError::Away(what) if what.contains("standby")), "{refused:?}");
    let proposal = People::new().proposal("ada");
    let answer = store.accept(&proposal).await;
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    promote(&server).await;
    accept(&store, &proposal).await;
    alone(&server).open().await.unwrap();
}

#[tokio::test]
async fn of_two_servers_that_do_not_serve_both_are_told() {
    let (mut one, mut other) = (migrated().await, migrated().await);
    let database = either(&one, &other);
    demote(&mut one).await;
    let one = revive(one).await;
    other.kill().unwrap();
    let refused = database.open().await.unwrap_err();
    assert!(refused.passes());
    let said = refused.to_string();
    for part in [format!("127.0.0.1:{}: it is a standby", one.port()), format!("127.0.0.1:{}: ", other.port())] {
        assert!(said.contains(&part), "{said}");
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_leaves_time_for_the_other() {
    let (w, way) = (World::in_postgres().await, Way::open().await);
    let saga = w.accept("ada").await;
    let path = "?options=-csearch_path%3Dmanual,pg_catalog,public";
    let urls = format!("{}{path},{}{path}", way.url(&w.database()), Server::shared().url(&w.database()));
    let store = Database::new(&urls, 6).unwrap().open().await.unwrap();
    assert_eq!(store.load(saga).await.unwrap().unwrap().state, running(&USER));
    assert!(way.connections() > 0);
    way.close(true);
    way.strand();
    let begun = Instant::now();
    while store.load(saga).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(8), "the other is not used");
    }
    for loaded in join_all((0..16).map(|_| store.load(saga))).await {
        assert_eq!(loaded.unwrap().unwrap().state, running(&USER));
    }
}

const READ_ONLY: &str = "
CREATE FUNCTION read_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'made to be read-only' USING ERRCODE = 'read_only_sql_transaction';
END
$$;
CREATE TRIGGER read_only BEFORE INSERT ON sagas FOR EACH ROW EXECUTE FUNCTION read_only();";

/// The processes of the server that serve stores.
async fn processes(db: &mut PgConnection) -> Vec<i32> {
    let which = "SELECT pid FROM pg_stat_activity
                  WHERE datname = current_database() AND application_name = 'signup'";
    sqlx::query_scalar(which).fetch_all(db).await.unwrap()
}

#[tokio::test]
async fn a_server_that_takes_no_writes_any_more_is_connected_to_anew_by_all() {
    let w = World::in_postgres().await;
    let saga = w.accept("ada").await;
    let mut db = raw_postgres(&w.database()).await;
    let others = processes(&mut db).await;
    let store = open_postgres(&w.database()).await;
    for loaded in join_all((0..16).map(|_| store.load(saga))).await {
        loaded.unwrap();
    }
    let mut before = processes(&mut db).await;
    before.retain(|process| !others.contains(process));
    assert!(before.len() > 1, "{before:?}");
    db.execute(READ_ONLY).await.unwrap();
    let answer = store.accept(&w.proposal("eve")).await;
    assert!(matches!(answer, Err(Error::Unavailable(_))), "{answer:?}");
    db.execute("DROP TRIGGER read_only ON sagas; DROP FUNCTION read_only").await.unwrap();
    assert!(is_new(&store.accept(&w.proposal("eve")).await.unwrap()));
    let begun = Instant::now();
    while processes(&mut db).await.iter().any(|process| before.contains(process)) {
        assert!(begun.elapsed() < Duration::from_secs(5), "some of {before:?} are still used");
    }
}
