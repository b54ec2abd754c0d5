//! What operators see and do. Each endpoint is a file.
//!
//! Nobody gets in without a token: these routes have a state of their own, [`Locked`], which nothing but [`desk::Desk`]
//! opens, and it asks for the token first.

mod act;
mod cursor;
mod desk;
mod findings;
mod inspected;
mod list;
mod order;
mod outlook;
mod parameters;
mod reason;
mod resolve;
mod retry;
mod rollback;
mod saga;
mod show;
mod stats;
mod users;
mod workers;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use desk::Locked;
pub(crate) use inspected::Thing;
pub(crate) use saga::Whereabouts;

/// The name of the operators' token in the OpenAPI document.
pub(crate) const SCHEME: &str = "operator";

/// The operators' endpoints.
pub(crate) fn endpoints() -> OpenApiRouter<Locked> {
    OpenApiRouter::new()
        .routes(routes!(list::list))
        .routes(routes!(show::show))
        .routes(routes!(retry::retry))
        .routes(routes!(rollback::roll_back))
        .routes(routes!(resolve::resolve))
        .routes(routes!(workers::list))
        .routes(routes!(findings::list))
        .routes(routes!(stats::show))
        .routes(routes!(users::find::find))
        .routes(routes!(users::show::show))
        .routes(routes!(users::act::disable))
        .routes(routes!(users::act::enable))
        .routes(routes!(users::act::sign_out))
}
