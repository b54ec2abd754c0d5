//! Deleting what finished hints leave behind: apalis-redis keeps all of it for ever.

use std::sync::Arc;
use std::time::Duration;

use redis::RedisResult;
use redis::aio::ConnectionManager;
use tokio::time::sleep;
use tracing::debug;

use super::Redis;
use super::queues::Queue;

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(1);
/// Hints in one deletion: Redis does nothing else meanwhile.
const SLICE: usize = 256;
/// Deletions of one kind in a round.
const SLICES: usize = 32;
/// How long what is noted of a worker is kept after it was last seen, in seconds.
const KEPT: u32 = 600;

/// Deletes the hints that are over, in small slices. Each process with workers does: what two of them delete at the same
/// time is deleted once.
pub(super) struct Cleaner {
    pub(super) redis: Arc<Redis>,
}

impl Cleaner {
    /// Goes on until dropped, also where Redis takes no writes for want of memory: it takes deletions.
    pub(super) async fn clean(self) {
        let mut connection = None;
        loop {
            sleep(ROUND.mul_f64(0.5 + self.redis.random.fraction())).await;
            if let Err(error) = self.round(&mut connection).await {
                debug!(%error, "not cleaned up");
                connection = None;
            }
        }
    }

    async fn round(&self, connection: &mut Option<ConnectionManager>) -> RedisResult<()> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(self.redis.link.lazy()?),
        };
        for queue in self.redis.queues.all() {
            for over in queue.over() {
                let mut slices = 0;
                while slices < SLICES && delete(queue, &over, connection).await? == SLICE {
                    slices += 1;
                }
            }
        }
        self.keep_names(connection).await
    }

    /// What apalis-redis notes of a worker goes by itself, unless its process says again and again that it lives.
    async fn keep_names(&self, connection: &mut ConnectionManager) -> RedisResult<()> {
        let keys = self.redis.names.keys();
        if keys.is_empty() {
            return Ok(());
        }
        let mut lives = redis::pipe();
        for key in keys {
            lives.cmd("EXPIRE").arg(key).arg(KEPT).ignore();
        }
        lives.query_async(connection).await
    }
}

/// Deletes some hints that are over, and says how many. They are named before they are deleted: whatever happens in
/// between, none of them is forgotten.
async fn delete(queue: &Queue, over: &str, connection: &mut ConnectionManager) -> RedisResult<usize> {
    let ids: Vec<Vec<u8>> = redis::cmd("SRANDMEMBER").arg(over).arg(SLICE).query_async(connection).await?;
    if ids.is_empty() {
        return Ok(0);
    }
    let metas: Vec<_> = ids.iter().map(|id| queue.meta(id)).collect();
    let mut deletion = redis::pipe();
    deletion.atomic();
    deletion.cmd("HDEL").arg(queue.data()).arg(&ids).ignore();
    deletion.cmd("UNLINK").arg(&metas).ignore();
    deletion.cmd("SREM").arg(over).arg(&ids).ignore();
    deletion.query_async::<()>(connection).await?;
    Ok(ids.len())
}
