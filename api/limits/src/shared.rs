//! The count of all processes, in Redis.

use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError, Script};
use tokio::time::timeout;

use crate::{Bucket, Decision, Standing};

/// How long Redis may take to decide.
const PATIENCE: Duration = Duration::from_millis(250);

/// Takes from all buckets or from none, by the server's own clock. A bucket is a list of the times at which something was
/// taken, the latest first, never longer than its limit, and forgotten when the latest has left the window.
///
/// Times that are further away than the window count for nothing, also in the future: a clock that was set back locks
/// nobody out for longer.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local allowed, taken, oldest = 1, {}, {}
for i, key in ipairs(KEYS) do
    local limit, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    taken[i], oldest[i] = 0, now
    for _, at in ipairs(redis.call('LRANGE', key, 0, limit - 1)) do
        if math.abs(now - at) < window then
            taken[i], oldest[i] = taken[i] + 1, math.min(oldest[i], tonumber(at))
        end
    end
    if taken[i] >= limit then allowed = 0 end
end
local answer = {allowed}
for i, key in ipairs(KEYS) do
    local limit, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    if allowed == 1 then
        taken[i] = taken[i] + 1
        redis.call('LPUSH', key, string.format('%.0f', now))
        redis.call('LTRIM', key, 0, limit - 1)
        redis.call('PEXPIRE', key, math.ceil(window / 1000))
    end
    answer[2 * i] = math.max(limit - taken[i], 0)
    answer[2 * i + 1] = taken[i] > 0 and oldest[i] + window - now or 0
end
return answer",
    )
});

/// The count of all processes.
pub struct Shared {
    client: Client,
    /// Connects when it is first asked. It is let go of when it fails: one to a machine that has vanished would never be
    /// answered again.
    connection: Mutex<Option<ConnectionManager>>,
}

/// Redis does not decide.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Away(String);

impl Shared {
    /// At this URL. It is connected to when it is first asked.
    ///
    /// # Errors
    /// If the URL cannot be read. It may hold a password, so it is not told.
    pub fn open(url: &str) -> Result<Self, Away> {
        let client = Client::open(url)?;
        Ok(Self { client, connection: Mutex::new(None) })
    }

    /// Takes from all of these buckets, if each has something left.
    ///
    /// # Errors
    /// If Redis does not decide in time. It may have taken from them all the same.
    pub async fn take(&self, buckets: &[Bucket]) -> Result<Decision, Away> {
        let mut call = TAKE.prepare_invoke();
        for Bucket { quota, whose } in buckets {
            call.key(format!("signup:limit:{}:{whose:032x}", quota.name));
            call.arg(quota.limit).arg(u64::try_from(quota.window.as_micros()).unwrap_or(u64::MAX));
        }
        let mut connection = self.connection()?;
        let asked = timeout(PATIENCE, call.invoke_async::<Vec<u64>>(&mut connection)).await;
        let late = |_| Away(format!("no answer within {PATIENCE:?}"));
        let answer =
            asked.map_err(late).and_then(|answer| answer.map_err(Away::from)).inspect_err(|_| self.let_go())?;
        let (allowed, numbers) = answer.split_first().ok_or_else(|| Away("an empty answer".to_owned()))?;
        let standings = buckets.iter().zip(numbers.chunks_exact(2)).map(|(bucket, numbers)| Standing {
            quota: bucket.quota,
            left: numbers.first().and_then(|left| u32::try_from(*left).ok()).unwrap_or_default(),
            more_in: Duration::from_micros(numbers.last().copied().unwrap_or_default()),
        });
        Ok(Decision { allowed: *allowed == 1, standings: standings.collect() })
    }

    fn connection(&self) -> Result<ConnectionManager, Away> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = &*connection {
            return Ok(connection.clone());
        }
        let settings = ConnectionManagerConfig::new()
            .set_response_timeout(Some(PATIENCE))
            .set_connection_timeout(Some(PATIENCE))
            .set_number_of_retries(0);
        let lazy = ConnectionManager::new_lazy_with_config(self.client.clone(), settings)?;
        Ok(connection.insert(lazy).clone())
    }

    fn let_go(&self) {
        *self.connection.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl From<RedisError> for Away {
    fn from(error: RedisError) -> Self {
        Self(error.to_string())
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}
