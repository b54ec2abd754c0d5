//! The HTTP API of the sign-up service.
//!
//! [`router()`] is the map: one page, every route. Each endpoint is a file with its shape, its handler and its
//! documentation; the OpenAPI document is made of these. Whatever goes wrong is answered by one type, `Problem`, as
//! `application/problem+json`; `docs/errors.md` lists them all.
//!
//! Of sagas nothing is written here but by [`saga::Store::accept`] and, for operators, [`saga::Store::operate`]. The
//! password of a sign-up is sealed to the workers before it leaves the handler; this crate has no key to open it. Who
//! signs in goes through [`Identity`].

mod admin;
mod admission;
mod bearer;
mod client;
mod cors;
mod docs;
mod fallback;
mod fields;
mod headers;
mod health;
mod identity;
mod me;
mod metrics;
mod observe;
mod openapi;
mod overload;
mod prefer;
mod problem;
mod quotas;
mod request_id;
mod router;
mod sessions;
mod settle;
mod signups;
mod state;
mod taken;
mod time;
mod waiters;
mod well_known;

pub use admission::Admission;
pub use client::TrustedProxies;
pub use cors::AllowedOrigins;
pub use health::{Component, Condition, Health, Trouble};
pub use identity::{Identity, IdentityParts};
pub use openapi::openapi;
pub use overload::Overload;
pub use quotas::Quotas;
pub use router::{health_router, router};
pub use state::Api;
pub use taken::TakenEmails;
pub use waiters::Waiters;
