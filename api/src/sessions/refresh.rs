//! `POST /v1/sessions/refresh`: stays signed in.

use std::collections::BTreeMap;
use std::sync::Arc;

use accounts::{RefreshToken, Refreshed};
use axum::Json;
use axum::extract::State;
use metrics::counter;
use tracing::{debug, warn};
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};
use zeroize::Zeroizing;

use super::pair::Pair;
use crate::Api;
use crate::fields::Fields;
use crate::problem::{self, Kind, Problem};
use crate::settle::{WhileAway, settle};

/// What continues a session. Fields other than this are refused.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the OpenAPI document: the fields are read one by one")]
pub(crate) struct Refresh {
    /// The refresh token that came last.
    #[schema(pattern = "^rft_[0-9A-Za-z_-]{70}$")]
    refresh_token: String,
}

/// Get the session's next tokens
///
/// A refresh token is used once. For 10 seconds it has the same successor, so that two tabs, or a request that is
/// repeated because its answer was lost, do not end the session; after that its use means that two have it, and ends the
/// session for both.
#[utoipa::path(
    post,
    path = "/v1/sessions/refresh",
    operation_id = "refresh_session",
    tag = "sessions",
    request_body(content = Refresh, content_type = "application/json"),
    responses((status = 200, description = "The session goes on.", body = Pair, example = json!(Pair::example())), Problems)
)]
pub(crate) async fn refresh(State(api): State<Arc<Api>>, mut fields: Fields) -> Result<Json<Pair>, Problem> {
    let token = fields.required("refresh_token", |text| Ok::<_, &str>(Zeroizing::new(text)));
    let errors = fields.finish();
    let Some(token) = token.filter(|_| errors.is_empty()) else { return Err(Problem::InvalidFields { errors }) };
    let (session, presented) = RefreshToken::verify(&api.hash_key, &token).map_err(|error| {
        debug!(%error, "a refresh token is refused");
        Problem::SessionOver
    })?;
    let refresh = || api.identity.sessions.refresh(session, presented);
    match settle(&*api.random, &"refresh a session", WhileAway::IsRefused, refresh).await?.said {
        Refreshed::Live(holder, generation) => {
            counter!("signup_sessions_refreshed_total", "outcome" => "live").increment(1);
            Pair::issue(&api, &holder, generation).await.map(Json)
        }
        Refreshed::Reused => {
            warn!(session.id = %session, "a refresh token was used again: somebody else may have it, and the session is ended");
            counter!("signup_sessions_refreshed_total", "outcome" => "reused").increment(1);
            api.identity.live.is_over(session);
            Err(Problem::SessionOver)
        }
        Refreshed::Over => {
            counter!("signup_sessions_refreshed_total", "outcome" => "over").increment(1);
            Err(Problem::SessionOver)
        }
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(
            &[&[Kind::SessionOver, Kind::ActionUnknown, Kind::Unavailable][..], &Kind::OF_A_BODY].concat(),
        )
    }
}
