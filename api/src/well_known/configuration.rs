//! `GET /.well-known/openid-configuration`: where verifiers of access tokens find what they need.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::KEPT;
use crate::Api;

/// Tell verifiers of access tokens where to look
///
/// As much of a discovery document as they read. This service issues access tokens, and no ID tokens: nobody signs in at
/// another service with it.
#[utoipa::path(
    get,
    path = "/.well-known/openid-configuration",
    operation_id = "openid_configuration",
    tag = "sessions",
    responses((
        status = 200, description = "The document.", body = Object,
        headers(("Cache-Control" = String, description = "It may be kept for 5 minutes.")),
        example = json!(document("https://signup.example.com"))
    ))
)]
pub(crate) async fn show(State(api): State<Arc<Api>>) -> impl IntoResponse {
    ([KEPT], Json(document(&api.identity.keys.issuer().issuer)))
}

/// Links are made of the configured origin, never of what a request says.
fn document(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "id_token_signing_alg_values_supported": ["ES256"],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
    })
}
