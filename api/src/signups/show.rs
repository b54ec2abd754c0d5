//! `GET /v1/signups/{id}`: how a sign-up goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{ETAG, IF_NONE_MATCH, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use utoipa::IntoResponses;
use utoipa::openapi::RefOr;

use super::status::{Document, Signup};
use super::{awaited, named};
use crate::problem::{self, Kind, Problem};
use crate::{Api, prefer};

/// Tell how a sign-up goes
///
/// Ask again after `Retry-After`, or send `Prefer: wait=30` to be answered when it has ended.
#[utoipa::path(
    get,
    path = "/v1/signups/{id}",
    operation_id = "show_signup",
    tag = "sign-ups",
    params(
        ("id" = String, Path, description = "The `workflow_id` of the sign-up.",
            example = "wf_019b7c8d5a2e7f3090b1c2d3e4f5a6b7"),
        ("Prefer" = Option<String>, Header, nullable = false,
            description = "`wait=N`: wait up to N seconds, 30 at most, for the sign-up \
            to end (RFC 7240).", example = "wait=30"),
        ("If-None-Match" = Option<String>, Header, nullable = false,
            description = "The `ETag` of an earlier answer: if nothing has \
            changed since, the answer is 304."),
    ),
    responses(
        (
            status = 200, description = "The sign-up.", body = Document,
            headers(
                ("ETag" = String, description = "Changes whenever the answer does."),
                ("Retry-After" = u32, description = "After how many seconds to ask again, while under way."),
                ("Preference-Applied" = String, description = "`wait` if the wait was as preferred."),
            ),
            examples(
                ("pending" = (value = json!(Signup::pending_example()))),
                ("completed" = (value = json!(Signup::completed_example()))),
                ("failed" = (value = json!(Signup::failed_example()))),
            )
        ),
        (
            status = 304, description = "Nothing has changed.",
            headers(
                ("ETag" = String, description = "Changes whenever the answer does."),
                ("Retry-After" = u32, description = "After how many seconds to ask again, while under way."),
                ("Preference-Applied" = String, description = "`wait` if the wait was as preferred."),
            )
        ),
        Problems
    )
)]
pub(crate) async fn show(
    State(api): State<Arc<Api>>,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (view, waited) = awaited(&api, prefer::wait(&headers), named(&api, id).await?).await;
    let signup = Signup::new(&view, &api.outline.steps);
    let etag = format!("\"{}\"", signup.tag());
    let fresh = is_fresh(&headers, &etag);
    let retry_after = signup.retry_after().map(|seconds| [(RETRY_AFTER, seconds)]);
    let headers = ([(ETAG, etag)], retry_after, waited.then_some([prefer::APPLIED]));
    Ok(if fresh {
        (StatusCode::NOT_MODIFIED, headers, ()).into_response()
    } else {
        (headers, Json(signup.document())).into_response()
    })
}

/// Whether the client has this state already. `If-None-Match` compares weakly (RFC 9110, 13.1.2); our tags have no
/// commas.
fn is_fresh(headers: &HeaderMap, etag: &str) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).into_iter().filter_map(|line| line.to_str().ok());
    let mut tags = lines.flat_map(|line| line.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::SignupNotFound, Kind::Internal, Kind::Unavailable])
    }
}
