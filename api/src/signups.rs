//! Sign-ups: starting one, and asking how it goes. Each endpoint is a file.

mod accept;
pub(crate) mod compat;
pub(crate) mod follow;
mod idempotency;
mod request;
pub(crate) mod show;
pub(crate) mod start;
mod status;
mod submit;
mod token;

use std::time::Duration;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use saga::SagaId;
use saga::store::View;
use tracing::Span;
use tracing::field::display;
use uuid::Uuid;

pub(crate) use token::is_token_of;

use crate::Api;
use crate::problem::Problem;

/// The sign-up in the examples of the OpenAPI document.
pub(crate) const EXAMPLE: SagaId = SagaId::from_uuid(Uuid::from_u128(0x019b_7c8d_5a2e_7f30_90b1_c2d3_e4f5_a6b7));

/// The sign-up that the path names, as it is now.
pub(crate) async fn named(api: &Api, id: Result<Path<String>, PathRejection>) -> Result<View, Problem> {
    let id = id.ok().and_then(|Path(text)| text.parse().ok()).ok_or(Problem::SignupNotFound)?;
    Span::current().record("saga.id", display(id));
    let view = api.waiters.look(id).await.map_err(|error| Problem::unread(&error))?;
    view.ok_or(Problem::SignupNotFound)
}

/// Waits so long for the sign-up to end, if at all. Returns how it was seen last, and whether it was waited for.
async fn awaited(api: &Api, wait: Option<Duration>, seen: View) -> (View, bool) {
    let Some(limit) = wait else { return (seen, false) };
    let view = api.waiters.until_ended(&seen, limit).await;
    let waited = view.is_some();
    (view.unwrap_or(seen), waited)
}
