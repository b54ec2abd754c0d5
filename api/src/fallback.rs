//! What is answered where no endpoint answers.

use std::any::Any;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use tracing::error;

use crate::Health;
use crate::problem::Problem;

/// No route has this path.
pub(crate) async fn not_found() -> Problem {
    Problem::NotFound
}

/// No route has this path, or none has it yet.
pub(crate) async fn not_found_yet(State(health): State<Arc<Health>>) -> Problem {
    if health.is_starting() { Problem::Unavailable } else { Problem::NotFound }
}

/// The route has other methods. The router adds `Allow`, which is all that `OPTIONS` asks for.
pub(crate) async fn other_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        Problem::MethodNotAllowed.into_response()
    }
}

/// A handler panicked. Its message may hold anything, so it is not passed on; the process's panic hook has seen it.
pub(crate) fn panicked(_: Box<dyn Any + Send>) -> Response {
    error!("a handler panicked");
    Problem::Internal.into_response()
}
