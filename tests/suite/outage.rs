//! The database is away for long.

use servers::{Pattern, Postgres as Machine, Proxy};
use tests::{Cluster, Member};
use tokio::time::{Duration, Instant, sleep};

use crate::cluster::{Fragile, stop};
use crate::load::{Load, Rota, accepted};
use crate::site::{Site, check};
use crate::{BUSY, how_many};

async fn processes(site: &Fragile) -> Vec<Member> {
    let mut members = Vec::new();
    for (role, name) in [("api", "api-1"), ("api", "api-2"), ("worker", "worker-1"), ("worker", "worker-2")] {
        members.push(site.cluster.start(role, name).await.unwrap());
    }
    members
}

/// What the processes of a cluster ask of the database before they are ready.
const ASKED: [(&str, &str); 5] = [
    ("api", "key_checks"),
    ("worker", "key_checks"),
    ("api", "FROM operators"),
    ("serve", "key_checks"),
    ("serve", "FROM operators"),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_process_starts_though_the_database_goes_away_meanwhile() {
    let site = Site::with_database().await;
    let way = Proxy::to(Machine::shared().port()).unwrap();
    let cluster = Cluster::on(&way.url(&site.url)).await.unwrap();
    cluster.migrate().await.unwrap();
    let data = cluster.folder().join("data").display().to_string();
    for (number, (role, asks)) in ASKED.into_iter().enumerate() {
        way.cut_before(Pattern::statement(asks));
        let member =
            cluster.start_with(role, &format!("{role}-{number}"), &[("SIGNUP_DATA_DIR", &data)]).await.unwrap();
        assert_eq!(way.sprung(), number as u64 + 1, "{role} asks no {asks}");
        let log = member.log().unwrap();
        assert!(log.contains("waiting for the database"), "{log}");
        stop([member]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_all_are_put_off_at_once_and_then_all_goes_on() {
    let _quiet = BUSY.write().await;
    let away = Duration::from_secs(how_many("AWAY", 10).try_into().unwrap());
    let mut site = Fragile::start().await;
    let members = processes(&site).await;
    let clients = [members[0].client().await.unwrap(), members[1].client().await.unwrap()];
    let load = Load::begin(6, &Rota::to(clients));
    load.goes_on(50).await;
    site.kill();
    let gone = Instant::now();
    // It is not waited for: this is how long the fault lasts.
    sleep(away).await;
    let back = Instant::now();
    site.revive().await;
    let took = load.goes_on(1).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    load.goes_on(50).await;

    let story = load.end().await;
    let meanwhile = story.iter().filter(|sent| gone <= sent.at && sent.at + sent.took < back);
    let meanwhile: Vec<_> = meanwhile.collect();
    let slowest = meanwhile.iter().map(|sent| sent.took).max().unwrap();
    println!("{} put off, the slowest answer {slowest:?}; accepted again after {took:?}", meanwhile.len());
    assert!(meanwhile.len() > 20 && meanwhile.iter().all(|sent| sent.is_put_off()), "{meanwhile:?}");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    let facts = check(&site.cluster.url).await;
    assert_eq!(facts.users.len(), accepted(&story).len());
    assert_eq!(facts.sagas.len(), facts.users.len());
    stop(members).await;
}
