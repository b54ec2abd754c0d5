//! A process that is asked to stop.

use std::time::Duration;

use servers::{Redis, RedisOptions};
use tokio::time::Instant;

use crate::process::Process;
use crate::wait::until;
use crate::world::World;

#[tokio::test]
async fn another_process_goes_on_at_once_with_what_a_stopped_one_had_not_begun() {
    let (server, world) = (Redis::start(&RedisOptions::default()).unwrap(), World::of_hints_alone());
    let (api, first) = (Process::api(&server.url()), Process::worker(&world, &server.url()));
    until("both are in touch with Redis", || api.is_well() && first.is_well()).await;
    let mut sagas = Vec::new();
    for _ in 0..300 {
        sagas.push(world.sign_up(&*api.listener).await);
    }
    until("it is in the midst of it", || world.how_many_ended() > 10).await;
    let second = Process::worker(&world, &server.url());
    let begun = Instant::now();
    first.stop().await;
    println!("stopped within {:?}", begun.elapsed());
    world.completed(&sagas).await;
    world.went_straight(&sagas).await;
    // No lease had to run out.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    second.stop().await;
    api.stop().await;
}

#[tokio::test]
async fn a_stop_takes_seconds_at_most_where_redis_does_not_answer() {
    let (mut server, world) = (Redis::start(&RedisOptions::default()).unwrap(), World::with_ticks());
    let worker = Process::worker(&world, &server.url());
    until("it is in touch with Redis", || worker.is_well()).await;
    server.pause().unwrap();
    let begun = Instant::now();
    worker.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}
