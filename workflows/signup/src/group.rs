//! Group commit: while many wait to be hashed, those who have been are committed together.
//!
//! One statement and one sync of the disk then serve several, and leave the cores to the hashes that they wait for.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::Hasher;

/// A round is as many hashes as run at a time: so many rounds are a group.
const ROUNDS: usize = 3;
/// So many rounds waiting are a crowd.
const CROWD: usize = 2;
/// How long somebody waits for others at most.
const LONGEST: Duration = Duration::from_millis(100);

/// Those who have been hashed, and wait for each other.
#[derive(Debug, Default)]
pub(crate) struct Group {
    members: AtomicUsize,
    goes: Notify,
}

impl Group {
    /// Waits until as many have come as [`ROUNDS`] of hashes bring, while at least [`CROWD`] rounds wait for their turn.
    /// Whoever finds fewer takes along those who have come: nobody waits for hashes that nobody wants.
    ///
    /// # Cancel safety
    /// Dropping the future lets the others go sooner, if anything.
    pub(crate) async fn gather(&self, hasher: &Hasher) {
        let mut goes = pin!(self.goes.notified());
        goes.as_mut().enable();
        let members = self.members.fetch_add(1, Ordering::AcqRel) + 1;
        let (is_full, is_crowded) =
            (members >= ROUNDS * hasher.at_once(), hasher.waiting() >= CROWD * hasher.at_once());
        if !is_full && is_crowded && timeout(LONGEST, goes).await.is_ok() {
            return;
        }
        self.members.store(0, Ordering::Release);
        self.goes.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::Instant;

    use super::*;
    use crate::Cost;

    /// When so many who come one after the other go on, from the first one's coming.
    async fn gathered(group: &Arc<Group>, hasher: &Arc<Hasher>, members: usize) -> Vec<Duration> {
        let begun = Instant::now();
        let mut gathering = Vec::new();
        for _ in 0..members {
            let (group, hasher) = (Arc::clone(group), Arc::clone(hasher));
            gathering.push(tokio::spawn(async move {
                group.gather(&hasher).await;
                begun.elapsed()
            }));
            tokio::task::yield_now().await;
        }
        futures_util::future::join_all(gathering).await.into_iter().map(Result::unwrap).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_where_few_do() {
        let (group, hasher) = (Arc::default(), Arc::new(Hasher::new(Cost::default(), 1)));
        assert_eq!(gathered(&group, &hasher, 2).await, [Duration::ZERO; 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn in_a_crowd_a_group_goes_when_it_is_full() {
        let (group, hasher) = (Arc::default(), Hasher::crowded(2 * CROWD).await);
        assert_eq!(gathered(&group, &hasher, ROUNDS).await, [Duration::ZERO; ROUNDS]);
        assert_eq!(gathered(&group, &hasher, ROUNDS).await, [Duration::ZERO; ROUNDS], "and so does the next");
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_that_does_not_fill_goes_all_the_same() {
        let (group, hasher) = (Arc::default(), Hasher::crowded(2 * CROWD).await);
        assert_eq!(gathered(&group, &hasher, ROUNDS - 1).await, [LONGEST; ROUNDS - 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_finds_the_crowd_gone_takes_the_others_along() {
        let (group, hasher, idle) =
            (Arc::new(Group::default()), Hasher::crowded(2 * CROWD).await, Hasher::new(Cost::default(), 1));
        let waits = tokio::spawn({
            let (group, hasher) = (Arc::clone(&group), Arc::clone(&hasher));
            async move { group.gather(&hasher).await }
        });
        tokio::task::yield_now().await;
        let begun = Instant::now();
        group.gather(&idle).await;
        waits.await.unwrap();
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
