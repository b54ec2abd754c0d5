//! A primary is lost, and its standby takes its place.

use std::collections::BTreeSet;

use auditor::facts::Facts;
use futures_util::future::join_all;
use saga::{End, State};
use servers::{Postgres, Redis, RedisOptions, Replication};
use tests::{Client, Cluster, Member, eventually};
use tokio::task::block_in_place;
use tokio::time::{Duration, Instant};

use crate::cluster::{readiness, stop};
use crate::embedded::ended;
use crate::load::{Load, Rota, accepted};
use crate::pair::{Loss, Pair};
use crate::site::check;
use crate::{BUSY, how_many};

/// Two APIs and two workers on a pair.
struct Stage {
    pair: Pair,
    members: Vec<Member>,
    clients: Vec<Client>,
    _redis: Redis,
    /// Where the logs are.
    _cluster: Cluster,
}

impl Stage {
    async fn set(replication: Replication) -> Self {
        let redis = block_in_place(|| Redis::start(&RedisOptions::default())).unwrap();
        let pair = block_in_place(|| Pair::start(replication));
        let cluster = Cluster::with_redis(&pair.urls(), &redis.url()).await.unwrap();
        cluster.migrate().await.unwrap();
        let mut members = Vec::new();
        for (role, name) in [("api", "api-1"), ("api", "api-2"), ("worker", "worker-1"), ("worker", "worker-2")] {
            members.push(cluster.start(role, name).await.unwrap());
        }
        let clients = vec![members[0].client().await.unwrap(), members[1].client().await.unwrap()];
        Self { pair, members, clients, _redis: redis, _cluster: cluster }
    }

    /// Every process has found out that there is nobody but a standby, which answers.
    async fn nobody_takes_writes(&self) {
        let noticed = self.members.iter().map(async |member| {
            let client = member.client().await.unwrap();
            let away = || async { (readiness(&client).await == (503, "database".to_owned())).then_some(()) };
            eventually("it is not ready", away).await.unwrap();
        });
        join_all(noticed).await;
    }
}

/// Says what docs/operations.md lets operators ask: and that it finds something where there is.
fn nothing_is_there_by_halves(primary: &Postgres) {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/operations.md")).unwrap();
    let query = page.split("```sql").nth(1).unwrap().split("```").next().unwrap();
    let ask = |sql: &str| block_in_place(|| primary.ask("postgres", sql)).unwrap();
    assert_eq!(ask(query), "");
    let one = "ctid = (SELECT min(ctid) FROM";
    let harms = [
        format!("DELETE FROM claims WHERE {one} claims)"),
        format!("UPDATE users SET status = 'provisional' WHERE {one} users)"),
    ];
    for harm in harms {
        let found = ask(&format!("BEGIN; {harm}; {query}; ROLLBACK"));
        assert_eq!(found.lines().count(), 1, "{harm}: {found}");
    }
    assert_eq!(ask(query), "");
}

/// The ids of sign-ups that have completed.
fn completed(facts: &Facts) -> BTreeSet<String> {
    let done = facts.sagas.iter().filter(|saga| saga.state == State::Ended(End::Completed));
    done.map(|saga| saga.id.to_string()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_synchronous_standby_the_loss_of_the_primary_loses_no_sign_up() {
    let _quiet = BUSY.write().await;
    let mut stage = Stage::set(Replication::Synchronous).await;
    for member in &stage.members {
        // The standby was asked first.
        member.says("another server takes the writes now").await.unwrap();
    }
    let load = Load::begin(6, &Rota::to(stage.clients.clone()));
    for round in 1..=how_many("FAIL_OVERS", 2) {
        load.goes_on(50).await;
        let (loss, begun) = (if round % 2 == 1 { Loss::Killed } else { Loss::CutOff }, Instant::now());
        stage.pair.lose_the_primary(loss);
        stage.nobody_takes_writes().await;
        let noticed = begun.elapsed();
        block_in_place(|| stage.pair.promote());
        let took = load.goes_on(1).await;
        println!("round {round}: {loss:?}, noticed in {noticed:?}; sign-ups again {took:?} after the promotion");
        assert!(took < Duration::from_secs(5), "{took:?}");
        block_in_place(|| stage.pair.follow());
    }
    let story = load.end().await;
    let strange: Vec<_> = story.iter().filter(|sent| sent.id().is_none() && !sent.is_put_off()).collect();
    assert!(strange.is_empty(), "{strange:?}");
    let slowest = story.iter().map(|sent| sent.took).max().unwrap();
    assert!(slowest < Duration::from_secs(7), "{slowest:?}");
    let facts = check(&stage.pair.primary.url("postgres")).await;
    println!("{} sign-ups, {} put off, the slowest answer {slowest:?}", accepted(&story).len(), {
        story.iter().filter(|sent| sent.is_put_off()).count()
    });
    assert_eq!(completed(&facts), accepted(&story).into_iter().map(str::to_owned).collect());
    stop(stage.members).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_asynchronous_standby_lacks_is_gone_and_nothing_is_left_by_halves() {
    let _busy = BUSY.read().await;
    let mut stage = Stage::set(Replication::Asynchronous).await;
    let load = Load::begin(6, &Rota::to(stage.clients.clone()));
    load.goes_on(50).await;
    block_in_place(|| stage.pair.standby.as_ref().unwrap().cut_off()).unwrap();
    load.goes_on(50).await;
    stage.pair.lose_the_primary(Loss::Killed);
    stage.nobody_takes_writes().await;
    block_in_place(|| stage.pair.promote());
    load.goes_on(50).await;
    let story = load.end().await;
    let facts = check(&stage.pair.primary.url("postgres")).await;
    nothing_is_there_by_halves(&stage.pair.primary);
    let there = completed(&facts);
    let lost: Vec<_> = story.iter().filter(|sent| sent.id().is_some_and(|id| !there.contains(id))).collect();
    println!("of {} sign-ups that were accepted {} are gone", accepted(&story).len(), lost.len());
    assert!(lost.len() >= 50 && !there.is_empty(), "{}", lost.len());
    assert_eq!(facts.sagas.len(), there.len());
    assert_eq!(there.len() + lost.len(), accepted(&story).len());
    // Nobody knows of them, so they may sign up again.
    let (client, first) = (&stage.clients[0], lost[0]);
    assert_eq!(client.get(&format!("/v1/signups/{}", first.id().unwrap())).await.unwrap().status, 404);
    let again = client.sign_up(&first.email, "Ada", 0).await.unwrap();
    assert_eq!(ended(client, again.text("workflow_id")).await.text("status"), "completed");
    stop(stage.members).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_synchronous_standby_is_silent_nothing_is_acknowledged_and_then_all_goes_on() {
    let _busy = BUSY.read().await;
    let mut stage = Stage::set(Replication::Synchronous).await;
    let load = Load::begin(6, &Rota::to(stage.clients.clone()));
    load.goes_on(50).await;
    stage.pair.standby.as_mut().unwrap().server().pause().unwrap();
    let silent = Instant::now();
    let put_off = || async { (load.put_off_since(silent) >= 3).then_some(()) };
    eventually("all are put off", put_off).await.unwrap();
    let resumed = Instant::now();
    stage.pair.standby.as_mut().unwrap().server().resume().unwrap();
    let took = load.goes_on(1).await;
    assert!(took < Duration::from_secs(5), "{took:?}");
    let story = load.end().await;
    let meanwhile: Vec<_> = story.iter().filter(|sent| silent < sent.at && sent.at + sent.took < resumed).collect();
    let slowest = meanwhile.iter().map(|sent| sent.took).max().unwrap();
    println!(
        "{} put off in {:?}, the slowest answer {slowest:?}; accepted again after {took:?}",
        meanwhile.len(),
        resumed - silent
    );
    assert!(meanwhile.iter().all(|sent| sent.is_put_off()), "{meanwhile:?}");
    assert!(slowest < Duration::from_secs(8), "{slowest:?}");
    let facts = check(&stage.pair.primary.url("postgres")).await;
    assert_eq!(completed(&facts), accepted(&story).into_iter().map(str::to_owned).collect());
    stop(stage.members).await;
}
