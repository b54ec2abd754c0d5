//! The id by which a request is found in the log.

use std::fmt;

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::Api;

/// The id by which a request is found in the log: the client's, if it can be shown as it is, or a new one.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(String);

impl RequestId {
    const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// The request's id.
    pub(crate) fn of(headers: &HeaderMap, api: &Api) -> Self {
        Self::given(headers).unwrap_or_else(|| Self(saga::id::uuid_v7(&*api.clock, &*api.random).to_string()))
    }

    fn given(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(Self::HEADER)?.to_str().ok()?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        ((1..=64).contains(&text.len()) && text.bytes().all(plain)).then(|| Self(text.to_owned()))
    }

    /// Adds it to an answer.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.0) {
            headers.insert(Self::HEADER, value);
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
