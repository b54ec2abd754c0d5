//! `GET /healthz`: whether the process is alive. It asks nobody else, so that a database that is away does not get
//! the processes restarted that wait for it.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The process answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Liveness {
    /// Always `ok`.
    status: &'static str,
}

impl Liveness {
    const OK: Self = Self { status: "ok" };
}

/// Tell whether the process is alive
///
/// Says nothing about what it does its work with: `/readyz` does.
#[utoipa::path(
    get,
    path = "/healthz",
    operation_id = "check_health",
    tag = "service",
    responses((status = 200, description = "The process is alive.", body = Liveness, example = json!(Liveness::OK)))
)]
pub(crate) async fn check() -> Json<Liveness> {
    Json(Liveness::OK)
}
