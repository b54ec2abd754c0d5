//! `DELETE /v1/sessions` and `DELETE /v1/sessions/{id}`: signs out.

use std::collections::BTreeMap;

use accounts::SessionId;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use utoipa::IntoResponses;
use utoipa::openapi::RefOr;

use crate::identity::SignedIn;
use crate::problem::{self, Kind, Problem};
use crate::settle::{Settled, WhileAway, settle};

/// Sign out
///
/// Ends one session, this one or another. Its access token counts for 20 seconds more at most here, and until it expires
/// for whoever does not ask.
#[utoipa::path(
    delete,
    path = "/v1/sessions/{id}",
    operation_id = "revoke_session",
    tag = "sessions",
    security(("user" = [])),
    params(("id" = String, Path, description = "The `session_id`.", example = "ses_019b7c8d5a2e7f3090b1c2d3e4f5a6b7")),
    responses((status = 204, description = "The session is over."), Problems)
)]
pub(crate) async fn revoke(
    SignedIn { api, holder }: SignedIn,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let id: Option<SessionId> = id.ok().and_then(|Path(text)| text.parse().ok());
    let id = id.ok_or(Problem::SessionNotFound)?;
    let revoke = || api.identity.sessions.revoke(holder.user, id);
    let revoked = settle(&*api.random, &"end a session", WhileAway::IsRefused, revoke).await;
    // It may be over also where that is not known.
    api.identity.live.is_over(id);
    let Settled { said: is_done, in_doubt } = revoked?;
    if is_done || in_doubt { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::SessionNotFound) }
}

/// Sign out everywhere
///
/// Ends all of one's sessions, this one too.
#[utoipa::path(
    delete,
    path = "/v1/sessions",
    operation_id = "revoke_sessions",
    tag = "sessions",
    security(("user" = [])),
    responses((status = 204, description = "All sessions are over."), OfAll)
)]
pub(crate) async fn revoke_all(SignedIn { api, holder }: SignedIn) -> Result<StatusCode, Problem> {
    let revoke = || api.identity.sessions.revoke_all(holder.user);
    let revoked = settle(&*api.random, &"end all sessions", WhileAway::IsRefused, revoke).await;
    api.identity.live.are_over(holder.user);
    revoked.map(|_| StatusCode::NO_CONTENT)
}

/// What may go wrong where all are ended.
struct OfAll;

impl IntoResponses for OfAll {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::SignInRequired, Kind::Internal, Kind::ActionUnknown, Kind::Unavailable])
    }
}

/// What may go wrong where one is ended.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[
            Kind::SignInRequired,
            Kind::SessionNotFound,
            Kind::Internal,
            Kind::ActionUnknown,
            Kind::Unavailable,
        ])
    }
}
