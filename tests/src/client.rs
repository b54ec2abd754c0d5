//! A client of the API.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status code.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, or null where it is no JSON.
    pub body: Value,
}

/// A password that is easy to look for, wherever it must not be.
pub const PASSWORD: &str = "canary-7f3a9c-battery-staple";

/// What processes are told so that whoever is limited is somebody else each time: a test is a proxy.
pub(crate) const UNLIMITED: [(&str, &str); 2] =
    [("SIGNUP_TRUSTED_PROXIES", "127.0.0.0/8,::1"), ("SIGNUP_EMAIL_LIMIT", "1000000")];

/// For whom a proxy asks.
pub const FORWARDED_FOR: &str = "x-forwarded-for";

/// An address that nobody else has, to ask for.
pub fn somebody() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    // 10.0.0.0/8, and on.
    Ipv4Addr::from_bits(0x0a00_0000 + NEXT.fetch_add(1, Ordering::Relaxed)).to_string()
}

impl Client {
    /// A client of the server at this URL.
    pub fn new(url: &str) -> Self {
        Self::patient(url, Duration::from_secs(40))
    }

    /// A client of the server at this URL, which waits no longer for an answer.
    pub fn patient(url: &str, patience: Duration) -> Self {
        let http = reqwest::Client::builder().timeout(patience).no_proxy().build();
        Self { http: http.unwrap_or_default(), url: url.to_owned() }
    }

    /// Signs someone up under this name, and waits for so many seconds.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn sign_up(&self, email: &str, full_name: &str, wait: u32) -> reqwest::Result<Answer> {
        self.ask_to_sign_up(email, full_name, ("prefer", &format!("wait={wait}"))).await
    }

    /// Signs someone up under this name and key: sent again, it is done once.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn sign_up_with_key(&self, email: &str, full_name: &str, key: &str) -> reqwest::Result<Answer> {
        self.ask_to_sign_up(email, full_name, ("idempotency-key", key)).await
    }

    async fn ask_to_sign_up(&self, email: &str, full_name: &str, header: (&str, &str)) -> reqwest::Result<Answer> {
        let body = json!({"email": email, "password": PASSWORD, "full_name": full_name});
        self.post("/v1/signups", &[("content-type", "application/json"), header], body.to_string()).await
    }

    /// Sends a body: for another client each time, unless the headers say for whom.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<String>) -> reqwest::Result<Answer> {
        let request = self.http.post(format!("{}{path}", self.url)).body(body.into());
        let says_for_whom = headers.iter().any(|(name, _)| *name == FORWARDED_FOR);
        let request = if says_for_whom { request } else { request.header(FORWARDED_FOR, somebody()) };
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::read(request.send().await?).await
    }

    /// Gets a page.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn get(&self, path: &str) -> reqwest::Result<Answer> {
        self.get_with(path, &[]).await
    }

    /// Gets a page, with these headers.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> reqwest::Result<Answer> {
        let request = self.http.get(format!("{}{path}", self.url));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::read(request.send().await?).await
    }

    /// Deletes something.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn delete(&self, path: &str, headers: &[(&str, &str)]) -> reqwest::Result<Answer> {
        let request = self.http.delete(format!("{}{path}", self.url));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        Answer::read(request.send().await?).await
    }

    /// Gets a page's text.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn text(&self, path: &str) -> reqwest::Result<String> {
        self.http.get(format!("{}{path}", self.url)).send().await?.error_for_status()?.text().await
    }
}

impl Answer {
    async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?;
        Ok(Self { status, headers, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }

    /// A member of the body, as text; empty where there is none.
    pub fn text(&self, member: &str) -> &str {
        self.body.get(member).and_then(Value::as_str).unwrap_or_default()
    }

    /// A header, as text; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
