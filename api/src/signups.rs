//! Sign-ups: starting one, and asking how it goes. Each endpoint is a file.

mod accept;
mod idempotency;
mod request;
pub(crate) mod show;
pub(crate) mod start;
mod status;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use saga::SagaId;
use saga::store::View;
use uuid::Uuid;

use crate::{Api, prefer};

/// The sign-up in the examples of the OpenAPI document.
pub(crate) const EXAMPLE: SagaId = SagaId::from_uuid(Uuid::from_u128(0x019b_7c8d_5a2e_7f30_90b1_c2d3_e4f5_a6b7));

/// Waits for the sign-up to end if the client prefers so. Returns how it was seen last, and the header that says
/// that the preference was met.
async fn awaited(api: &Api, headers: &HeaderMap, seen: View) -> (View, Option<(HeaderName, HeaderValue)>) {
    let Some(limit) = prefer::wait(headers) else { return (seen, None) };
    match api.waiters.until_ended(&*api.store, &seen, limit).await {
        Some(view) => (view, Some(prefer::APPLIED)),
        None => (seen, None),
    }
}
