//! Hints that nobody needs, in Redis.

use super::book::Book;
use super::world::World;

/// What apalis-redis has to know of a hint.
const NOTE: &str = "'attempts', 0, 'max_attempts', 25, 'status', 'Pending', 'idempotency_key', ''";
/// Of so many sign-ups, the latest.
const SIGN_UPS: usize = 20;
/// So often each.
const COPIES: usize = 10;
/// What makes no sense.
const FOREIGN: [&str; 3] = ["not json", r#"{"job":"of another program"}"#, ""];

/// Tells the workers of each step, many times over, of sign-ups that may be anywhere, and of things that are none.
pub(super) async fn flood(world: &World, book: &Book) {
    let sagas: Vec<_> = (0..SIGN_UPS).filter_map(|back| book.latest(back)).collect();
    let accepted = book.accepted();
    for step in signup::STEPS {
        let queue = format!("signup-1-{}", step.as_str());
        let wanted = sagas.iter().map(|saga| format!(r#"{{"saga":"{saga}","step":"{}"}}"#, step.as_str()));
        let payloads = wanted.chain(FOREIGN.map(str::to_owned)).flat_map(|payload| vec![payload; COPIES]);
        let script: String =
            payloads.enumerate().map(|(number, payload)| put(&queue, accepted, number, &payload)).collect();
        let wake = format!("redis.call('PUBLISH', 'signup-1-wakes', '{}')", step.as_str());
        let script = script + &wake;
        // Redis may be away too: then there is nothing to flood.
        let _ = world.redis.tell(move |redis| redis.command(&["EVAL", &script, "0"]).map(drop)).await;
    }
}

fn put(queue: &str, accepted: usize, number: usize, payload: &str) -> String {
    let id = format!("'flood-{accepted}-{number}'");
    format!(
        "redis.call('HSET', '{queue}:data', {id}, '{payload}') redis.call('HSET', '{queue}:meta:' .. {id}, {NOTE}) \
         redis.call('RPUSH', '{queue}:active', {id}) "
    )
}
