//! The count of all processes, on a real Redis.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use limits::{Bucket, Decision, Limiter, Quota, Server};
use servers::{Redis, RedisOptions};

const ADDRESS: Quota = Quota { name: "address", limit: 5, window: Duration::from_mins(1) };
const EMAIL: Quota = Quota { name: "email", limit: 2, window: Duration::from_hours(1) };

fn address(whose: u128) -> Bucket {
    Bucket { quota: ADDRESS, whose }
}

fn server() -> Redis {
    Redis::start(&RedisOptions::default()).unwrap()
}

/// Several processes that count together.
fn processes(redis: &Redis, count: usize) -> Vec<Arc<Limiter>> {
    (0..count)
        .map(|_| Arc::new(Limiter::new(Some(Arc::new(Server::open(&redis.url(), "each counts alone").unwrap())))))
        .collect()
}

fn left(decision: &Decision) -> Vec<u32> {
    decision.standings.iter().map(|standing| standing.left).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_ask_at_once_exactly_five_are_allowed() {
    let redis = server();
    let processes = processes(&redis, 3);
    for whose in 0..20 {
        let asking = (0..64).map(|number| {
            let process = Arc::clone(&processes[number % processes.len()]);
            tokio::spawn(async move { process.take(&[address(whose)]).await.0 })
        });
        let decisions: Vec<_> = join_all(asking).await.into_iter().map(Result::unwrap).collect();
        let allowed: Vec<_> = decisions.iter().filter(|decision| decision.allowed).collect();
        assert_eq!(allowed.len(), 5);
        let mut lefts: Vec<_> = allowed.iter().flat_map(|decision| left(decision)).collect();
        lefts.sort_unstable();
        assert_eq!(lefts, [0, 1, 2, 3, 4]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_is_told_when_to_come_again_and_takes_from_no_bucket() {
    let redis = server();
    let [one, other] = <[_; 2]>::try_from(processes(&redis, 2)).unwrap();
    let email = Bucket { quota: EMAIL, whose: 7 };
    for whose in [1, 2] {
        assert!(one.take(&[address(whose), email]).await.0.allowed);
    }
    let refused = other.take(&[address(3), email]).await.0;
    assert!(!refused.allowed);
    assert_eq!(left(&refused), [5, 0]);
    let retry = refused.retry_after();
    assert!(retry <= EMAIL.window && retry + Duration::from_secs(10) > EMAIL.window, "{retry:?}");
    assert_eq!(left(&other.take(&[address(3)]).await.0), [4], "it had taken nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_slides_by_the_servers_clock_and_leaves_nothing_behind() {
    let redis = server();
    let process = processes(&redis, 1).remove(0);
    let short = Quota { name: "short", limit: 2, window: Duration::from_millis(400) };
    let bucket = [Bucket { quota: short, whose: 1 }];
    assert!(process.take(&bucket).await.0.allowed && process.take(&bucket).await.0.allowed);
    let mut refused = 0;
    let decision = loop {
        let decision = process.take(&bucket).await.0;
        if decision.allowed {
            break decision;
        }
        refused += 1;
        tokio::time::sleep(decision.retry_after()).await;
    };
    assert!((1..=3).contains(&refused), "{refused}: it is allowed when that was said, or the next moment");
    assert!(decision.standings[0].left <= 1);
    let key = format!("signup:limit:short:{:032x}", 1);
    let ttl = redis.command(&["PTTL", &key]).unwrap().number().unwrap();
    assert!((1..=400).contains(&ttl), "{ttl}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_each_process_counts_alone_and_none_is_open() {
    let mut redis = server();
    let processes = processes(&redis, 2);
    for process in &processes {
        assert!(process.take(&[address(1)]).await.0.allowed);
    }
    redis.kill().unwrap();
    for process in &processes {
        let mut allowed = 0;
        for _ in 0..20 {
            allowed += usize::from(process.take(&[address(1)]).await.0.allowed);
        }
        assert_eq!(allowed, 4, "what was allowed before counts too");
    }
    redis.revive().unwrap();
    let mut refused_by_the_other = false;
    for whose in 100.. {
        // One process takes all that there is; the other knows of it once both count together again.
        for _ in 0..5 {
            processes[0].take(&[address(whose)]).await;
        }
        refused_by_the_other = !processes[1].take(&[address(whose)]).await.0.allowed;
        if refused_by_the_other || whose > 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(refused_by_the_other, "they do not count together again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_silent_holds_up_one_request_a_second() {
    let mut redis = server();
    let process = processes(&redis, 1).remove(0);
    assert!(process.take(&[address(1)]).await.0.allowed);
    redis.pause().unwrap();
    let begun = std::time::Instant::now();
    for whose in 0..50 {
        assert!(process.take(&[address(1000 + whose)]).await.0.allowed);
    }
    let took = begun.elapsed();
    redis.resume().unwrap();
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_knows_that_it_is_too_much_does_not_ask() {
    let redis = server();
    let process = processes(&redis, 1).remove(0);
    for _ in 0..5 {
        assert!(process.take(&[address(1)]).await.0.allowed);
    }
    let evaluated = || {
        let stats = redis.command(&["INFO", "commandstats"]).unwrap();
        let line = stats.text().unwrap().lines().find(|line| line.starts_with("cmdstat_evalsha:"));
        line.expect("it was asked").to_owned()
    };
    let before = evaluated();
    for _ in 0..100 {
        assert!(!process.take(&[address(1)]).await.0.allowed);
    }
    assert_eq!(evaluated(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_back_everybody_can_take_again() {
    let redis = server();
    let [one, other] = <[_; 2]>::try_from(processes(&redis, 2)).unwrap();
    let email = [Bucket { quota: EMAIL, whose: 7 }];
    let taken = one.take(&email).await.1.unwrap();
    assert!(other.take(&email).await.0.allowed);
    assert!(!other.take(&email).await.0.allowed);
    one.give_back(taken).await;
    assert!(other.take(&email).await.0.allowed);
    assert!(!one.take(&email).await.0.allowed);
}
