//! Hints that are not what they should be.

use saga::{OsRandom, SagaId, SystemClock};
use servers::{Redis, RedisOptions};
use signup::FIRST_STEP;

use crate::process::Process;
use crate::wait::until;
use crate::world::World;

const QUEUE: &str = "signup-1-create_user";

/// Puts an id in the queue; its payload and what is noted of it, if any, are as Lua has them.
fn plant(server: &Redis, id: &str, payload: &str, note: &str) {
    let set = |key: &str, values: &str| {
        if values.is_empty() { String::new() } else { format!("redis.call('HSET', {key}, {values}) ") }
    };
    let data = if payload.is_empty() { String::new() } else { format!("{id}, {payload}") };
    let script = set(&format!("'{QUEUE}:data'"), &data)
        + &set(&format!("'{QUEUE}:meta:' .. {id}"), note)
        + &format!("redis.call('RPUSH', '{QUEUE}:active', {id})");
    server.command(&["EVAL", &script, "0"]).unwrap();
}

const NOTE: &str = "'attempts', 0, 'max_attempts', 25, 'status', 'Pending', 'idempotency_key', ''";

fn hint(saga: SagaId, step: &str) -> String {
    format!(r#"'{{"saga":"{saga}","step":"{step}"}}'"#)
}

#[tokio::test]
async fn whatever_lies_in_a_queue_ends_no_worker_and_moves_no_saga() {
    let (server, world) = (Redis::start(&RedisOptions::default()).unwrap(), World::of_hints_alone());
    let (api, worker) = (Process::api(&server.url()), Process::worker(&world, &server.url()));
    until("both are in touch with Redis", || api.is_well() && worker.is_well()).await;
    let ended = world.sign_up(&*api.listener).await;
    world.completed(&[ended]).await;
    let unknown = SagaId::new(&SystemClock, &OsRandom);
    let nonsense = [
        ("'a'", "'not json'".to_owned(), NOTE),
        ("'b'", "string.char(255, 0, 254, 10)".to_owned(), NOTE),
        ("'c'", r#"'{"job":"another program''s"}'"#.replace("''", " "), NOTE),
        ("'d'", "''".to_owned(), NOTE),
        ("'e'", String::new(), NOTE),
        ("'f'", String::new(), ""),
        ("'g'", "'x'".to_owned(), "'attempts', 'many', 'status', string.char(255)"),
        ("'h'", "'x'".to_owned(), "'status', 'Running'"),
        ("string.char(255, 254)", "'x'".to_owned(), NOTE),
        ("'i'", hint(unknown, FIRST_STEP.as_str()), NOTE),
        ("'j'", hint(ended, FIRST_STEP.as_str()), NOTE),
        ("'k'", hint(ended, "create_profile"), NOTE),
        ("'l'", hint(ended, "dance"), NOTE),
    ];
    for (id, payload, note) in &nonsense {
        plant(&server, id, payload, note);
    }
    let mut sagas = Vec::new();
    for _ in 0..20 {
        let saga = world.sign_up(&*api.listener).await;
        for copy in 0..10 {
            plant(&server, &format!("'{saga}-{copy}'"), &hint(saga, FIRST_STEP.as_str()), NOTE);
        }
        sagas.push(saga);
    }
    world.completed(&sagas).await;
    // All but the one whose id cannot be read.
    let all = 1 + nonsense.len() as u64 - 1 + 20 * 11;
    until("all of it is done with", || worker.redis.counts().heard == all).await;
    world.went_straight(&sagas).await;
    world.went_straight(&[ended]).await;
    let counts = worker.redis.counts();
    assert_eq!((counts.claimed, counts.foreign, counts.restarts), (21, 10, 0), "{counts:?}");
    assert!(worker.is_well());
    let left = |what: &str| server.command(&["EXISTS", &format!("{QUEUE}:{what}")]).unwrap().number();
    until("nothing is left of it", || [left("active"), left("done"), left("dead")] == [Some(0); 3]).await;
    // Its payload alone: it was never done with.
    assert_eq!(server.command(&["HLEN", &format!("{QUEUE}:data")]).unwrap().number(), Some(1));
    worker.stop().await;
    api.stop().await;
}
