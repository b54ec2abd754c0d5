//! Writes whose reply may be lost: the same is sent again until there is an answer.

use std::fmt;
use std::time::Duration;

use saga::store::Error;
use saga::{Random, Retry};
use tokio::time::{Instant, sleep};
use tracing::{error, warn};

use crate::problem::Problem;

/// How long a new try may begin; it takes somewhat longer to be answered.
const TRYING: Duration = Duration::from_millis(4500);
/// The delays between tries; their number is bounded by the time for them.
const RETRY: Retry = Retry::unending(Duration::from_millis(50), Duration::from_millis(500));

/// What the store said to a write.
pub(crate) struct Settled<T> {
    /// Its answer.
    pub(crate) said: T,
    /// Whether the reply to an earlier try was lost: that one may have been written.
    pub(crate) in_doubt: bool,
}

/// What becomes of a write while the store is away, and nothing is in doubt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhileAway {
    /// It waits for the store, for as long as it may.
    Waits,
    /// It is refused: whoever asks knows at once, and asks again later.
    IsRefused,
}

/// Sends the same write until there is an answer: it must be one that counts once, however often it is sent.
///
/// # Errors
/// [`Problem::Unavailable`] if nothing was written, [`Problem::ActionUnknown`] if that is not known.
pub(crate) async fn settle<T, F>(
    random: &dyn Random,
    what: &impl fmt::Display,
    while_away: WhileAway,
    write: impl Fn() -> F,
) -> Result<Settled<T>, Problem>
where
    F: Future<Output = Result<T, Error>>,
{
    let deadline = Instant::now() + TRYING;
    let (mut tries, mut in_doubt) = (0, false);
    loop {
        let error = match write().await {
            Ok(said) => return Ok(Settled { said, in_doubt }),
            Err(error) => error,
        };
        let gives_up = match &error {
            Error::InDoubt(_) => {
                in_doubt = true;
                false
            }
            Error::Unavailable(_) => while_away == WhileAway::IsRefused && !in_doubt,
            Error::Rejected(_) | Error::Unreadable(_) => {
                error!(%error, action = %what, "cannot be written");
                return Err(Problem::Internal);
            }
        };
        tries += 1;
        let delay = RETRY.delay(tries, random.fraction());
        if gives_up || Instant::now() + delay >= deadline {
            warn!(%error, tries, in_doubt, action = %what, "gave up on a write");
            return Err(if in_doubt { Problem::ActionUnknown } else { Problem::Unavailable });
        }
        sleep(delay).await;
    }
}
