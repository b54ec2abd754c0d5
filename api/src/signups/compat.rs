//! `POST /api/auth/signup`: starts a sign-up for frontends that expect one answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use super::idempotency::REPLAYED;
use super::request::NewSignup;
use super::status::{Signup, Status};
use super::submit::{self, Request, Submitted, submit};
use crate::Api;
use crate::client::ClientAddress;
use crate::fields::{AnyFields, Fields};
use crate::problem::{self, FieldError, Problem};

const READY: &str = "Your account is ready.";
const UNDER_WAY: &str = "Your account is being made.";
/// How long these frontends wait for the sign-up to end.
const WAIT: Duration = Duration::from_secs(5);

/// Start a sign-up and wait for it
///
/// The same as `POST /v1/signups` with `Prefer: wait=5`, answered in the words of frontends that have no status to
/// follow. The body is JSON under whatever content type.
#[utoipa::path(
    post,
    path = "/api/auth/signup",
    operation_id = "start_signup_and_wait",
    tag = "sign-ups",
    params(
        ("Idempotency-Key" = Option<String>, Header, nullable = false,
            min_length = 1, max_length = 255, pattern = "^[!-~]+$",
            description = "Marks this request, so that it can be repeated: \
            1 to 255 visible ASCII characters, best random ones. Another sign-up needs another one."),
    ),
    request_body(content = NewSignup, content_type = "application/json"),
    responses(
        (
            status = 201, description = "Completed.", body = Accepted,
            headers(
                ("Location" = String, description = "The sign-up."),
                ("RateLimit-Policy" = String, description = "How many sign-ups are allowed, and in how many seconds."),
                ("RateLimit" = String, description = "How many are left of these, and in how many seconds there are more."),
                ("Idempotency-Replayed" = String, description = "`true` if it was accepted before."),
            ),
            example = json!(Accepted::example(READY))
        ),
        (
            status = 202, description = "Accepted, and not completed within 5 seconds.", body = Accepted,
            headers(
                ("Location" = String, description = "The sign-up."),
                ("Retry-After" = u32, description = "After how many seconds to ask for it."),
                ("RateLimit-Policy" = String, description = "How many sign-ups are allowed, and in how many seconds."),
                ("RateLimit" = String, description = "How many are left of these, and in how many seconds there are more."),
                ("Idempotency-Replayed" = String, description = "`true` if it was accepted before."),
            ),
            example = json!(Accepted::example(UNDER_WAY))
        ),
        Failures
    )
)]
pub(crate) async fn start_and_wait(
    State(api): State<Arc<Api>>,
    address: ClientAddress,
    headers: HeaderMap,
    fields: Result<AnyFields, Problem>,
) -> Response {
    let fields: Fields = match fields {
        Ok(AnyFields(fields)) => fields,
        Err(problem) => return failure(problem),
    };
    let (headers, submitted) = submit(&api, Request { address, headers, fields, wait: Some(WAIT) }).await;
    let answer = match submitted {
        // That it was waited for is no preference of theirs.
        Ok(Submitted { signup, is_replay, waited: _ }) => {
            (is_replay.then_some([REPLAYED]), answer(&signup)).into_response()
        }
        Err(problem) => failure(problem),
    };
    (headers, answer).into_response()
}

fn answer(signup: &Signup) -> Response {
    let location = [(LOCATION, signup.url())];
    let success = |message| Json(Accepted { success: true, message, workflow_id: signup.workflow.to_string() });
    match &signup.status {
        Status::Completed { .. } => (StatusCode::CREATED, location, success(READY)).into_response(),
        Status::Pending { .. } | Status::Delayed { .. } => {
            let headers = signup.retry_after().map(|seconds| [(RETRY_AFTER, seconds)]);
            (StatusCode::ACCEPTED, location, headers, success(UNDER_WAY)).into_response()
        }
        Status::Failed { code, .. } => {
            let (workflow_id, code) = (signup.workflow, code.clone());
            (location, failure(Problem::SignupFailed { workflow_id, code })).into_response()
        }
    }
}

/// The sign-up was accepted.
#[derive(Serialize, ToSchema)]
#[schema(as = SignupSuccess)]
struct Accepted {
    /// Always true.
    success: bool,
    /// For the person who signs up.
    #[schema(example = "Your account is ready.")]
    message: &'static str,
    /// The id of the sign-up.
    #[schema(pattern = "^wf_[0-9a-f]{32}$", example = "wf_019b7c8d5a2e7f3090b1c2d3e4f5a6b7")]
    workflow_id: String,
}

impl Accepted {
    /// One for the OpenAPI document.
    fn example(message: &'static str) -> Self {
        Self { success: true, message, workflow_id: super::EXAMPLE.to_string() }
    }
}

/// The sign-up was not accepted, or it has failed.
#[derive(Serialize, ToSchema)]
#[schema(as = SignupFailure)]
pub(crate) struct Failure {
    /// What went wrong, for a person.
    #[schema(example = "The e-mail belongs to a user")]
    error: String,
    /// What went wrong, for a program: the last part of a problem's type.
    #[schema(example = "email_taken")]
    code: &'static str,
    /// `email_taken`: what the user signs in with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    providers: Option<Vec<String>>,
}

impl Failure {
    fn of(problem: &Problem) -> Self {
        let kind = problem.kind();
        let told = |errors: &[FieldError]| {
            let errors: Vec<_> = errors.iter().map(|error| format!("{} {}", error.field, error.message)).collect();
            errors.join("; ").trim_start().to_owned()
        };
        let (error, providers) = match problem {
            Problem::InvalidFields { errors } => (told(errors), None),
            Problem::EmailTaken { providers } => (kind.title().to_owned(), Some(providers.clone())),
            _ => (kind.title().to_owned(), None),
        };
        Self { error, code: kind.name(), providers }
    }
}

/// The problem in the words of these frontends, with its status and its headers.
fn failure(problem: Problem) -> Response {
    let body = Json(Failure::of(&problem)).into_response().into_body();
    let (mut parts, _) = problem.into_response().into_parts();
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, body)
}

/// What may go wrong here.
struct Failures;

impl IntoResponses for Failures {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses_as(&submit::KINDS, "application/json", "SignupFailure", |problem| {
            serde_json::to_value(Failure::of(problem)).ok()
        })
    }
}
