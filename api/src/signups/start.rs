//! `POST /v1/signups`: starts a sign-up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use saga::store::Accepted;
use signup::Proposal;
use tokio::time::timeout;
use tracing::debug;
use utoipa::IntoResponses;
use utoipa::openapi::RefOr;

use super::idempotency::{self, Key};
use super::request::NewSignup;
use super::status::{Document, Signup, Status};
use super::{accept::accept, awaited};
use crate::Api;
use crate::client::ClientAddress;
use crate::fields::Fields;
use crate::problem::{self, Kind, Problem};
use crate::quotas::{self, seconds};

/// How long a look may take whether a request was accepted before.
const KNOWN: Duration = Duration::from_millis(250);

/// Start a sign-up
///
/// The answer comes as soon as the sign-up is accepted, which is never forgotten: it will be completed, or nothing of
/// it will be left. Follow its `status_url`, or send `Prefer: wait=5` to have the outcome in this answer if it comes
/// in time.
///
/// With an `Idempotency-Key` the request can be repeated safely: for 24 hours, the same key with the same e-mail and
/// the same body is the same sign-up.
#[utoipa::path(
    post,
    path = "/v1/signups",
    operation_id = "start_signup",
    tag = "sign-ups",
    params(
        ("Idempotency-Key" = Option<String>, Header, nullable = false,
            min_length = 1, max_length = 255, pattern = "^[!-~]+$",
            description = "Marks this request, so that it can be repeated: \
            1 to 255 visible ASCII characters, best random ones. Another sign-up needs another one."),
        ("Prefer" = Option<String>, Header, nullable = false,
            description = "`wait=N`: wait up to N seconds, 30 at most, for the sign-up \
            to end (RFC 7240).", example = "wait=5"),
    ),
    request_body(content = NewSignup, content_type = "application/json"),
    responses(
        (
            status = 201, description = "Completed: within the preferred wait, or when it was asked for before.",
            body = Document,
            headers(
                ("Location" = String, description = "The sign-up."),
                ("RateLimit-Policy" = String, description = "How many sign-ups are allowed, and in how many seconds."),
                ("RateLimit" = String, description = "How many are left of these, and in how many seconds there are more."),
                ("Idempotency-Replayed" = String, description = "`true` if it was accepted before."),
                ("Preference-Applied" = String, description = "`wait` if the wait was as preferred."),
            ),
            example = json!(Signup::completed_example())
        ),
        (
            status = 202, description = "Accepted, and under way.",
            body = Document,
            headers(
                ("Location" = String, description = "The sign-up."),
                ("Retry-After" = u32, description = "After how many seconds to ask for it."),
                ("RateLimit-Policy" = String, description = "How many sign-ups are allowed, and in how many seconds."),
                ("RateLimit" = String, description = "How many are left of these, and in how many seconds there are more."),
                ("Idempotency-Replayed" = String, description = "`true` if it was accepted before."),
                ("Preference-Applied" = String, description = "`wait` if the wait was as preferred."),
            ),
            example = json!(Signup::pending_example())
        ),
        Problems
    )
)]
pub(crate) async fn start(
    State(api): State<Arc<Api>>,
    address: ClientAddress,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, Problem> {
    let key = Key::of(&headers)?;
    let proposal = NewSignup::read(fields)?.propose(&api, key);
    if is_replay(&api, &proposal).await {
        return begin(&api, &headers, proposal).await;
    }
    let (decision, taken) = api.admission.of(&api.hash_key, address.0, &proposal.applicant.email).await;
    let answer = match taken {
        None => Err(Problem::RateLimited { retry_after: seconds(decision.retry_after()) }),
        Some(taken) => match begin(&api, &headers, proposal).await {
            // Nothing was done for them, and they are told to come again.
            Err(Problem::Unavailable) => {
                api.admission.limiter.give_back(taken).await;
                return Err(Problem::Unavailable);
            }
            answer => answer,
        },
    };
    Ok((quotas::headers(&decision), answer).into_response())
}

/// Whether it was accepted before, and so counts no more. Where that is not known in time, it is taken for a new one.
async fn is_replay(api: &Api, proposal: &Proposal) -> bool {
    if proposal.idempotency.is_none() {
        return false;
    }
    match timeout(KNOWN, api.replays.is_replay(proposal)).await {
        Ok(Ok(is_replay)) => is_replay,
        Ok(Err(error)) => {
            debug!(%error, "not known whether it is a replay");
            false
        }
        Err(_) => false,
    }
}

/// Has it accepted, and waits for it as preferred.
async fn begin(api: &Arc<Api>, headers: &HeaderMap, proposal: Proposal) -> Result<Response, Problem> {
    let (view, replayed) = match accept(api, proposal).await? {
        Accepted::New(view) => (view, None),
        Accepted::Replay(view) => (view, Some(idempotency::REPLAYED)),
        Accepted::Conflict(conflict) => return Err(conflict.into()),
    };
    let (view, applied) = awaited(api, headers, view).await;
    let answer = answer(&Signup::new(&view, &api.outline.steps));
    Ok((replayed.into_iter().chain(applied).collect::<HeaderMap>(), answer).into_response())
}

fn answer(signup: &Signup) -> Response {
    let location = [(LOCATION, signup.url())];
    match &signup.status {
        Status::Pending { .. } | Status::Delayed { .. } => {
            let headers = signup.retry_after().map(|seconds| [(RETRY_AFTER, seconds)]);
            (StatusCode::ACCEPTED, location, headers, Json(signup.document())).into_response()
        }
        Status::Completed { .. } => (StatusCode::CREATED, location, Json(signup.document())).into_response(),
        Status::Failed { code, .. } => {
            let (workflow_id, code) = (signup.workflow, code.clone());
            (location, Problem::SignupFailed { workflow_id, code }).into_response()
        }
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[
            Kind::MalformedJson,
            Kind::IncompleteBody,
            Kind::InvalidIdempotencyKey,
            Kind::BodyTimeout,
            Kind::EmailTaken,
            Kind::SignupInProgress,
            Kind::RateLimited,
            Kind::SignupFailed,
            Kind::BodyTooLarge,
            Kind::UnsupportedMediaType,
            Kind::UnsupportedEncoding,
            Kind::InvalidFields,
            Kind::IdempotencyKeyReused,
            Kind::Internal,
            Kind::OutcomeUnknown,
            Kind::Unavailable,
        ])
    }
}
