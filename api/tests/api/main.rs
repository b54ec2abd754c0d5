//! The API as its clients see it.
//!
//! A [`stage::Stage`] is the real router on a store whose answers the test decides. Its client holds every answer
//! against the OpenAPI document: an endpoint that answers what is not described there fails whichever test meets it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod admin;
mod bad_requests;
mod compat;
mod cors;
mod every_route;
mod following;
mod limits;
mod log;
mod members;
mod openapi;
mod overload;
mod readiness;
mod script;
mod showing;
mod stage;
mod starting;
mod store_trouble;
mod taken;
mod waiting;
