//! `GET /v1/admin/users`: the user who has an e-mail.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::Uri;
use serde::Serialize;
use serde_json::{Value, json};
use signup::EmailAddress;
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use super::seen::Seen;
use crate::admin::desk::Desk;
use crate::admin::parameters::Parameters;
use crate::problem::{self, Kind, Problem};

/// Users who were asked for.
#[derive(Serialize, ToSchema)]
#[schema(as = Users)]
pub(in crate::admin) struct Found {
    /// The one who has the e-mail, or nobody.
    #[schema(max_items = 1)]
    users: Vec<Seen>,
}

/// Find a user by their e-mail
///
/// As they would sign in with it: the case does not matter, and otherwise it is the whole e-mail. Somebody whose sign-up
/// is under way is found from the moment that their user exists.
#[utoipa::path(
    get,
    path = "/v1/admin/users",
    operation_id = "find_user",
    tag = "operators",
    security(("operator" = ["viewer"])),
    params(
        ("email" = String, Query, description = "The e-mail.", format = "email", min_length = 1, max_length = 254,
            example = "grace@example.com"),
    ),
    responses((status = 200, description = "The user, or nobody.", body = Found, example = json!(Found::example())),
        Problems)
)]
pub(in crate::admin) async fn find(desk: Desk, uri: Uri) -> Result<Json<Found>, Problem> {
    let mut parameters = Parameters::of(&uri);
    let email = parameters.required("email", EmailAddress::parse);
    parameters.finish()?;
    let user = match email {
        Some(email) => desk.api.identity.users.by_email(&email).await.map_err(|error| Problem::unread(&error))?,
        None => None,
    };
    let mut users = Vec::new();
    if let Some(user) = user {
        users.push(Seen::of(&desk.api, user).await?);
    }
    Ok(Json(Found { users }))
}

impl Found {
    fn example() -> Value {
        json!({ "users": [Seen::example()] })
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::InvalidParameters, Kind::Unauthorized, Kind::Internal, Kind::Unavailable])
    }
}
