//! `POST /v1/signups/{id}/session`: whoever has signed up is signed in.

use std::collections::BTreeMap;
use std::sync::Arc;

use accounts::Proof;
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use metrics::counter;
use saga::{End, State as At};
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use super::begin::begin;
use super::pair::Pair;
use crate::Api;
use crate::client::ClientAddress;
use crate::fields::Fields;
use crate::problem::{self, Kind, Problem};
use crate::signups;

/// What shows that one has started the sign-up. Fields other than this are refused.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the OpenAPI document: the fields are read one by one")]
pub(crate) struct Redemption {
    /// What starting the sign-up has returned.
    #[schema(pattern = "^wft_[0-9A-Za-z_-]{43}$")]
    workflow_token: String,
}

/// Sign in after signing up
///
/// Once the sign-up is completed, its `workflow_token` is redeemed for a session: once, within a day, and not
/// once the user has changed their password or signed out everywhere. A repetition within 10 seconds has the same session, so that a lost
/// answer can be asked for again.
#[utoipa::path(
    post,
    path = "/v1/signups/{id}/session",
    operation_id = "redeem_signup",
    tag = "sessions",
    params(("id" = String, Path, description = "The `workflow_id` of the sign-up.",
        example = "wf_019b7c8d5a2e7f3090b1c2d3e4f5a6b7")),
    request_body(content = Redemption, content_type = "application/json"),
    responses((status = 201, description = "The session has begun.", body = Pair, example = json!(Pair::example())), Problems)
)]
pub(crate) async fn redeem(
    State(api): State<Arc<Api>>,
    address: ClientAddress,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    mut fields: Fields,
) -> Result<(StatusCode, Json<Pair>), Problem> {
    let token = fields.required("workflow_token", Ok::<_, &str>);
    let errors = fields.finish();
    let Some(token) = token.filter(|_| errors.is_empty()) else { return Err(Problem::InvalidFields { errors }) };
    let view = signups::named(&api, id).await?;
    if !signups::is_token_of(&api.hash_key, view.saga, &token) {
        return Err(Problem::WrongWorkflowToken);
    }
    match view.state {
        At::Active(_) => return Err(Problem::SignupNotCompleted),
        At::Ended(End::Failed(code)) => return Err(Problem::SignupFailed { workflow_id: view.saga, code }),
        At::Ended(End::Completed) => {}
    }
    let begun = begin(&api, Proof::SignUp(view.saga), address.0, &headers).await?;
    let pair = begun.ok_or(Problem::NotRedeemable)?;
    counter!("signup_sessions_begun_total", "by" => "signup").increment(1);
    Ok((StatusCode::CREATED, Json(pair)))
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let own = [
            Kind::SignupNotFound,
            Kind::WrongWorkflowToken,
            Kind::SignupNotCompleted,
            Kind::SignupFailed,
            Kind::EmailTaken,
            Kind::NotRedeemable,
            Kind::ActionUnknown,
            Kind::Unavailable,
        ];
        problem::responses(&[&own[..], &Kind::OF_A_BODY].concat())
    }
}
