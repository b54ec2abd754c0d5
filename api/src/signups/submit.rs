//! What becomes of a request to sign up, in whatever form it came and is answered.

use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use metrics::counter;
use saga::store::Accepted;
use signup::{Conflict, Duplicates, Known, Proposal, SignUp};
use tokio::time::timeout;
use tracing::debug;

use super::accept::accept;
use super::awaited;
use super::idempotency::Key;
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

/// A sign-up that was accepted.
pub(super) struct Submitted {
    /// As it was seen last.
    pub(super) signup: Signup,
    /// Whether it was accepted before.
    pub(super) is_replay: bool,
    /// Whether it was waited for as it was asked to.
    pub(super) waited: bool,
}

/// Has it accepted and waits for it as it is asked to. Returns the answer's headers as well, whatever the answer.
pub(super) async fn submit(api: &Arc<Api>, request: Request) -> (HeaderMap, Result<Submitted, Problem>) {
    let Request { address, headers, fields, wait } = request;
    let read = Key::of(&headers).and_then(|key| Ok(NewSignup::read(fields)?.propose(api, key)));
    let class = read.as_ref().map_or("unknown", |proposal| proposal.applicant.email.provider().word());
    let (headers, accepted) = match read {
        Ok(proposal) => pass(api, address, proposal).await,
        Err(problem) => (HeaderMap::new(), Err(problem)),
    };
    counter!("signup_requests_total", "answer" => word(&accepted), "class" => class).increment(1);
    (headers, follow(api, accepted, wait).await)
}

/// What a request is counted as.
fn word(accepted: &Result<Accepted<SignUp>, Problem>) -> &'static str {
    match accepted {
        Ok(Accepted::New(_)) => "accepted",
        Ok(Accepted::Replay(_)) => "replayed",
        Ok(Accepted::Conflict(conflict)) => Problem::from(conflict.clone()).kind().name(),
        Err(problem) => problem.kind().name(),
    }
}

/// Has a proposal accepted, if everything lets it pass. Returns the answer's headers as well, whatever the answer.
async fn pass(
    api: &Arc<Api>,
    address: ClientAddress,
    proposal: Proposal,
) -> (HeaderMap, Result<Accepted<SignUp>, Problem>) {
    let known = known(api, &proposal).await;
    if known == Some(Known::Request) {
        return (HeaderMap::new(), accept(Arc::clone(api), proposal).await);
    }
    if let Err(problem) = api.overload.keeps_up() {
        return (HeaderMap::new(), Err(problem));
    }
    let (decision, taken) = api.admission.of(&api.hash_key, address.0, &proposal.applicant.email).await;
    let headers = match api.duplicates {
        Duplicates::Refused => quotas::headers(&decision),
        // How often an e-mail was asked for is somebody else's too.
        Duplicates::Decoyed => quotas::headers_of_the_address(&decision),
    };
    let Some(taken) = taken else {
        return (headers, Err(Problem::RateLimited { retry_after: seconds(decision.retry_after()) }));
    };
    let accepted = match (known, api.duplicates) {
        (Some(Known::Nothing | Known::Request), Duplicates::Refused) => accept_unless_taken(api, &proposal).await,
        // What is known of the key is told before whose the e-mail is; and where that is not told at all, nothing may
        // depend on it.
        (Some(Known::OtherBody) | None, Duplicates::Refused) | (_, Duplicates::Decoyed) => {
            accept(Arc::clone(api), proposal).await
        }
    };
    if let Err(Problem::Unavailable | Problem::Overloaded { .. }) | Ok(Accepted::Replay(_)) = accepted {
        // Nothing was done for them.
        api.admission.limiter.give_back(taken).await;
    }
    (headers, accepted)
}

/// Has it accepted, unless its e-mail is known to be taken.
async fn accept_unless_taken(api: &Arc<Api>, proposal: &Proposal) -> Result<Accepted<SignUp>, Problem> {
    let accept = || accept(Arc::clone(api), proposal.clone());
    let accepted = api.taken.or_else(&api.hash_key, &proposal.applicant.email, accept).await?;
    let is_taken = matches!(accepted, Accepted::Conflict(Conflict::EmailTaken { .. }));
    // It may have been taken by this very request, sent twice, since the key was looked up.
    if is_taken && proposal.idempotency.is_some() && known(api, proposal).await != Some(Known::Nothing) {
        return accept().await;
    }
    Ok(accepted)
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
    accepted: Result<Accepted<SignUp>, Problem>,
    wait: Option<Duration>,
) -> Result<Submitted, Problem> {
    let (view, is_replay) = match accepted? {
        Accepted::New(view) => (view, false),
        Accepted::Replay(view) => (view, true),
        Accepted::Conflict(conflict) => return Err(conflict.into()),
    };
    let (view, waited) = awaited(api, wait, view).await;
    Ok(Submitted { signup: Signup::new(&view, &api.outline.steps), is_replay, waited })
}
