//! Which web pages may ask this API from a browser (CORS, <https://fetch.spec.whatwg.org/#http-cors-protocol>).

use std::net::Ipv6Addr;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, ORIGIN, RETRY_AFTER,
};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tower::{Layer, Service};
use tower_http::cors::CorsLayer;

/// Where the operators' endpoints are: no page asks for them.
const OPERATORS: &str = "/v1/admin";

/// What a page may send.
const SENT: [HeaderName; 7] = [
    CONTENT_TYPE,
    AUTHORIZATION,
    IF_NONE_MATCH,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("prefer"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("x-request-id"),
];

/// What a page may read of an answer's head.
const READ: [HeaderName; 8] = [
    LOCATION,
    RETRY_AFTER,
    ETAG,
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("idempotency-replayed"),
    HeaderName::from_static("preference-applied"),
    HeaderName::from_static("x-request-id"),
];

/// For how long a browser need not ask again whether a page may.
const REMEMBERED: Duration = Duration::from_hours(1);

/// The origins whose pages may ask this API from a browser.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedOrigins(Vec<HeaderValue>);

impl AllowedOrigins {
    /// What tells browsers so; none where no page may.
    pub(crate) fn layer(&self) -> Option<CorsLayer> {
        let layer = CorsLayer::new()
            .allow_origin(self.0.clone())
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            .allow_headers(SENT)
            .expose_headers(READ)
            .max_age(REMEMBERED);
        (!self.0.is_empty()).then_some(layer)
    }
}

/// Tells browsers which pages may ask, on every answer but the operators'.
pub(crate) async fn tell(State(cors): State<Option<CorsLayer>>, request: Request, next: Next) -> Response {
    // The layer takes whatever has this method for a browser's question.
    let is_meant = request.method() != Method::OPTIONS || is_preflight(&request);
    let is_public = !request.uri().path().starts_with(OPERATORS);
    match cors.filter(|_| is_meant && is_public) {
        Some(cors) => {
            let Ok(answer) = cors.layer(next).call(request).await;
            answer
        }
        None => next.run(request).await,
    }
}

/// Whether a browser asks if a page may.
fn is_preflight(request: &Request) -> bool {
    [ORIGIN, ACCESS_CONTROL_REQUEST_METHOD].iter().all(|name| request.headers().contains_key(name))
}

impl FromStr for AllowedOrigins {
    type Err = String;

    /// Origins as browsers write them, with commas between: `https://app.example.com, http://localhost:3000`.
    fn from_str(text: &str) -> Result<Self, String> {
        let origin = |text: &str| {
            if text == "*" {
                return Err("\"*\" would let every page there is sign people up".to_owned());
            }
            let origin = HeaderValue::from_str(text).ok().filter(|_| is_origin(text));
            origin.ok_or_else(|| format!("{text:?} is no origin such as https://app.example.com"))
        };
        let origins = text.split(',').map(str::trim).filter(|text| !text.is_empty());
        origins.map(origin).collect::<Result<_, _>>().map(Self)
    }
}

/// Whether a browser would write an origin so: in lower case, without a path, without the scheme's own port. Any other
/// would never be the same as one that is sent.
fn is_origin(text: &str) -> bool {
    let (authority, own) = match text.split_once("://") {
        Some(("https", authority)) => (authority, 443),
        Some(("http", authority)) => (authority, 80),
        Some(_) | None => return false,
    };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let number = |port: &str| port.parse::<u16>().ok().filter(|number| *number != own && number.to_string() == port);
    is_host(host) && port.is_none_or(|port| number(port).is_some())
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address);
    }
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    !host.is_empty() && host.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_write() {
        assert_eq!("".parse(), Ok(AllowedOrigins::default()));
        let several: AllowedOrigins =
            "https://app.example.com, http://localhost:3000,http://[::1]:8080".parse().unwrap();
        assert_eq!(several.0, ["https://app.example.com", "http://localhost:3000", "http://[::1]:8080"]);
        for wrong in [
            "app.example.com",
            "https://app.example.com/",
            "https://App.example.com",
            "https://app.example.com:443",
            "http://app.example.com:80",
            "https://app.example.com:0443",
            "https://user@app.example.com",
            "https://*.example.com",
            "https://b\u{fc}cher.example",
            "https://",
            "https://:8443",
            "https://[::1",
            "https://[0:0:0:0:0:0:0:1]",
            "ftp://app.example.com",
            "null",
        ] {
            let said = wrong.parse::<AllowedOrigins>().unwrap_err();
            assert!(said.ends_with("is no origin such as https://app.example.com"), "{said}");
        }
        assert!("*".parse::<AllowedOrigins>().unwrap_err().contains("every page there is"));
        assert!("https://a.example,*".parse::<AllowedOrigins>().is_err());
    }
}
