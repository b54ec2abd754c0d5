//! `GET /healthz`: whether the process is alive. It asks nobody else, so that a database that is away does not get
//! the processes restarted that wait for it.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The process answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    status: &'static str,
}

impl Health {
    const OK: Self = Self { status: "ok" };
}

/// Tell whether the process is alive
///
/// Says nothing about the database.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "check_health",
    tag = "service",
    responses((status = 200, description = "The process is alive.", body = Health, example = json!(Health::OK)))
)]
pub(crate) async fn check() -> Json<Health> {
    Json(Health::OK)
}
