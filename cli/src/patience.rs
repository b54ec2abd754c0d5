//! What a start asks of a database that was there a moment ago.

use std::time::Duration;

use saga::store::Error;
use tracing::warn;

/// Between two tries: the first pause, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Asks until there is an answer: a database that goes away while a process starts is waited for, as one is that is not
/// there yet. Only for what may be asked twice.
///
/// # Errors
/// What asking again would not mend.
pub(crate) async fn patiently<T>(ask: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    let mut pause = PAUSES.0;
    loop {
        match ask().await {
            Err(error @ (Error::Unavailable(_) | Error::InDoubt(_))) => {
                warn!(%error, again_in = ?pause, "waiting for the database");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
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
        let answer = patiently(async || match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Err(Error::Unavailable("away".into())),
            1 => Err(Error::InDoubt("cut off".into())),
            tries => Ok(tries),
        });
        assert_eq!(answer.await, Ok(2));
        let refused = Error::Rejected("no".into());
        assert_eq!(patiently(async || Err::<(), _>(refused.clone())).await, Err(refused));
    }
}
