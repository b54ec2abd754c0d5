//! The workers of a process, and what they run.

use std::sync::Arc;

use ::worker::{Slots, Wakes, Workers};
use saga::{Engine, Listener};
use signup::{SignUp, Unsealer};

use super::hashing::Hashing;
use super::parts::Parts;
use super::seams;

/// How many jobs of a step that only waits for the database run at a time.
const SLOTS: usize = 32;

/// The workers. `listener` is told of sagas that advance, `wakes` are among those who hear of it.
pub(super) fn workers(
    parts: &Parts<'_>,
    (unsealer, hashing): (Unsealer, Hashing),
    listener: Arc<dyn Listener>,
    wakes: Arc<Wakes>,
) -> anyhow::Result<Workers<SignUp>> {
    let (store, random, policy) = (Arc::clone(&parts.store), Arc::clone(&parts.random), seams::policy());
    let definition = seams::definition(unsealer, hashing.hasher);
    policy.check(&definition)?;
    let name = parts.process.name.clone();
    let engine = Engine::new(definition, Arc::clone(&store), listener, Arc::clone(&random), policy, name);
    Ok(Workers {
        engine: Arc::new(engine),
        store,
        wakes,
        redis: None,
        random,
        policy,
        slots: Slots { first: hashing.slots, each: SLOTS },
        fleet: Arc::clone(&parts.database.fleet),
        process: parts.process.clone(),
    })
}
