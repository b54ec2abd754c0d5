//! What others need to verify access tokens. Each endpoint is a file.

pub(crate) mod configuration;
pub(crate) mod jwks;

use axum::http::HeaderName;
use axum::http::header::CACHE_CONTROL;

/// Whoever verifies many tokens keeps it for a while: a key is published for longer than this before it signs.
const KEPT: (HeaderName, &str) = (CACHE_CONTROL, "public, max-age=300");
