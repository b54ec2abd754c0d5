//! `GET /.well-known/jwks.json`: the keys that access tokens are verified with.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Value, json};
use utoipa::IntoResponses;
use utoipa::openapi::RefOr;

use super::KEPT;
use crate::Api;
use crate::problem::{self, Kind, Problem};

/// Tell the keys that access tokens are verified with
///
/// A JWK set (RFC 7517). A key is there for 15 minutes before it signs, and until the last token that it signed has
/// expired.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "jwks",
    tag = "sessions",
    responses(
        (
            status = 200, description = "The keys.", body = Object,
            headers(("Cache-Control" = String, description = "They may be kept for 5 minutes.")),
            example = json!(example())
        ),
        Problems
    )
)]
pub(crate) async fn show(State(api): State<Arc<Api>>) -> Result<impl IntoResponse, Problem> {
    Ok(([KEPT], Json(api.identity.keys.published().await?)))
}

fn example() -> Value {
    json!({ "keys": [{
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "use": "sig",
        "alg": "ES256",
        "kid": "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U",
    }] })
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::Internal, Kind::Unavailable])
    }
}
