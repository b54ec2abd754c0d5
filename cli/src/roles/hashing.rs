//! How passwords are hashed here, and how many sign-ups are in hand for it.

use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use futures_util::future::try_join_all;
use signup::{Cost, Hasher};
use tokio::time::timeout;
use tracing::debug;

/// How long a sign-up may wait for its hash, and a hash take.
const LIMIT: Duration = Hasher::TURN;
/// Sign-ups that are in hand for each core: one is hashed, and while the others wait, those before them are committed
/// together.
const IN_HAND: usize = 8;
/// As many at least, however long a hash takes: a core that has hashed one begins the next.
const IN_HAND_AT_LEAST: usize = 2;

/// What hashes, and how many sign-ups it has in hand.
pub(super) struct Hashing {
    pub(super) hasher: Arc<Hasher>,
    pub(super) slots: usize,
}

impl Hashing {
    /// One hash for each core at a time, and so many sign-ups in hand that all are hashed in time.
    ///
    /// # Errors
    /// If a hash takes too long here.
    pub(super) async fn at(cost: &Cost) -> anyhow::Result<Self> {
        let cores = cores();
        let hasher = Hasher::new(cost.clone(), cores);
        // On all cores at once, as when it is wanted: they share the memory.
        let trials = try_join_all((0..cores).map(|_| hasher.trial()));
        let Ok(took) = timeout(LIMIT, trials).await else {
            bail!("one hash of {cost} takes longer than {LIMIT:?} here; give a cheaper --argon2")
        };
        let took = took.map_err(anyhow::Error::msg)?.into_iter().max().unwrap_or_default();
        let slots = in_hand(took) * cores;
        debug!(hash = ?took, slots, "one password hash");
        Ok(Self { hasher: Arc::new(hasher), slots })
    }
}

/// What passwords are verified with where sign-ups are hashed too: with turns of its own, as many at once as there are
/// cores, so that no backlog of sign-ups keeps anybody from signing in.
pub(super) fn of_sign_ins(cost: &Cost) -> Arc<Hasher> {
    Arc::new(Hasher::of_sign_ins(cost.clone(), cores()))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// How many are in hand for each core, where a hash takes so long.
fn in_hand(hash: Duration) -> usize {
    let in_time = LIMIT.as_nanos() / hash.as_nanos().max(1);
    usize::try_from(in_time).unwrap_or(IN_HAND).clamp(IN_HAND_AT_LEAST, IN_HAND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_a_hash_takes_the_fewer_are_in_hand() {
        let in_hand = |millis| in_hand(Duration::from_millis(millis));
        assert_eq!([0, 20, 300, 500, 1000, 2500].map(in_hand), [8, 8, 8, 5, 2, 2]);
    }
}
