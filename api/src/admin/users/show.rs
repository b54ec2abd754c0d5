//! `GET /v1/admin/users/{id}`: everything about a user that an operator needs.

use std::collections::BTreeMap;

use accounts::User;
use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use signup::UserId;
use utoipa::IntoResponses;
use utoipa::openapi::RefOr;

use super::seen::Seen;
use crate::Api;
use crate::admin::desk::Desk;
use crate::problem::{self, Kind, Problem};

/// Show a user
///
/// With their organization, their sign-up, their live sessions, what operators have done to them, and what can be done.
#[utoipa::path(
    get,
    path = "/v1/admin/users/{id}",
    operation_id = "show_user",
    tag = "operators",
    security(("operator" = ["viewer"])),
    params(
        ("id" = String, Path, description = "The `user_id`: `sub` in access tokens.",
            example = "usr_019b7c8d5a2e7f3090b1c2d3e4f5a6b8"),
    ),
    responses((status = 200, description = "The user.", body = Seen, example = json!(Seen::example())), Problems)
)]
pub(in crate::admin) async fn show(desk: Desk, id: Result<Path<String>, PathRejection>) -> Result<Json<Seen>, Problem> {
    let user = user(&desk.api, user_id(id)?).await?;
    Seen::of(&desk.api, user).await.map(Json)
}

/// The id in the path. What cannot be one is answered like one that does not exist.
pub(super) fn user_id(id: Result<Path<String>, PathRejection>) -> Result<UserId, Problem> {
    id.ok().and_then(|Path(text)| text.parse().ok()).ok_or(Problem::UserNotFound)
}

pub(super) async fn user(api: &Api, id: UserId) -> Result<User, Problem> {
    let user = api.identity.users.by_id(id).await.map_err(|error| Problem::unread(&error))?;
    user.ok_or(Problem::UserNotFound)
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::Unauthorized, Kind::UserNotFound, Kind::Internal, Kind::Unavailable])
    }
}
