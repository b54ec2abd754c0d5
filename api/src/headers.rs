//! Headers that every answer has.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

/// Answers are data: they load nothing, are shown in no frame, and are what they say they are.
const ALWAYS: [(HeaderName, HeaderValue); 3] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// An answer may say otherwise: the documentation does.
const UNLESS_SET: [(HeaderName, HeaderValue); 2] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Adds the headers that every answer has.
pub(crate) async fn secure(mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.extend(ALWAYS);
    for (name, value) in UNLESS_SET {
        headers.entry(name).or_insert(value);
    }
    response
}
