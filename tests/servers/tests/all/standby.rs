//! A standby of a private PostgreSQL.

use std::thread;

use servers::{Durability, Postgres, Replication, Standby};

use crate::within;

const INSERT: &str = "INSERT INTO t SELECT count(*) FROM t";

fn primary() -> Postgres {
    let primary = Postgres::start(Durability::None).unwrap();
    primary.ask("postgres", "CREATE TABLE t (n bigint)").unwrap();
    primary
}

fn count(server: &Postgres) -> String {
    server.ask("postgres", "SELECT count(*) FROM t").unwrap()
}

#[test]
fn a_synchronous_standby_has_all_that_was_acknowledged() {
    let mut primary = primary();
    for round in 1..=2 {
        let mut standby = Standby::of(&primary, Replication::Synchronous).unwrap();
        let refused = standby.server().ask("postgres", INSERT).unwrap_err();
        assert!(refused.to_string().contains("read-only transaction"), "{refused}");
        for _ in 0..10 {
            primary.ask("postgres", INSERT).unwrap();
        }
        primary.kill().unwrap();
        primary = standby.promote().unwrap();
        assert_eq!(count(&primary), (10 * round).to_string());
        // Nobody to wait for.
        primary.ask("postgres", "INSERT INTO t VALUES (-1); DELETE FROM t WHERE n = -1").unwrap();
    }
}

#[test]
fn a_primary_waits_for_a_synchronous_standby_that_is_paused() {
    let primary = primary();
    let mut standby = Standby::of(&primary, Replication::Synchronous).unwrap();
    standby.server().pause().unwrap();
    thread::scope(|scope| {
        let write = scope.spawn(|| primary.ask("postgres", INSERT).unwrap());
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        within("a commit waits", || primary.ask("postgres", waiting).unwrap() == "1");
        assert!(!write.is_finished());
        standby.server().resume().unwrap();
        write.join().unwrap();
    });
    assert_eq!(count(&primary), "1");
}

#[test]
fn an_asynchronous_standby_loses_what_had_not_reached_it() {
    let mut primary = primary();
    let mut standby = Standby::of(&primary, Replication::Asynchronous).unwrap();
    primary.ask("postgres", INSERT).unwrap();
    within("it is repeated", || count(standby.server()) == "1");
    standby.cut_off().unwrap();
    primary.ask("postgres", INSERT).unwrap();
    assert_eq!(count(&primary), "2");
    primary.kill().unwrap();
    let standby = standby.promote().unwrap();
    assert_eq!(count(&standby), "1");
    standby.ask("postgres", INSERT).unwrap();
}
