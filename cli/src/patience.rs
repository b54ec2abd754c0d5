//! What a start asks of a database that was there a moment ago.

use std::time::Duration;

use saga::store::Error;
use saga::{OsRandom, Random, Retry};
use tokio::time::{Instant, sleep};
use tracing::warn;

/// Between two tries: the first pause, and the longest.
const PAUSES: Retry = Retry::unending(Duration::from_millis(100), Duration::from_secs(2));
/// How long it may be away. What refuses us for longer has another reason than that it is away for a moment.
const LONGEST: Duration = Duration::from_mins(1);

/// Asks until there is an answer, for a minute at most: a database that goes away while a process starts is waited for.
/// Only for what may be asked twice.
///
/// # Errors
/// What asking again would not mend, or has not.
pub(crate) async fn outlast<T>(ask: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    let (begun, mut failures) = (Instant::now(), 0);
    loop {
        match ask().await {
            Err(error @ (Error::Unavailable(_) | Error::InDoubt(_))) if begun.elapsed() < LONGEST => {
                failures += 1;
                let again_in = PAUSES.delay(failures, OsRandom.fraction());
                warn!(%error, ?again_in, "waiting for the database");
                sleep(again_in).await;
            }
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_waited_for_and_what_does_not_is_told() {
        let asked = AtomicU32::new(0);
        let answer = outlast(async || match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Error::Unavailable("away".into())),
            1 => Err(Error::InDoubt("cut off".into())),
            tries => Ok(tries),
        });
        assert_eq!(answer.await, Ok(2));
        let refused = Error::Rejected("no".into());
        assert_eq!(outlast(async || Err::<(), _>(refused.clone())).await, Err(refused));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_pass_in_a_minute_is_told_too() {
        let (begun, away) = (Instant::now(), Error::Unavailable("password authentication failed".into()));
        assert_eq!(outlast(async || Err::<(), _>(away.clone())).await, Err(away));
        let waited = begun.elapsed();
        assert!((LONGEST..LONGEST + PAUSES.longest).contains(&waited), "{waited:?}");
    }
}
