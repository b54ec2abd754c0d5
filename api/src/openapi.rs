//! `GET /openapi.json`: what this API offers, for programs.

use std::sync::Arc;

use axum::http::header::CONTENT_TYPE;
use axum::routing::{MethodRouter, get};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use crate::problem::{FieldError, Problem};
use crate::router::endpoints;
use crate::signups::compat::Failure;
use crate::{Api, admin, health, identity, metrics};

const ABOUT: &str = "\
Signs people up, wholly or not at all: a user, their organization, their profile and their claims.

Start a sign-up with `POST /v1/signups`, then follow its `status_url` until it is `completed` or `failed`.
Redeem a completed one for a session, whose access token is what other services ask for.

Every answer carries `X-Request-Id`: the request's own, if it has 1 to 64 characters of `A-Z a-z 0-9 . _ -`, or a new
one. Every error is `application/problem+json` (RFC 9457); its `type` is stable, its texts are not. Any path may also
answer 404 `not_found`, 405 `method_not_allowed` and 500 `internal`.";

/// The OpenAPI document, without the endpoints.
#[derive(OpenApi)]
#[openapi(
    info(title = "signup-saga", description = ABOUT),
    components(schemas(Problem, Failure, FieldError, admin::Thing, admin::Whereabouts)),
    modifiers(&Tokens),
    tags(
        (name = "sign-ups", description = "Start a sign-up and follow it."),
        (name = "sessions", description = "Sign in, stay signed in, and sign out."),
        (name = "operators", description = "Find sagas that need a person, and mend them."),
        (name = "service", description = "The service itself."),
    )
)]
struct Head;

/// Says how users and operators show who they are.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let user = "The access token of a live session, from signing in or from redeeming a sign-up.";
        let operator = "An operator's token: `sgo_` and 43 letters, digits, `-` and `_`. Each endpoint names the role that \
                        it takes: `viewer`, which operators have as well, or `operator`.";
        for (name, description) in [(identity::SCHEME, user), (admin::SCHEME, operator)] {
            let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
            components.add_security_scheme(name, SecurityScheme::Http(bearer));
        }
    }
}

/// The OpenAPI document, without the endpoints.
pub(crate) fn head() -> utoipa::openapi::OpenApi {
    Head::openapi()
}

/// The OpenAPI document, as JSON.
pub fn openapi() -> String {
    let mut document = endpoints().into_openapi();
    document.merge(metrics::endpoints().into_openapi());
    document.merge(health::endpoints().into_openapi());
    document.merge(admin::endpoints().into_openapi());
    json(&document)
}

/// The route that serves the document.
pub(crate) fn route(document: &utoipa::openapi::OpenApi) -> MethodRouter<Arc<Api>> {
    let text: Arc<str> = json(document).into();
    get(move || {
        let text = text.to_string();
        async move { ([(CONTENT_TYPE, "application/json")], text) }
    })
}

fn json(document: &utoipa::openapi::OpenApi) -> String {
    // Maps with keys of text always become JSON.
    document.to_pretty_json().map(|text| text + "\n").unwrap_or_default()
}
