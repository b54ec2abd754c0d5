//! A closed loop: so many at a time, and each begins anew when it has ended.

use std::time::Duration;

use figures::rate;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How long a loop runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Before anything counts.
    pub(crate) warm_up: Duration,
    /// While it counts.
    pub(crate) round: Duration,
}

/// How many ended in a second of the window. What is under way at its end is waited for and does not count.
pub(crate) async fn rate_of<F, W>(at_once: usize, window: Window, work: F) -> anyhow::Result<f64>
where
    F: Fn() -> W + Clone + Send + 'static,
    W: Future<Output = anyhow::Result<usize>> + Send,
{
    let from = Instant::now() + window.warm_up;
    let until = from + window.round;
    let mut loops = JoinSet::new();
    for _ in 0..at_once {
        let work = work.clone();
        loops.spawn(async move {
            let mut count = 0;
            while Instant::now() < until {
                let ended = work().await?;
                if (from..until).contains(&Instant::now()) {
                    count += ended;
                }
            }
            anyhow::Ok(count)
        });
    }
    let mut count = 0;
    while let Some(ended) = loops.join_next().await {
        count += ended??;
    }
    Ok(rate(count, window.round))
}
