//! Waiting for a condition, and never for a time.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::bail;

/// Asks `condition` until it gives a value, for 30 s at most.
///
/// # Errors
/// Names what did not come.
pub async fn eventually<T, F>(what: &str, mut condition: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = Option<T>>,
{
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(30) {
        if let Some(value) = condition().await {
            return Ok(value);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bail!("not within 30 s: {what}")
}
