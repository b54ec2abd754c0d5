//! A private PostgreSQL.

use std::process::Command;
use std::thread;

use servers::{Durability, Postgres};

use crate::within;

#[test]
fn what_was_acknowledged_survives_the_death_of_its_processes() {
    for durability in [Durability::None, Durability::Full] {
        let mut server = Postgres::start(durability).unwrap();
        server.ask("postgres", "CREATE TABLE t (n integer)").unwrap();
        for n in 1..=3 {
            server.ask("postgres", &format!("INSERT INTO t VALUES ({n})")).unwrap();
            server.kill().unwrap();
            server.ask("postgres", "SELECT 1").unwrap_err();
            server.revive().unwrap();
            assert_eq!(
                server.ask("postgres", "SELECT count(*), sum(n) FROM t").unwrap(),
                format!("{n}|{}", n * (n + 1) / 2)
            );
        }
    }
}

#[test]
fn paused_it_answers_afterwards_and_can_be_killed() {
    let mut server = Postgres::start(Durability::None).unwrap();
    // A connection of its own, at which the client waits for an answer.
    let url = server.url("postgres");
    let question = move || Command::new("psql").args([&*url, "-Atc", "SELECT pg_sleep(1), 'there'"]).output().unwrap();
    let question = thread::spawn(question);
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    within("it is asked", || server.ask("postgres", asleep).unwrap() == "1");
    server.pause().unwrap();
    assert!(!question.is_finished());
    server.resume().unwrap();
    assert_eq!(question.join().unwrap().stdout, b"|there\n");
    server.pause().unwrap();
    server.kill().unwrap();
    server.revive().unwrap();
    assert_eq!(server.ask("postgres", "SELECT 1").unwrap(), "1");
    server.pause().unwrap();
}
