//! Every route, and what every request passes through.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response, map_response_with_state};
use axum::response::Redirect;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{
    Api, Health, admin, cors, docs, fallback, headers, health, me, metrics, observe, openapi, sessions, signups,
    well_known,
};

/// The service's routes.
///
/// Bound what this cannot see where it is served: connections, and how long a request's head may take.
pub fn router(api: Api) -> Router {
    let api = Arc::new(api);
    let operators = admin::endpoints().with_state(admin::Locked::new(Arc::clone(&api)));
    let health = health::endpoints().with_state(Arc::clone(&api.health));
    let metrics = metrics::endpoints().with_state(api.metrics.clone());
    let (endpoints, document) = endpoints().merge(metrics).merge(health).merge(operators).split_for_parts();
    // What comes last here sees a request first.
    endpoints
        .route("/", get(async || Redirect::to("/docs/")))
        .route("/openapi.json", openapi::route(&document))
        .merge(docs::routes())
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::other_method)
        .layer(CatchPanicLayer::custom(fallback::panicked))
        .layer(from_fn_with_state(api.origins.layer(), cors::tell))
        .layer(map_response(headers::secure))
        .layer(map_response_with_state(Arc::clone(&api.health), headers::take_leave))
        .layer(from_fn_with_state(Arc::clone(&api), observe::observe))
        .with_state(api)
}

/// The routes of a process that serves nothing else, or nothing else yet.
pub fn health_router(health: Arc<Health>, counted: PrometheusHandle) -> Router {
    let metrics = metrics::endpoints().with_state(counted);
    let endpoints = metrics.merge(health::endpoints().with_state(Arc::clone(&health)));
    let (endpoints, _) = endpoints.split_for_parts();
    endpoints
        .fallback(fallback::not_found_yet)
        .method_not_allowed_fallback(fallback::other_method)
        .layer(CatchPanicLayer::custom(fallback::panicked))
        .layer(map_response(headers::secure))
        .layer(map_response_with_state(Arc::clone(&health), headers::take_leave))
        .with_state(health)
}

/// The endpoints that the OpenAPI document describes, besides those of health, metrics and the operators'.
pub(crate) fn endpoints() -> OpenApiRouter<Arc<Api>> {
    OpenApiRouter::with_openapi(openapi::head())
        .routes(routes!(signups::start::start))
        .routes(routes!(signups::show::show))
        .routes(routes!(signups::follow::follow))
        .routes(routes!(signups::compat::start_and_wait))
        .routes(routes!(sessions::redeem::redeem))
        .routes(routes!(sessions::sign_in::sign_in, sessions::list::list, sessions::revoke::revoke_all))
        .routes(routes!(sessions::refresh::refresh))
        .routes(routes!(sessions::revoke::revoke))
        .routes(routes!(me::show::show))
        .routes(routes!(me::password::change))
        .routes(routes!(well_known::jwks::show))
        .routes(routes!(well_known::configuration::show))
}
