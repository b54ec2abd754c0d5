//! `POST /v1/me/password`: changes one's password.

use std::collections::BTreeMap;

use accounts::Holder;
use axum::http::StatusCode;
use signup::{Password, PasswordHash};
use tracing::debug;
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use crate::Api;
use crate::client::ClientAddress;
use crate::fields::Fields;
use crate::identity::SignedIn;
use crate::problem::{self, FieldError, Kind, Problem};
use crate::sessions::sign_in::prove;
use crate::settle::{Settled, WhileAway, settle};

/// A change of password. Fields other than these are refused.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPassword {
    /// The password that they have.
    #[schema(value_type = String, format = "password", write_only, min_length = 1, max_length = 256)]
    old_password: Password,
    /// The password that they will have: 8 to 256 characters, any characters, taken exactly as they are. Not one that
    /// is easily guessed.
    #[schema(value_type = String, format = "password", write_only, min_length = 8, max_length = 256)]
    new_password: Password,
}

/// Change one's password
///
/// All other sessions are ended; this one goes on.
#[utoipa::path(
    post,
    path = "/v1/me/password",
    operation_id = "change_password",
    tag = "sessions",
    security(("user" = [])),
    request_body(content = NewPassword, content_type = "application/json"),
    responses((status = 204, description = "The password is changed."), Problems)
)]
pub(crate) async fn change(
    SignedIn { api, holder }: SignedIn,
    address: ClientAddress,
    fields: Fields,
) -> Result<StatusCode, Problem> {
    let NewPassword { old_password, new_password } = NewPassword::read(fields, holder.email.as_written())?;
    let known = prove(&api, address.0, &holder.email, old_password).await?;
    let known = known.filter(|known| known.user == holder.user).ok_or_else(wrong)?;
    let hashed = api.identity.hasher.hash(new_password).await;
    let hash = hashed.map_err(|error| {
        debug!(%error, "a password was not hashed");
        api.overload.too_many_hashes()
    })?;
    let change = || api.identity.accounts.change_password(&known, &hash, holder.session);
    let changed = settle(&*api.random, &"change a password", WhileAway::IsRefused, change).await;
    // It may be changed also where that is not known.
    api.identity.live.are_over(holder.user);
    let Settled { said: is_done, in_doubt } = changed?;
    if is_done || in_doubt && is_changed(&api, &holder, &hash).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        // Somebody else has changed it meanwhile, or the user is disabled.
        Err(wrong())
    }
}

/// Whether the user's password has this hash, which nobody else has made.
async fn is_changed(api: &Api, holder: &Holder, hash: &PasswordHash) -> Result<bool, Problem> {
    let known = api.identity.accounts.credentials(&holder.email).await.map_err(|_| Problem::ActionUnknown)?;
    Ok(known.is_some_and(|known| known.hash == *hash))
}

fn wrong() -> Problem {
    let errors = vec![FieldError { field: "old_password".into(), message: "is not your password".to_owned() }];
    Problem::InvalidFields { errors }
}

impl NewPassword {
    fn read(mut fields: Fields, email: &str) -> Result<Self, Problem> {
        let old = fields.required("old_password", Password::presented);
        let new = fields.required("new_password", |text| Password::parse(text, &[email]));
        let errors = fields.finish();
        match (old, new) {
            (Some(old_password), Some(new_password)) if errors.is_empty() => Ok(Self { old_password, new_password }),
            _ => Err(Problem::InvalidFields { errors }),
        }
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let own = [Kind::SignInRequired, Kind::RateLimited, Kind::Overloaded, Kind::ActionUnknown, Kind::Unavailable];
        problem::responses(&[&own[..], &Kind::OF_A_BODY].concat())
    }
}
