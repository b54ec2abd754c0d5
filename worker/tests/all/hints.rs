//! What hints are for.

use std::sync::atomic::Ordering;
use std::time::Duration;

use saga::{Active, Advanced, OsRandom, SagaId, State, SystemClock, Taker};
use servers::{Redis, RedisOptions};
use signup::{FIRST_STEP, SignUp};
use tokio::time::Instant;
use worker::Slots;

use crate::process::{Process, definition};
use crate::wait::until;
use crate::world::World;

#[tokio::test]
async fn a_saga_that_one_process_accepts_is_run_by_another_at_once() {
    let (server, world) = (Redis::start(&RedisOptions::default()).unwrap(), World::of_hints_alone());
    let (api, worker) = (Process::api(&server.url()), Process::worker(&world, &server.url()));
    until("both are in touch with Redis", || api.is_well() && worker.is_well()).await;
    let mut hops = Vec::new();
    for _ in 0..50 {
        let begun = Instant::now();
        let saga = world.sign_up(&*api.listener).await;
        world.completed(&[saga]).await;
        hops.push(world.store.claimed_at(saga).unwrap() - begun);
        world.went_straight(&[saga]).await;
    }
    hops.sort();
    println!(
        "accepted to claimed in another process: median {:?}, 90 % {:?}, longest {:?}",
        hops[25], hops[45], hops[49]
    );
    let counts = worker.redis.counts();
    assert_eq!((counts.claimed, counts.foreign, counts.restarts), (50, 0, 0));
    assert_eq!(api.redis.counts().pushed, 50);
    worker.stop().await;
    api.stop().await;
}

#[tokio::test]
async fn hints_that_come_together_are_claimed_together() {
    let (server, world) = (Redis::start(&RedisOptions::default()).unwrap(), World::of_hints_alone());
    let slots = Slots { first: 32, each: 32 };
    let (api, worker) = (Process::api(&server.url()), Process::worker_with(&world, &server.url(), slots));
    until("both are in touch with Redis", || api.is_well() && worker.is_well()).await;
    *world.store.claims_take.lock().unwrap() = Duration::from_millis(20);
    let mut sagas = Vec::new();
    for _ in 0..200 {
        sagas.push(world.sign_up(&*api.listener).await);
    }
    world.completed(&sagas).await;
    world.went_straight(&sagas).await;
    let claims = world.store.told_claims.load(Ordering::Relaxed);
    println!("200 sagas in {claims} claims");
    assert!(claims <= 60, "{claims}");
    worker.stop().await;
    api.stop().await;
}

#[tokio::test]
async fn a_process_without_a_free_slot_leaves_hints_to_others() {
    let (server, world) = (Redis::start(&RedisOptions::default()).unwrap(), World::of_hints_alone());
    let (api, busy) =
        (Process::api(&server.url()), { Process::worker_with(&world, &server.url(), Slots { first: 1, each: 1 }) });
    until("both are in touch with Redis", || api.is_well() && busy.is_well()).await;
    let hanging = world.sign_up_as("sabotage create_user:hang", &*api.listener).await;
    until("it is at work", || world.store.claimed_at(hanging).is_some()).await;
    let idle = Process::worker(&world, &server.url());
    until("the other is in touch with Redis", || idle.is_well()).await;
    let mut sagas = Vec::new();
    for _ in 0..20 {
        sagas.push(world.sign_up(&*api.listener).await);
    }
    world.completed(&sagas).await;
    assert_eq!(busy.redis.counts().crowded + idle.redis.counts().crowded, 0);
    busy.stop().await;
    idle.stop().await;
    api.stop().await;
}

#[tokio::test]
async fn no_more_hints_wait_than_can_be_fetched_and_they_are_when_somebody_comes() {
    let (server, world) = (Redis::start(&RedisOptions::default()).unwrap(), World::of_hints_alone());
    let apis: Vec<_> = (0..10).map(|_| Process::api(&server.url())).collect();
    until("all are in touch with Redis", || apis.iter().all(Process::is_well)).await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        for api in &apis {
            while api.listener.will_tell(&FIRST_STEP) {
                let saga = SagaId::new(&SystemClock, &OsRandom);
                let news = Advanced::to(saga, State::Active(Active::Running(FIRST_STEP)));
                api.listener.advanced(&Advanced { taker: Taker::Told, ..news });
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let waiting = server.command(&["ZCARD", "signup-1-create_user:scheduled"]).unwrap().number().unwrap();
    println!("{waiting} hints wait");
    assert!((3_000..7_900).contains(&waiting), "{waiting}");
    let worker = Process::worker(&world, &server.url());
    let heard = || i64::try_from(worker.redis.counts().heard).unwrap() == waiting;
    until("all are heard", heard).await;
    assert_eq!(worker.redis.counts().restarts, 0);
    let saga = world.sign_up(&*worker.listener).await;
    until("there is room again", || apis[0].listener.will_tell(&FIRST_STEP)).await;
    world.sweep(true);
    world.completed(&[saga]).await;
}

#[tokio::test]
async fn a_url_is_refused_without_being_repeated_and_tls_is_spoken_where_it_says_so() {
    let open = |url: &str| worker::Redis::open::<SignUp>(url, &definition().outline(), std::sync::Arc::new(OsRandom));
    for url in ["", "canary", "http://:canary@localhost", "redis://:canary@localhost:port"] {
        let said = open(url).unwrap_err().to_string();
        assert!(!said.contains("canary"), "{said}");
    }
    let server = Redis::start(&RedisOptions::default()).unwrap();
    // It speaks no TLS: the two do not come together, and nothing else happens.
    let api = Process::api(&server.url().replace("redis://", "rediss://"));
    let why = || api.redis.health().trouble().unwrap().why;
    until("it is found out", || why() != "not reached yet").await;
    println!("{}", why());
    api.stop().await;
}
