//! What the holder of a session gets: an access token and a refresh token.

use accounts::{ACCESS_LIFE, AccessToken, Generation, Holder, RefreshToken};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::Api;
use crate::problem::Problem;

/// A session's tokens, in the words of OAuth 2.0 (RFC 6749, 5.1).
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub(crate) struct Pair {
    /// Shows who the user is, in the header `Authorization: Bearer`: a JWT that names the user, the session, their
    /// organization (`org_id`), their role and their e-mail.
    #[schema(value_type = String)]
    #[serde(serialize_with = "access")]
    access_token: AccessToken,
    /// Always `Bearer`.
    token_type: &'static str,
    /// For how many seconds the access token can be used.
    expires_in: i64,
    /// Gets the next pair, once. Keep it as you keep a password.
    #[schema(value_type = String, pattern = "^rft_[0-9A-Za-z_-]{70}$")]
    #[serde(serialize_with = "refresh")]
    refresh_token: RefreshToken,
    /// The session.
    #[schema(pattern = "^ses_[0-9a-f]{32}$")]
    session_id: String,
}

impl Pair {
    /// The tokens of a session's generation.
    pub(super) async fn issue(api: &Api, holder: &Holder, generation: Generation) -> Result<Self, Problem> {
        Ok(Self {
            access_token: api.identity.keys.sign(holder).await?,
            token_type: "Bearer",
            expires_in: ACCESS_LIFE.as_secs(),
            refresh_token: RefreshToken::issue(&api.hash_key, holder.session, generation),
            session_id: holder.session.to_string(),
        })
    }

    /// One for the OpenAPI document.
    pub(super) fn example() -> Value {
        json!({
            "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6IkhHIn0.e30.c2lnbmF0dXJl",
            "token_type": "Bearer",
            "expires_in": 600,
            "refresh_token": format!("rft_{}", "0123456789".repeat(7)),
            "session_id": "ses_019b7c8d5a2e7f3090b1c2d3e4f5a6b7",
        })
    }
}

fn access<S: Serializer>(token: &AccessToken, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.reveal())
}

fn refresh<S: Serializer>(token: &RefreshToken, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.reveal())
}
