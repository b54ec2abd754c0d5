//! Memory for hashing, kept between hashes while there is work.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::Block;
use tokio::runtime::Handle;

/// How long unused memory is kept.
pub(super) const IDLE: Duration = Duration::from_secs(10);

/// Memory of one size. Whoever needs another gets it too: it is made for them and freed after them, so that what is kept
/// is never more than was in use at a time, whatever hashes of other costs need.
pub(super) struct BlockPool {
    size: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    free: Vec<Vec<Block>>,
    /// How many were put back so far.
    uses: u64,
    /// Whether somebody frees them when they are idle.
    is_watched: bool,
}

impl BlockPool {
    /// A pool that keeps memory of so many blocks.
    pub(super) fn of(size: usize) -> Self {
        Self { size, kept: Mutex::default() }
    }

    /// So many blocks, whatever is in them.
    pub(super) fn take(&self, count: usize) -> Vec<Block> {
        let kept = if count == self.size { self.kept().free.pop() } else { None };
        kept.unwrap_or_else(|| vec![Block::default(); count])
    }

    /// Puts them back, and sees to it that they are freed when they are idle.
    pub(super) fn put(pool: &Arc<Self>, blocks: Vec<Block>, runtime: &Handle) {
        if blocks.len() != pool.size {
            return;
        }
        let mut kept = pool.kept();
        kept.free.push(blocks);
        kept.uses += 1;
        if !mem::replace(&mut kept.is_watched, true) {
            runtime.spawn(Self::free_when_idle(Arc::clone(pool), kept.uses));
        }
    }

    /// How many are kept.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.kept().free.len()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees them once there was no use for a while, beginning with the use that was seen.
    async fn free_when_idle(pool: Arc<Self>, mut seen: u64) {
        loop {
            tokio::time::sleep(IDLE).await;
            let mut kept = pool.kept();
            if kept.uses == seen {
                kept.is_watched = false;
                kept.free.clear();
                return;
            }
            seen = kept.uses;
        }
    }
}
