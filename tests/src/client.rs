//! A client of the API.

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

    /// Sends a body.
    ///
    /// # Errors
    /// If there is no answer.
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<String>) -> reqwest::Result<Answer> {
        let request = self.http.post(format!("{}{path}", self.url)).body(body.into());
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
