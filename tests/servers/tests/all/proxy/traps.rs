//! What the network does once.

use std::io::ErrorKind;

use servers::{Durability, Pattern, Postgres, Proxy};
use sqlx::{Connection, PgConnection};

use super::Place;

#[test]
fn the_reply_is_lost_and_the_request_is_not() {
    let place = Place::new();
    let (mut client, mut other) = (place.client(), place.client());
    client.count().unwrap();
    place.proxy.swallow_reply("INCR");
    client.say("PING\r\n").unwrap();
    assert_eq!(client.hear().unwrap(), "+PONG");
    assert_eq!(place.proxy.sprung(), 0);
    client.say("INCR n\r\n").unwrap();
    client.is_reset();
    assert_eq!((place.proxy.sprung(), place.counter()), (1, 2));
    // Once.
    assert_eq!(other.count().unwrap(), ":3");
}

#[test]
fn the_request_is_lost() {
    let place = Place::new();
    let mut client = place.client();
    client.count().unwrap();
    place.proxy.cut_before("INCR");
    client.say("PING\r\n").unwrap();
    assert_eq!(client.hear().unwrap(), "+PONG");
    assert_eq!(client.count().unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!((place.proxy.sprung(), place.counter()), (1, 1));
    place.proxy.cut_before("INCR");
    place.proxy.disarm();
    assert_eq!(place.client().count().unwrap(), ":2");
}

const INSERT: &str = "INSERT INTO t VALUES ($1)";

async fn insert(connection: &mut PgConnection, n: i32) -> Result<(), sqlx::Error> {
    sqlx::query(INSERT).bind(n).execute(connection).await.map(drop)
}

#[tokio::test]
async fn a_statement_is_found_by_its_text_whenever_it_is_executed() {
    let server = Postgres::start(Durability::None).unwrap();
    let proxy = Proxy::to(server.port()).unwrap();
    let url = proxy.url(&server.url("postgres"));
    server.ask("postgres", "CREATE TABLE t (n integer)").unwrap();
    let there = || server.ask("postgres", "SELECT string_agg(n::text, ' ' ORDER BY n) FROM t").unwrap();
    for prepared in [true, false] {
        for kept in [true, false] {
            server.ask("postgres", "TRUNCATE t").unwrap();
            let mut connection = PgConnection::connect(&url).await.unwrap();
            if prepared {
                insert(&mut connection, 1).await.unwrap();
            }
            let sprung = proxy.sprung();
            if kept {
                proxy.swallow_reply(Pattern::statement("INTO t"));
            } else {
                proxy.cut_before(Pattern::statement("INTO t"));
            }
            sqlx::query("SELECT 1").execute(&mut connection).await.unwrap();
            let lost = insert(&mut connection, 2).await.unwrap_err();
            assert!(matches!(&lost, sqlx::Error::Io(error) if error.kind() == ErrorKind::ConnectionReset), "{lost}");
            assert_eq!(proxy.sprung(), sprung + 1);
            let mut connection = PgConnection::connect(&url).await.unwrap();
            insert(&mut connection, 3).await.unwrap();
            let expected = match (prepared, kept) {
                (true, true) => "1 2 3",
                (true, false) => "1 3",
                (false, true) => "2 3",
                (false, false) => "3",
            };
            assert_eq!(there(), expected, "prepared: {prepared}, kept: {kept}");
        }
    }
}

#[tokio::test]
async fn a_commit_is_lost_before_or_after() {
    let server = Postgres::start(Durability::None).unwrap();
    let proxy = Proxy::to(server.port()).unwrap();
    let url = proxy.url(&server.url("postgres"));
    server.ask("postgres", "CREATE TABLE t (n integer)").unwrap();
    for (n, kept) in [(1, true), (2, false), (3, true)] {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let mut transaction = connection.begin().await.unwrap();
        insert(&mut transaction, n).await.unwrap();
        if kept {
            proxy.swallow_reply(Pattern::statement("COMMIT"));
        } else {
            proxy.cut_before(Pattern::statement("COMMIT"));
        }
        transaction.commit().await.unwrap_err();
    }
    assert_eq!(server.ask("postgres", "SELECT string_agg(n::text, ' ' ORDER BY n) FROM t").unwrap(), "1 3");
    assert_eq!(proxy.sprung(), 3);
}
