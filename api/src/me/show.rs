//! `GET /v1/me`: who one is.

use std::collections::BTreeMap;

use accounts::Account;
use axum::Json;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use crate::identity::SignedIn;
use crate::problem::{self, Kind, Problem};
use crate::time::shown;

/// Who one is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Me {
    /// The user: `sub` in their access tokens.
    #[schema(pattern = "^usr_[0-9a-f]{32}$")]
    user_id: String,
    /// The address that they sign in with.
    email: String,
    /// Their name, if they gave one.
    full_name: Option<String>,
    /// What they are in their organization.
    #[schema(example = "owner")]
    role: &'static str,
    /// Their organization.
    organization: Organization,
    /// When they signed up.
    #[schema(format = "date-time")]
    created_at: String,
}

/// An organization.
#[derive(Serialize, ToSchema)]
pub(crate) struct Organization {
    /// Its id: `org_id` in access tokens.
    #[schema(pattern = "^org_[0-9a-f]{32}$")]
    pub(crate) org_id: String,
    /// Its name.
    pub(crate) name: String,
}

/// Tell who one is
#[utoipa::path(
    get,
    path = "/v1/me",
    operation_id = "show_me",
    tag = "sessions",
    security(("user" = [])),
    responses((status = 200, description = "The user.", body = Me, example = json!(Me::example())), Problems)
)]
pub(crate) async fn show(SignedIn { api, holder }: SignedIn) -> Result<Json<Me>, Problem> {
    let account = api.identity.accounts.account(holder.user).await.map_err(|error| Problem::unread(&error))?;
    account.map(|account| Json(Me::of(account))).ok_or(Problem::SignInRequired)
}

impl Me {
    fn of(account: Account) -> Self {
        Self {
            user_id: account.user.to_string(),
            email: account.email.as_written().to_owned(),
            full_name: account.full_name,
            role: account.role.as_str(),
            organization: Organization { org_id: account.organization.to_string(), name: account.organization_name },
            created_at: shown(account.created_at),
        }
    }

    fn example() -> Value {
        json!({
            "user_id": "usr_019b7c8d5a2e7f3090b1c2d3e4f5a6b8",
            "email": "grace@example.com",
            "full_name": "Grace Hopper",
            "role": "owner",
            "organization": { "org_id": "org_019b7c8d5a2e7f3090b1c2d3e4f5a6b9", "name": "Compilers" },
            "created_at": "2026-01-02T03:04:05.250Z",
        })
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::SignInRequired, Kind::Internal, Kind::Unavailable])
    }
}
