//! Getting a sign-up accepted, through whatever the store goes through.

use std::sync::Arc;
use std::time::Duration;

use metrics::histogram;
use saga::store::{Accepted, Error};
use saga::{Advanced, Retry, Taker};
use signup::{Proposal, SignUp};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::field::display;
use tracing::{Instrument, Span, error, info, warn};

use crate::Api;
use crate::problem::Problem;

/// How long a client waits for an acceptance.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a new try may begin where an earlier one may have written; what is left of the patience is for its answer.
const SETTLING: Duration = Duration::from_millis(4500);
/// How long a new try may begin where nothing was written: a store that is away makes each try wait, and the client is
/// to hear of it within 2 s.
const TRYING: Duration = Duration::from_millis(500);
/// The delays between tries; their number is bounded by the patience.
const RETRY: Retry = Retry::unending(Duration::from_millis(50), Duration::from_millis(500));

/// Gets a proposal accepted, and tells the listener of a new saga.
///
/// # Errors
/// [`Problem::Unavailable`] and [`Problem::Overloaded`] where nothing was written, [`Problem::OutcomeUnknown`] where that is not known,
/// [`Problem::Internal`] where trying again would not help.
///
/// # Cancel safety
/// The work goes on in a task of its own: a client that hangs up takes back neither the saga nor the wake-up of a
/// worker. A call of the store that outlasts the patience is not cut off either.
pub(super) async fn accept(api: Arc<Api>, proposal: Proposal) -> Result<Accepted<SignUp>, Problem> {
    let (marked, begun) = (proposal.idempotency.is_some(), Instant::now());
    let answer = in_time(api, proposal, marked, begun + PATIENCE).await;
    histogram!("signup_accept_duration_seconds").record(begun.elapsed());
    answer
}

async fn in_time(
    api: Arc<Api>,
    proposal: Proposal,
    marked: bool,
    deadline: Instant,
) -> Result<Accepted<SignUp>, Problem> {
    let place = api.overload.place().await?;
    let work = async move {
        let _place = place;
        persist(api, proposal).await
    };
    let work = tokio::spawn(work.in_current_span());
    match timeout_at(deadline, work).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => {
            error!("accepting a sign-up panicked");
            Err(Problem::Internal)
        }
        Err(_) => {
            warn!("the store did not accept a sign-up in time");
            Err(Problem::OutcomeUnknown { marked })
        }
    }
}

/// Sends the same proposal until there is an answer: the store accepts it once.
async fn persist(api: Arc<Api>, proposal: Proposal) -> Result<Accepted<SignUp>, Problem> {
    let begun = Instant::now();
    let (mut tries, mut in_doubt) = (0, false);
    loop {
        let error = match api.store.accept(&proposal).await {
            Ok(accepted) => {
                tell(&api, &accepted, proposal.told);
                return Ok(accepted);
            }
            Err(error) => error,
        };
        match &error {
            Error::InDoubt(_) => in_doubt = true,
            Error::Unavailable(_) => {}
            Error::Rejected(_) | Error::Unreadable(_) => {
                error!(%error, "a sign-up cannot be accepted");
                return Err(Problem::Internal);
            }
        }
        tries += 1;
        let delay = RETRY.delay(tries, api.random.fraction());
        if begun.elapsed() + delay >= if in_doubt { SETTLING } else { TRYING } {
            warn!(%error, tries, in_doubt, "gave up on accepting a sign-up");
            return Err(if in_doubt {
                Problem::OutcomeUnknown { marked: proposal.idempotency.is_some() }
            } else {
                Problem::Unavailable
            });
        }
        sleep(delay).await;
    }
}

fn tell(api: &Api, accepted: &Accepted<SignUp>, told: bool) {
    match accepted {
        Accepted::New(view) => {
            Span::current().record("saga.id", display(view.saga));
            info!("sign-up accepted");
            let taker = if told { Taker::Told } else { Taker::Anyone };
            api.listener.advanced(&Advanced { taker, ..Advanced::to(view.saga, view.state.clone()) });
        }
        Accepted::Replay(view) => {
            Span::current().record("saga.id", display(view.saga));
            info!("sign-up replayed");
        }
        Accepted::Conflict(_) => {}
    }
}
