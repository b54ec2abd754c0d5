//! `POST /v1/admin/sagas/{id}/resolve`: declares a saga over of which nothing is left.

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use saga::Action;

use super::act::{self, ResolveProblems};
use super::desk::Controls;
use super::inspected::Inspected;
use super::order::Order;
use crate::fields::Fields;
use crate::problem::Problem;

/// Declare a saga over
///
/// It ends as failed. Only where nothing exists of what its steps have made.
#[utoipa::path(
    post,
    path = "/v1/admin/sagas/{id}/resolve",
    operation_id = "resolve_saga",
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
        ResolveProblems
    )
)]
pub(super) async fn resolve(
    controls: Controls,
    id: Result<Path<String>, PathRejection>,
    fields: Fields,
) -> Result<Json<Inspected>, Problem> {
    act::answer(Action::Resolve, controls, id, fields).await
}
