//! The count of all processes, in Redis.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::Script;

use crate::server::{Away, Server};
use crate::{Bucket, Decision, Standing};

/// Takes from all buckets or from none, by the server's own clock. A bucket is a list of the times at which something was
/// taken, the latest first, never longer than its limit, and forgotten when the latest has left the window.
///
/// What has left the window is taken off the end. Times that are further ahead than the window count for nothing either:
/// a clock that was set back makes nobody wait for more than two windows.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local allowed, taken, oldest = 1, {}, {}
for i, key in ipairs(KEYS) do
    local limit, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local at = tonumber(redis.call('LINDEX', key, -1) or nil)
    while at and math.abs(now - at) >= window do
        redis.call('RPOP', key)
        at = tonumber(redis.call('LINDEX', key, -1) or nil)
    end
    taken[i], oldest[i] = redis.call('LLEN', key), at or now
    if taken[i] >= limit then allowed = 0 end
end
local answer = {allowed, now}
for i, key in ipairs(KEYS) do
    local limit, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    if allowed == 1 then
        taken[i] = taken[i] + 1
        redis.call('LPUSH', key, string.format('%.0f', now))
        redis.call('PEXPIRE', key, math.ceil(window / 1000))
    end
    answer[2 * i + 1] = math.max(limit - taken[i], 0)
    answer[2 * i + 2] = taken[i] > 0 and oldest[i] + window - now or 0
end
return answer",
    )
});

/// The count of all processes.
#[derive(Debug)]
pub(crate) struct Shared(pub(crate) Arc<Server>);

impl Shared {
    /// Takes from all of these buckets, if each has something left: when it did, if so, in microseconds of the server's
    /// clock.
    ///
    /// # Errors
    /// If Redis does not decide in time. It may have taken from them all the same.
    pub(crate) async fn take(&self, buckets: &[Bucket]) -> Result<(Decision, Option<u64>), Away> {
        let mut call = TAKE.prepare_invoke();
        for bucket in buckets {
            let window = u64::try_from(bucket.quota.window.as_micros()).unwrap_or(u64::MAX);
            call.key(key(bucket)).arg(bucket.quota.limit).arg(window);
        }
        let answer: Vec<u64> = self.0.ask(async |connection| call.invoke_async(connection).await).await?;
        let [allowed, now, numbers @ ..] = &answer[..] else { return Err(Away("an empty answer".to_owned())) };
        let standings = buckets.iter().zip(numbers.chunks_exact(2)).map(|(bucket, numbers)| Standing {
            quota: bucket.quota,
            left: numbers.first().and_then(|left| u32::try_from(*left).ok()).unwrap_or_default(),
            more_in: Duration::from_micros(numbers.last().copied().unwrap_or_default()),
        });
        let decision = Decision { allowed: *allowed == 1, standings: standings.collect() };
        let taken = decision.allowed.then_some(*now);
        Ok((decision, taken))
    }

    /// Gives back what was taken from these buckets at this time.
    ///
    /// # Errors
    /// If Redis does not answer in time.
    pub(crate) async fn give_back(&self, buckets: &[Bucket], at: u64) -> Result<(), Away> {
        let mut pipeline = redis::pipe();
        for bucket in buckets {
            pipeline.lrem(key(bucket), 1, at).ignore();
        }
        self.0.ask(async |connection| pipeline.query_async(connection).await).await
    }
}

/// No address and no e-mail is in a key.
fn key(bucket: &Bucket) -> String {
    format!("signup:limit:{}:{:032x}", bucket.quota.name, bucket.whose)
}
