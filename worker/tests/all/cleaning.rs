//! What hints leave behind.

use saga::{Active, Advanced, OsRandom, SagaId, State, SystemClock, Taker};
use servers::{Redis, RedisOptions};
use signup::FIRST_STEP;
use tokio::time::Instant;

use crate::process::Process;
use crate::wait::until;
use crate::world::World;

#[tokio::test]
async fn as_many_keys_are_left_after_many_sign_ups_as_after_few() {
    let (server, world) = (Redis::start(&RedisOptions::default()).unwrap(), World::of_hints_alone());
    let (api, worker) = (Process::api(&server.url()), Process::worker(&world, &server.url()));
    until("both are in touch with Redis", || api.is_well() && worker.is_well()).await;
    let mut kept = Vec::new();
    for how_many in [1, 1_000] {
        let mut sagas = Vec::new();
        for number in 0..how_many {
            sagas.push(world.sign_up(&*api.listener).await);
            if number % 50 == 0 {
                world.completed(&sagas).await;
            }
        }
        world.completed(&sagas).await;
        let over = || {
            let left = |part: &str| server.command(&["EXISTS", &format!("signup-1-create_user:{part}")]).unwrap();
            ["data", "done", "dead", "active", "scheduled"].iter().all(|part| left(part).number() == Some(0))
        };
        until("nothing is left of the hints", over).await;
        kept.push(server.keys().unwrap());
    }
    println!("{kept:?} keys");
    assert_eq!(kept[0], kept[1]);
    let mortal = server.command(&["EVAL", MORTAL, "0"]).unwrap();
    assert_eq!(mortal.number(), Some(4), "what is noted of workers has an end");
    worker.stop().await;
    api.stop().await;
}

#[tokio::test]
async fn thirty_thousand_hints_leave_no_more_behind_than_three_thousand() {
    let (server, world) = (Redis::start(&RedisOptions::default()).unwrap(), World::of_hints_alone());
    let (api, worker) = (Process::api(&server.url()), Process::worker(&world, &server.url()));
    until("both are in touch with Redis", || api.is_well() && worker.is_well()).await;
    let (mut left, begun) = (Vec::new(), Instant::now());
    for how_many in [3_000, 30_000] {
        while api.redis.counts().pushed < how_many {
            // Nobody knows these sagas.
            let saga = SagaId::new(&SystemClock, &OsRandom);
            let news = Advanced::to(saga, State::Active(Active::Running(FIRST_STEP)));
            until("there is room for a hint", || api.listener.will_tell(&FIRST_STEP)).await;
            api.listener.advanced(&Advanced { taker: Taker::Told, ..news });
            tokio::task::yield_now().await;
        }
        until("all are heard", || worker.redis.counts().heard == api.redis.counts().pushed).await;
        let over = || server.command(&["EXISTS", "signup-1-create_user:data"]).unwrap().number() == Some(0);
        until("nothing is left of them", over).await;
        let memory: u64 = server.info("memory").unwrap()["used_memory"].parse().unwrap();
        left.push((how_many, server.keys().unwrap(), memory));
    }
    println!("hints, keys, bytes: {left:?} in {:?}", begun.elapsed());
    assert_eq!(left[0].1, left[1].1);
    assert!(left[1].2 < left[0].2 + 500_000);
    worker.stop().await;
    api.stop().await;
}

/// How many of the workers' notes expire.
const MORTAL: &str = "local mortal = 0
for _, key in ipairs(redis.call('KEYS', '*:workers:metadata:*')) do
    if redis.call('TTL', key) > 0 then mortal = mortal + 1 end
end
return mortal";
