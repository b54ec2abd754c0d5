//! Hints that nobody needs, in Redis.

use servers::Redis;

use super::book::Book;
use super::world::World;
use crate::plant;

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
        let wanted = sagas.iter().map(|saga| format!(r#"{{"saga":"{saga}","step":"{}"}}"#, step.as_str()));
        let payloads = wanted.chain(FOREIGN.map(str::to_owned)).flat_map(|payload| vec![payload; COPIES]);
        let hint = |(number, payload)| (format!("'flood-{accepted}-{number}'"), format!("'{payload}'"));
        let hints: Vec<_> = payloads.enumerate().map(hint).collect();
        let flood = move |redis: &mut Redis| {
            plant(redis, step.as_str(), &hints)?;
            redis.command(&["PUBLISH", "signup-1-wakes", step.as_str()]).map(drop)
        };
        // Redis may be away too: then there is nothing to flood.
        let _ = world.redis.tell(flood).await;
    }
}
