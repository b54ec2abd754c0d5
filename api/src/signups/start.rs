//! `POST /v1/signups`: starts a sign-up.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use super::idempotency::REPLAYED;
use super::request::NewSignup;
use super::status::{Document, Signup, Status};
use super::submit::{self, Request, Submitted, submit};
use super::token::token;
use crate::client::ClientAddress;
use crate::fields::Fields;
use crate::problem::{self, Kind, Problem};
use crate::{Api, prefer};

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
            body = Started,
            headers(
                ("Location" = String, description = "The sign-up."),
                ("RateLimit-Policy" = String, description = "How many sign-ups are allowed, and in how many seconds."),
                ("RateLimit" = String, description = "How many are left of these, and in how many seconds there are more."),
                ("Idempotency-Replayed" = String, description = "`true` if it was accepted before."),
                ("Preference-Applied" = String, description = "`wait` if the wait was as preferred."),
            ),
            example = json!(Started::example(Signup::completed_example()))
        ),
        (
            status = 202, description = "Accepted, and under way.",
            body = Started,
            headers(
                ("Location" = String, description = "The sign-up."),
                ("Retry-After" = u32, description = "After how many seconds to ask for it."),
                ("RateLimit-Policy" = String, description = "How many sign-ups are allowed, and in how many seconds."),
                ("RateLimit" = String, description = "How many are left of these, and in how many seconds there are more."),
                ("Idempotency-Replayed" = String, description = "`true` if it was accepted before."),
                ("Preference-Applied" = String, description = "`wait` if the wait was as preferred."),
            ),
            example = json!(Started::example(Signup::pending_example()))
        ),
        Problems
    )
)]
pub(crate) async fn start(
    State(api): State<Arc<Api>>,
    address: ClientAddress,
    headers: HeaderMap,
    fields: Fields,
) -> Response {
    let wait = prefer::wait(&headers);
    let (headers, submitted) = submit(&api, Request { address, headers, fields, wait }).await;
    match submitted {
        Ok(Submitted { signup, is_replay, waited }) => {
            let replayed = is_replay.then_some([REPLAYED]);
            let applied = waited.then_some([prefer::APPLIED]);
            (headers, replayed, applied, answer(&api, &signup)).into_response()
        }
        Err(problem) => (headers, problem).into_response(),
    }
}

fn answer(api: &Api, signup: &Signup) -> Response {
    let location = [(LOCATION, signup.url())];
    let started = || Json(Started::new(api, signup));
    match &signup.status {
        Status::Pending { .. } | Status::Delayed { .. } => {
            let headers = signup.retry_after().map(|seconds| [(RETRY_AFTER, seconds)]);
            (StatusCode::ACCEPTED, location, headers, started()).into_response()
        }
        Status::Completed { .. } => (StatusCode::CREATED, location, started()).into_response(),
        Status::Failed { code, .. } => {
            let (workflow_id, code) = (signup.workflow, code.clone());
            (location, Problem::SignupFailed { workflow_id, code }).into_response()
        }
    }
}

/// A sign-up, as the one who has started it sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = StartedSignup)]
struct Started {
    #[serde(flatten)]
    signup: Document,
    /// Shows that whoever has it has started this sign-up. Keep it as you keep a password; it is given here alone, and to
    /// repetitions of this request.
    #[schema(pattern = "^wft_[0-9A-Za-z_-]{43}$")]
    workflow_token: String,
}

impl Started {
    fn new(api: &Api, signup: &Signup) -> Self {
        Self { signup: signup.document(), workflow_token: token(&api.hash_key, signup.workflow) }
    }

    /// One for the OpenAPI document.
    fn example(signup: Document) -> Self {
        Self { signup, workflow_token: format!("wft_{}", "0123456789".repeat(5).split_at(43).0) }
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let kinds: Vec<_> = submit::KINDS.into_iter().chain([Kind::UnsupportedMediaType]).collect();
        problem::responses(&kinds)
    }
}
