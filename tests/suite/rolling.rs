//! A cluster whose processes are restarted, one after the other.

use servers::{Redis, RedisOptions};
use tests::{Client, Cluster, Member, eventually};
use tokio::task::block_in_place;

use crate::BUSY;
use crate::cluster::{HANGS_ONCE, readiness, stop};
use crate::load::{Load, Rota, accepted};
use crate::site::Site;

/// Stops a process, to which requests go until it says that it is not ready.
async fn leave(api: Member, client: &Client, rota: &Rota, other: &Client) {
    api.ask_to_stop().await.unwrap();
    let unready = || async { (readiness(client).await.0 == 503).then_some(()) };
    eventually("it is not ready", unready).await.unwrap();
    rota.are(&[other]);
    let mut api = api;
    let status = api.ended().await.unwrap();
    assert!(status.success(), "{status}: {}", api.log().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_restarted_loses_no_request_and_no_sign_up_waits_for_a_lease() {
    let _busy = BUSY.read().await;
    let (site, redis) =
        (Site::with_database().await, block_in_place(|| Redis::start(&RedisOptions::default())).unwrap());
    let cluster = Cluster::with_redis(&site.url, &redis.url()).await.unwrap();
    cluster.migrate().await.unwrap();
    let mut apis = vec![cluster.start("api", "api-1").await.unwrap(), cluster.start("api", "api-2").await.unwrap()];
    let mut workers =
        vec![cluster.start("worker", "worker-1").await.unwrap(), cluster.start("worker", "worker-2").await.unwrap()];
    let mut clients = vec![apis[0].client().await.unwrap(), apis[1].client().await.unwrap()];
    let rota = Rota::to(clients.clone());
    let load = Load::begin(6, &rota);
    for old in 0..2 {
        // Steps that hang until their time is over: it has its hands full, and more than it has hands for.
        for number in 0..40 {
            let answer = clients[0].sign_up(&format!("slow{old}-{number}@example.com"), HANGS_ONCE, 0).await.unwrap();
            assert_eq!(answer.status, 202, "{answer:?}");
        }
        load.goes_on(50).await;
        stop([workers.remove(0)]).await;
        workers.push(cluster.start("worker", &format!("worker-{}", old + 3)).await.unwrap());
        load.goes_on(50).await;
    }
    for old in 0..2 {
        leave(apis.remove(0), &clients.remove(0), &rota, &clients[0]).await;
        apis.push(cluster.start("api", &format!("api-{}", old + 3)).await.unwrap());
        clients.push(apis[1].client().await.unwrap());
        rota.are(&[&clients[0], &clients[1]]);
        load.goes_on(50).await;
    }
    let story = load.end().await;
    println!("{} sign-ups, the slowest answer {:?}", story.len(), story.iter().map(|sent| sent.took).max());
    let failed: Vec<_> = story.iter().filter(|sent| sent.id().is_none()).collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(site.check().await.users.len(), accepted(&story).len() + 80);
    for number in 1..=4 {
        let log = std::fs::read_to_string(cluster.log(&format!("worker-{number}"))).unwrap();
        assert!(!log.contains("took over"), "{log}");
    }
    stop(apis.into_iter().chain(workers)).await;
}
