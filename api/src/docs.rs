//! `GET /docs`: what this API offers, for people. Everything that the page needs is in the binary.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa_swagger_ui::Config;

use crate::Api;
use crate::problem::Problem;

/// What Swagger UI needs: its own files, calls to this API, pictures that its style sheet carries as `data:`, and one
/// style that is part of its logo's drawing, known by its hash.
const POLICY: &str = "default-src 'none'; script-src 'self'; \
                      style-src 'self' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Without the validator, which is a service of somebody else's.
static CONFIG: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::new(["/openapi.json"]).validator_url("none")));

/// The page and its files.
pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(async || file("")))
        .route("/docs/{*file}", get(named))
}

async fn named(path: Result<Path<String>, PathRejection>) -> Response {
    path.map_or_else(|_| nothing(), |Path(path)| file(&path))
}

fn file(path: &str) -> Response {
    let Ok(Some(file)) = utoipa_swagger_ui::serve(path, Arc::clone(&CONFIG)) else {
        return nothing();
    };
    let headers = [
        (CONTENT_TYPE, file.content_type),
        (CACHE_CONTROL, "max-age=3600".to_owned()),
        (CONTENT_SECURITY_POLICY, POLICY.to_owned()),
    ];
    let page = matches!(path, "" | "index.html");
    let bytes = file.bytes.into_owned();
    (headers, if page { titled(bytes) } else { bytes }).into_response()
}

/// The page under our title.
fn titled(bytes: Vec<u8>) -> Vec<u8> {
    match String::from_utf8(bytes) {
        Ok(text) => text.replacen("<title>Swagger UI</title>", "<title>signup-saga API</title>", 1).into_bytes(),
        Err(other) => other.into_bytes(),
    }
}

fn nothing() -> Response {
    Problem::NotFound.into_response()
}
