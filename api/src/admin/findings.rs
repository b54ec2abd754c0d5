//! `GET /v1/admin/findings`: what auditors have found to be wrong.

use std::collections::BTreeMap;

use auditor::{Recorded, invariants};
use axum::Json;
use axum::http::Uri;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::{IntoResponses, ToSchema};

use super::desk::Desk;
use super::list::{Flag, Limit, USUAL, limit};
use super::parameters::{Parameters, one_of};
use super::saga;
use crate::problem::{self, Kind, Problem};
use crate::time::shown;

/// What auditors have found to be wrong.
#[derive(Serialize, ToSchema)]
#[schema(as = Findings)]
pub(super) struct List {
    /// When the last audit began: it happens each minute, in one of the processes. Left out before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time", nullable = false)]
    audited_at: Option<String>,
    /// The findings, the latest first.
    findings: Vec<Finding>,
}

/// Something that breaks an invariant.
#[derive(Serialize, ToSchema)]
struct Finding {
    /// Its number.
    #[schema(minimum = 1)]
    id: u64,
    /// The invariant's name.
    invariant: String,
    /// What the invariant says. Left out where this version does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    meaning: Option<&'static str>,
    /// The saga that it is about. There need not be one of this id: that may be what is wrong.
    #[schema(pattern = "^wf_[0-9a-f]{32}$")]
    workflow_id: String,
    /// What is wrong.
    what: String,
    /// When it was first seen.
    #[schema(format = "date-time")]
    found_at: String,
    /// When it was last seen.
    #[schema(format = "date-time")]
    seen_at: String,
    /// When it was seen to be over. Left out while it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time", nullable = false)]
    over_at: Option<String>,
}

/// List what auditors have found to be wrong
///
/// Each minute one of the processes checks that every user, organization and profile is whole and belongs to a saga that
/// made it, that journals are sound, and that no password is kept for longer than it is needed. What is not so is listed
/// here, the latest first, until it is over.
#[utoipa::path(
    get,
    path = "/v1/admin/findings",
    operation_id = "list_findings",
    tag = "operators",
    security(("operator" = ["viewer"])),
    params(
        ("over" = inline(Option<Flag>), Query, nullable = false, description = "`true`: also those that are over."),
        ("limit" = inline(Option<Limit>), Query, nullable = false,
            description = "How many at most: 1 to 200, otherwise 50."),
    ),
    responses((status = 200, description = "The findings.", body = List, example = json!(List::example())), Problems)
)]
pub(super) async fn list(desk: Desk, uri: Uri) -> Result<Json<List>, Problem> {
    let mut parameters = Parameters::of(&uri);
    let also_over = parameters.read("over", |text| one_of(&["true", "false"], text)) == Some("true");
    let most = parameters.read("limit", limit).unwrap_or(USUAL);
    parameters.finish()?;
    let evidence = &desk.api.evidence;
    let unread = |error| Problem::unread(&error);
    let audited_at = evidence.last_turn().await.map_err(unread)?;
    let found = evidence.findings(also_over, u32::try_from(most).unwrap_or(u32::MAX)).await.map_err(unread)?;
    Ok(Json(List { audited_at: audited_at.map(shown), findings: found.into_iter().map(Finding::of).collect() }))
}

impl Finding {
    fn of(found: Recorded) -> Self {
        Self {
            id: found.id,
            meaning: invariants::meaning(&found.invariant),
            invariant: found.invariant,
            workflow_id: found.saga.to_string(),
            what: found.what,
            found_at: shown(found.found_at),
            seen_at: shown(found.seen_at),
            over_at: found.over_at.map(shown),
        }
    }
}

impl List {
    fn example() -> Self {
        const AT: Timestamp = Timestamp::constant(1_767_323_045, 250_000_000);
        let found = Recorded {
            id: 1,
            invariant: "no_orphan".to_owned(),
            saga: saga::example().view.saga,
            what: "user left: there is no such saga".to_owned(),
            found_at: AT,
            seen_at: AT,
            over_at: None,
        };
        Self { audited_at: Some(shown(AT)), findings: vec![Finding::of(found)] }
    }
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::InvalidParameters, Kind::Unauthorized, Kind::Internal, Kind::Unavailable])
    }
}
