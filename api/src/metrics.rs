//! `GET /metrics`: what the process counts, for Prometheus.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use metrics::{Unit, describe_counter, describe_gauge, gauge};

use crate::Api;

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
pub(crate) async fn show(State(api): State<Arc<Api>>) -> impl IntoResponse {
    gauge!("signup_waiters").set(u32::try_from(api.waiters.waiting()).unwrap_or(u32::MAX));
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], api.metrics.render())
}

/// Says of each figure what it is. Once, after the recorder is installed.
pub fn describe() {
    describe_counter!(
        "signup_duplicate_lookups_total",
        Unit::Count,
        "Sign-ups with an e-mail that belongs to a user, by what knew it: process, redis, database."
    );
    describe_counter!("signup_sessions_begun_total", Unit::Count, "Sessions that began, by what: password, signup.");
    describe_counter!(
        "signup_sessions_refreshed_total",
        Unit::Count,
        "Refreshes, by what became of the session: live, reused, over."
    );
    describe_counter!("signup_sign_ins_refused_total", Unit::Count, "Sign-ins refused: password, attempts, load.");
    describe_counter!("signup_shed_total", Unit::Count, "Sign-ups refused for too much to do: backlog, queue.");
    describe_counter!("signup_waiter_queries_total", Unit::Count, "Readings of the store for all who wait together.");
    describe_gauge!("signup_waiters", Unit::Count, "Requests and streams that wait for a sign-up.");
}
