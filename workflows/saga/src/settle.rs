//! Getting a commit to a definite answer.
//!
//! A commit whose reply was lost is sent again: it is guarded by the seq that it advances, so it writes once. If it
//! then finds the fence gone, the journal tells whether that was its own first sending.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::{debug, warn};

use crate::store::{Commit, Committed, Error};
use crate::{Retry, Saga, Store, counted};

/// Between two sendings of the same statement.
const PAUSE: Retry = Retry::unending(Duration::from_millis(50), Duration::from_secs(1));

/// What became of a commit.
#[derive(Debug)]
pub(crate) enum Settled {
    /// It is written, with its effect or with its refusal.
    Written(Committed),
    /// It is not written: another worker holds the saga now, or has advanced it.
    Fenced,
    /// It is not written: the database's rules refuse it.
    Rejected(String),
    /// Not known in time. The lease will run out, and another claim will find what is true.
    Abandoned(Error),
}

/// Commits before `deadline`, through lost replies and an absent store.
pub(crate) async fn settle<S: Saga>(
    store: &dyn Store<S>,
    commit: &Commit<S>,
    deadline: Instant,
    mut jitter: impl FnMut() -> f64,
) -> Settled {
    let (mut in_doubt, mut number) = (false, 0);
    loop {
        let error = match send(store, commit, deadline, in_doubt).await {
            Ok(settled) => return settled,
            Err(Error::Rejected(reason)) => return Settled::Rejected(reason),
            Err(error @ Error::Unreadable(_)) => return Settled::Abandoned(error),
            Err(error @ Error::Unavailable(_)) => error,
            Err(error @ Error::InDoubt(_)) => {
                in_doubt = true;
                error
            }
        };
        number += 1;
        let again_at = Instant::now() + PAUSE.delay(number, jitter());
        if again_at >= deadline {
            return Settled::Abandoned(error);
        }
        warn!(%error, number, "commit not settled, sending it again");
        sleep_until(again_at).await;
    }
}

async fn send<S: Saga>(
    store: &dyn Store<S>,
    commit: &Commit<S>,
    deadline: Instant,
    in_doubt: bool,
) -> Result<Settled, Error> {
    let late = |_| Error::InDoubt("no answer before the lease's end".into());
    match timeout_at(deadline, store.commit(commit)).await.map_err(late)?? {
        Committed::Fenced if in_doubt => timeout_at(deadline, find(store, commit)).await.map_err(late)?,
        Committed::Fenced => Ok(Settled::Fenced),
        written @ (Committed::Then | Committed::Refused) => {
            if in_doubt {
                debug!("a commit without an answer was not written: it is now");
                counted::cleared(false);
            }
            Ok(Settled::Written(written))
        }
    }
}

/// Looks in the journal for the event that the commit would have written.
async fn find<S: Saga>(store: &dyn Store<S>, commit: &Commit<S>) -> Result<Settled, Error> {
    let seq = commit.fence.seq + 1;
    let events = store.events(commit.fence.saga, seq).await?;
    let ours = events.first().filter(|event| event.seq == seq && event.epoch == commit.fence.epoch);
    let written = match ours.map(|event| event.kind) {
        Some(kind) if kind == commit.then.event() => Committed::Then,
        Some(kind) if commit.if_refused.as_ref().is_some_and(|refused| refused.event() == kind) => Committed::Refused,
        Some(_) | None => return Ok(Settled::Fenced),
    };
    debug!("a commit without an answer is found written");
    counted::cleared(true);
    Ok(Settled::Written(written))
}
