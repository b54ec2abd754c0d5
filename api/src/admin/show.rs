//! `GET /v1/admin/sagas/{id}`: everything about a saga that an operator needs.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use saga::SagaId;
use tracing::Span;
use tracing::field::display;
use utoipa::IntoResponses;
use utoipa::openapi::RefOr;

use super::desk::Desk;
use super::inspected::Inspected;
use crate::problem::{self, Kind, Problem};

/// Show a saga
///
/// With its journal, what its steps have made that still exists, what happens next, and what can be done.
#[utoipa::path(
    get,
    path = "/v1/admin/sagas/{id}",
    operation_id = "show_saga",
    tag = "operators",
    security(("operator" = ["viewer"])),
    params(
        ("id" = String, Path, description = "The `workflow_id` of the sign-up.",
            example = "wf_019b7c8d5a2e7f3090b1c2d3e4f5a6b7"),
    ),
    responses(
        (status = 200, description = "The saga.", body = Inspected, example = json!(Inspected::example())),
        Problems
    )
)]
pub(super) async fn show(desk: Desk, id: Result<Path<String>, PathRejection>) -> Result<Json<Inspected>, Problem> {
    Inspected::read(&desk.api, saga_id(id)?).await.map(Json)
}

/// The id in the path. What cannot be one is answered like one that does not exist.
pub(super) fn saga_id(id: Result<Path<String>, PathRejection>) -> Result<SagaId, Problem> {
    let id = id.ok().and_then(|Path(text)| text.parse().ok()).ok_or(Problem::SignupNotFound)?;
    Span::current().record("saga.id", display(id));
    Ok(id)
}

/// What may go wrong here.
struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        problem::responses(&[Kind::Unauthorized, Kind::SignupNotFound, Kind::Internal, Kind::Unavailable])
    }
}
