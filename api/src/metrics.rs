//! `GET /metrics`: what the process counts, for Prometheus.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use metrics_exporter_prometheus::PrometheusHandle;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The endpoint that tells.
pub(crate) fn endpoints() -> OpenApiRouter<PrometheusHandle> {
    OpenApiRouter::new().routes(routes!(show))
}

/// Tell what the process counts
///
/// In the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "service",
    responses((status = 200, description = "What is counted.", content_type = "text/plain", body = String,
        example = "# TYPE signup_waiters gauge\nsignup_waiters 3\n")),
)]
pub(crate) async fn show(State(counted): State<PrometheusHandle>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], counted.render())
}
