//! `GET /v1/sessions`: where one is signed in.

use std::collections::BTreeMap;

use accounts::{Session, SessionId};
use axum::Json;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use crate::identity::SignedIn;
use crate::problem::{self, Kind, Problem};
use crate::time::shown;

/// One's live sessions.
#[derive(Serialize, ToSchema)]
#[schema(as = Sessions)]
pub(crate) struct List {
    /// The one that was used last first; a hundred at most.
    sessions: Vec<Entry>,
}

/// A session of one's own.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnSession)]
struct Entry {
    /// Whether it is the one that asks.
    current: bool,
    #[serde(flatten)]
    session: Told,
}

/// A session.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct Told {
    /// Its id.
    #[schema(pattern = "^ses_[0-9a-f]{32}$")]
    session_id: String,
    /// The client in its own words, if it had any.
    device: Option<String>,
    /// The network that it was begun from, as coarsely as it is kept.
    address_class: Option<String>,
    /// When it began.
    #[schema(format = "date-time")]
    began_at: String,
    /// When it was last refreshed, or began.
    #[schema(format = "date-time")]
    used_at: String,
    /// When it ends, unless it is refreshed.
    #[schema(format = "date-time")]
    expires_at: String,
}

/// List one's sessions
#[utoipa::path(
    get,
    path = "/v1/sessions",
    operation_id = "list_sessions",
    tag = "sessions",
    security(("user" = [])),
    responses((status = 200, description = "One's sessions.", body = List, example = json!(List::example())), Problems)
)]
pub(crate) async fn list(SignedIn { api, holder }: SignedIn) -> Result<Json<List>, Problem> {
    let sessions = api.identity.sessions.list(holder.user).await.map_err(|error| Problem::unread(&error))?;
    Ok(Json(List { sessions: sessions.into_iter().map(|session| Entry::of(session, holder.session)).collect() }))
}

impl Entry {
    fn of(session: Session, current: SessionId) -> Self {
        Self { current: session.id == current, session: Told::of(session) }
    }
}

impl Told {
    pub(crate) fn of(session: Session) -> Self {
        Self {
            session_id: session.id.to_string(),
            device: session.device,
            address_class: session.address_class,
            began_at: shown(session.began_at),
            used_at: shown(session.used_at),
            expires_at: shown(session.expires_at),
        }
    }

    pub(crate) fn example() -> Value {
        json!({
            "session_id": "ses_019b7c8d5a2e7f3090b1c2d3e4f5a6b7",
            "device": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "address_class": "198.51.100.0/24",
            "began_at": "2026-01-02T03:04:05.250Z",
            "used_at": "2026-01-02T04:04:05.250Z",
            "expires_at": "2026-02-01T04:04:05.250Z",
        })
    }
}

impl List {
    fn example() -> Value {
        let mut own = Told::example();
        own["current"] = json!(true);
        json!({ "sessions": [own] })
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::SignInRequired, Kind::Internal, Kind::Unavailable])
    }
}
