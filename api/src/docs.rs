//! `GET /docs`: what this API offers, for people. Everything that the page needs is in the binary.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa_swagger_ui::Config;

use crate::Api;
use crate::problem::Problem;

/// What Swagger UI needs: its own files, calls to this API, and pictures that its style sheet carries as `data:`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Without the validator, which is a service of somebody else's.
static CONFIG: LazyLock<Arc<Config<'static>>> =
    LazyLock::new(|| Arc::new(Config::new(["/openapi.json"]).validator_url("none")));

/// The page and its files.
pub(crate) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/docs", get(async || Redirect::permanent("/docs/")))
        .route("/docs/", get(async || file("")))
        .route("/docs/{*file}", get(async |Path(path): Path<String>| file(&path)))
}

fn file(path: &str) -> Response {
    let Ok(Some(file)) = utoipa_swagger_ui::serve(path, Arc::clone(&CONFIG)) else {
        return Problem::NotFound.into_response();
    };
    let headers = [
        (CONTENT_TYPE, file.content_type),
        (CACHE_CONTROL, "max-age=3600".to_owned()),
        (CONTENT_SECURITY_POLICY, POLICY.to_owned()),
    ];
    (headers, file.bytes.into_owned()).into_response()
}
