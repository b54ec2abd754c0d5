//! Hints that no process has pushed.

use servers::Redis;

/// What apalis-redis has to know of a hint.
const NOTE: &str = "'attempts', 0, 'max_attempts', 25, 'status', 'Pending', 'idempotency_key', ''";

/// Puts hints with these ids and payloads, as Lua has them, into the queue of a step.
///
/// # Errors
/// If Redis does not take them.
pub fn plant(redis: &Redis, step: &str, hints: &[(String, String)]) -> anyhow::Result<()> {
    let queue = format!("signup-1-{step}");
    let put = |(id, payload): &(String, String)| {
        format!(
            "redis.call('HSET', '{queue}:data', {id}, {payload}) redis.call('HSET', '{queue}:meta:' .. {id}, {NOTE}) \
             redis.call('RPUSH', '{queue}:active', {id}) "
        )
    };
    redis.command(&["EVAL", &hints.iter().map(put).collect::<String>(), "0"]).map(drop)
}
