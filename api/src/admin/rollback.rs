//! `POST /v1/admin/sagas/{id}/rollback`: takes a saga back.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use saga::Action;

use super::act::{self, Problems};
use super::desk::Controls;
use super::inspected::Inspected;
use super::order::Order;
use crate::fields::Fields;
use crate::problem::Problem;

/// Take a saga back
///
/// Undoes the step at hand and the ones before it. Only of a running saga: any other goes back already, or has ended.
#[utoipa::path(
    post,
    path = "/v1/admin/sagas/{id}/rollback",
    operation_id = "rollback_saga",
    tag = "operators",
    security(("operator" = ["operator"])),
    params(
        ("id" = String, Path, description = "The `workflow_id` of the sign-up.",
            example = "wf_019b7c8d5a2e7f3090b1c2d3e4f5a6b7"),
    ),
    request_body(content = Order, content_type = "application/json"),
    responses(
        (status = 200, description = "Done: the saga as it is now.", body = Inspected,
            example = json!(Inspected::example())),
        Problems
    )
)]
pub(super) async fn roll_back(
    controls: Controls,
    id: Result<Path<String>, PathRejection>,
    fields: Fields,
) -> Result<Json<Inspected>, Problem> {
    act::answer(Action::RollBack, controls, id, fields).await
}
