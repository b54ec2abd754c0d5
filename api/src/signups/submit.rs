//! What becomes of a request to sign up, in whatever form it came and is answered.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use saga::store::Accepted;
use signup::{Duplicates, Known, Proposal};
use tokio::time::timeout;
use tracing::debug;

use super::accept::accept;
use super::awaited;
use super::idempotency::{self, Key};
use super::request::NewSignup;
use super::status::Signup;
use crate::Api;
use crate::client::ClientAddress;
use crate::fields::Fields;
use crate::problem::{Kind, Problem};
use crate::quotas::{self, seconds};

/// How long a look may take whether a request was accepted before.
const LOOK: Duration = Duration::from_millis(250);

/// What may go wrong, whatever the form.
pub(super) const KINDS: [Kind; 16] = [
    Kind::MalformedJson,
    Kind::IncompleteBody,
    Kind::InvalidIdempotencyKey,
    Kind::BodyTimeout,
    Kind::EmailTaken,
    Kind::SignupInProgress,
    Kind::RateLimited,
    Kind::SignupFailed,
    Kind::BodyTooLarge,
    Kind::UnsupportedEncoding,
    Kind::InvalidFields,
    Kind::IdempotencyKeyReused,
    Kind::Internal,
    Kind::OutcomeUnknown,
    Kind::Unavailable,
    Kind::Overloaded,
];

/// A request to sign up.
pub(super) struct Request {
    pub(super) address: ClientAddress,
    pub(super) headers: HeaderMap,
    pub(super) fields: Fields,
    /// How long to wait for the sign-up to end, if at all.
    pub(super) wait: Option<Duration>,
}

/// A sign-up that was accepted, now or before, as it was seen last; and what the answer's headers say of that.
pub(super) type Submitted = (Signup, HeaderMap);

/// Has it accepted and waits for it as it is asked to. Returns the answer's headers as well, whatever the answer.
pub(super) async fn submit(api: &Arc<Api>, request: Request) -> (HeaderMap, Result<Submitted, Problem>) {
    let key = match Key::of(&request.headers) {
        Ok(key) => key,
        Err(problem) => return (HeaderMap::new(), Err(problem)),
    };
    let proposal = match NewSignup::read(request.fields) {
        Ok(signup) => signup.propose(api, key),
        Err(problem) => return (HeaderMap::new(), Err(problem)),
    };
    let known = known(api, &proposal).await;
    if known == Some(Known::Request) {
        let accepted = accept(Arc::clone(api), proposal).await;
        return (HeaderMap::new(), follow(api, accepted, request.wait).await);
    }
    if let Err(problem) = api.overload.keeps_up() {
        return (HeaderMap::new(), Err(problem));
    }
    let (decision, taken) = api.admission.of(&api.hash_key, request.address.0, &proposal.applicant.email).await;
    let headers = match api.duplicates {
        Duplicates::Refused => quotas::headers(&decision),
        // How often an e-mail was asked for is somebody else's too.
        Duplicates::Decoyed => quotas::headers_of_the_address(&decision),
    };
    let Some(taken) = taken else {
        return (headers, Err(Problem::RateLimited { retry_after: seconds(decision.retry_after()) }));
    };
    let accept = || accept(Arc::clone(api), proposal.clone());
    let accepted = match (known, api.duplicates) {
        (Some(Known::Nothing | Known::Request), Duplicates::Refused) => {
            api.taken.or_else(&api.hash_key, &proposal.applicant.email, accept).await
        }
        // What is known of the key is told before whose the e-mail is; and where that is not told at all, nothing may
        // depend on it.
        (Some(Known::OtherBody) | None, Duplicates::Refused) | (_, Duplicates::Decoyed) => accept().await,
    };
    if let Err(Problem::Unavailable | Problem::Overloaded { .. }) | Ok(Accepted::Replay(_)) = accepted {
        // Nothing was done for them.
        api.admission.limiter.give_back(taken).await;
    }
    (headers, follow(api, accepted, request.wait).await)
}

/// Whether it was accepted before, and so counts no more. None where that is not known in time.
async fn known(api: &Api, proposal: &Proposal) -> Option<Known> {
    if proposal.idempotency.is_none() {
        return Some(Known::Nothing);
    }
    let known = timeout(LOOK, api.replays.known(proposal)).await.ok()?;
    known.inspect_err(|error| debug!(%error, "not known whether it is a replay")).ok()
}

/// Waits for what was accepted, if it was.
async fn follow(
    api: &Api,
    accepted: Result<Accepted<signup::SignUp>, Problem>,
    wait: Option<Duration>,
) -> Result<Submitted, Problem> {
    let (view, replayed) = match accepted? {
        Accepted::New(view) => (view, None),
        Accepted::Replay(view) => (view, Some(idempotency::REPLAYED)),
        Accepted::Conflict(conflict) => return Err(conflict.into()),
    };
    let (view, applied) = awaited(api, wait, view).await;
    let headers: Vec<(HeaderName, HeaderValue)> = replayed.into_iter().chain(applied).collect();
    Ok((Signup::new(&view, &api.outline.steps), headers.into_iter().collect()))
}
