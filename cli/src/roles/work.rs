//! The workers of a process, and what they run.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use ::worker::{Slots, Wakes, Workers};
use anyhow::bail;
use saga::{Engine, Listener};
use signup::{Cost, Hasher, SignUp, Unsealer};
use tracing::debug;

use super::parts::Parts;
use super::seams;

/// How long one hash may take: half of a step's time, since two may share a core.
const SLOWEST_HASH: Duration = Duration::from_millis(2500);
/// How many jobs of a step that only waits for the database run at a time.
const SLOTS: usize = 32;

/// A hasher whose hashes leave a step time enough.
pub(super) async fn hasher(cost: &Cost) -> anyhow::Result<Arc<Hasher>> {
    let hasher = Hasher::new(cost.clone(), cores());
    let took = tokio::time::timeout(SLOWEST_HASH, hasher.trial()).await;
    match took {
        Ok(took) => debug!(hash = ?took.map_err(anyhow::Error::msg)?, "one password hash"),
        Err(_) => {
            bail!("one hash of {cost} takes longer than {SLOWEST_HASH:?} here; give a cheaper --argon2")
        }
    }
    Ok(Arc::new(hasher))
}

/// The workers. `listener` is told of sagas that advance, `wakes` are among those who hear of it.
pub(super) fn workers(
    parts: &Parts<'_>,
    (unsealer, hasher): (Unsealer, Arc<Hasher>),
    listener: Arc<dyn Listener>,
    wakes: Arc<Wakes>,
) -> anyhow::Result<Workers<SignUp>> {
    let (store, random, policy) = (Arc::clone(&parts.store), Arc::clone(&parts.random), seams::policy());
    let definition = seams::definition(unsealer, hasher);
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
        slots: Slots { first: 2 * cores(), each: SLOTS },
        fleet: Arc::clone(&parts.database.fleet),
        process: parts.process.clone(),
    })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
