//! More clients than the database lets in.

use servers::{Durability, Postgres as Machine};
use sqlx::{Connection, PgConnection};
use tests::{Cluster, Member, eventually};
use tokio::task::block_in_place;
use tokio::time::{Duration, Instant};

use super::journal::Journal;
use super::nothing_is_lost;
use crate::BUSY;
use crate::cluster::stop;
use crate::load::{Load, Rota};

/// Clients that the server lets in.
const ROOM: usize = 40;
/// Connections that a process may have.
const MOST: usize = 5;
const CONNECTIONS: &str = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'signup'";

/// Strangers who take every place that there is.
async fn strangers(url: &str) -> Vec<PgConnection> {
    let mut strangers = Vec::new();
    let refused = loop {
        match PgConnection::connect(url).await {
            Ok(stranger) => strangers.push(stranger),
            Err(error) => break error.to_string(),
        }
    };
    assert!(refused.contains("too many clients"), "{refused}");
    strangers
}

#[tokio::test(flavor = "multi_thread")]
async fn while_strangers_take_every_connection_nobody_crashes_and_all_come_in_when_there_is_room() {
    let _quiet = BUSY.write().await;
    let mut machine = block_in_place(|| Machine::start(Durability::None)).unwrap();
    let limit = format!("ALTER SYSTEM SET max_connections = {ROOM}");
    block_in_place(|| machine.ask("postgres", &limit).and_then(|_| machine.end()).and_then(|()| machine.revive()))
        .unwrap();
    let url = machine.url("postgres");
    let most = MOST.to_string();
    let cluster = Cluster::on(&url).await.unwrap().telling(&[("SIGNUP_DATABASE_CONNECTIONS", &*most)]);
    cluster.migrate().await.unwrap();
    let mut api = cluster.start("api", "api").await.unwrap();
    let mut journal = Journal::of(&url).await;
    let load = Load::begin(4, &Rota::to([api.client().await.unwrap()]));
    load.goes_on(20).await;

    // Who is connected stays so, and serves. Turned out, they come back as long as they find a place sooner than the
    // strangers do.
    let mut others = strangers(&url).await;
    let begun = Instant::now();
    while journal.count(Machine::TURN_OUT).await > 0 {
        assert!(begun.elapsed() < Duration::from_mins(1), "they come back again and again");
        others.extend(strangers(&url).await);
    }
    let (full, mut storm) = (Instant::now(), Vec::<Member>::new());
    for number in 0..6 {
        let role = if number < 2 { "api" } else { "worker" };
        storm.push(cluster.spawn(role, &format!("{role}-of-the-storm-{number}")).await.unwrap());
    }
    for member in &storm {
        member.says("too many clients").await.unwrap();
        member.says("waiting for the database").await.unwrap();
    }
    let put_off = || async { (load.put_off_since(full) > 8).then_some(()) };
    eventually("all are put off", put_off).await.unwrap();

    drop(others);
    let room = Instant::now();
    let again = load.goes_on(1).await;
    for member in &mut storm {
        member.says(" started").await.unwrap();
        assert!(member.has_ended().unwrap().is_none());
    }
    println!("accepted again after {again:?}; the storm was in after {:?}", room.elapsed());
    assert!(again < Duration::from_secs(5), "{again:?}");
    // Each tries again after 8 s at most.
    assert!(room.elapsed() < Duration::from_secs(10), "{:?}", room.elapsed());
    load.goes_on(100).await;
    let connected = usize::try_from(journal.count(CONNECTIONS).await).unwrap();
    assert!(connected <= 7 * MOST, "{connected}");
    let told = load.end().await;
    let slowest = told.iter().map(|sent| sent.took).max().unwrap();
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(api.has_ended().unwrap().is_none());
    nothing_is_lost(&url, &told).await;
    stop(storm.into_iter().chain([api])).await;
}
