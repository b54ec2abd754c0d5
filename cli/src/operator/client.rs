//! The operators' API, from outside.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Server;
use super::answers::Problem;
use super::failure::{Failure, Kind};
use super::token::{self, Found};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer may take.
const WHOLE: Duration = Duration::from_secs(30);

/// A client of one service, with an operator's token.
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    found: Found,
}

/// An answer that is none of an error.
pub(super) struct Answer {
    text: String,
}

impl Client {
    pub(super) fn new(server: &Server) -> anyhow::Result<Self> {
        let wrong =
            || Failure::new(Kind::Usage, format!("{:?} is no URL of a service: give --url http://…", server.url));
        let url = Url::parse(&server.url).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(wrong().into());
        }
        let found = token::find(&server.data_dir)?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(WHOLE)
            // The token is for this service, and not for where it may point to.
            .redirect(reqwest::redirect::Policy::none());
        let http = if is_loopback(&url) { http.no_proxy() } else { http };
        let http = http.build().context("cannot prepare a connection")?;
        Ok(Self { http, url: server.url.trim_end_matches('/').to_owned(), found })
    }

    pub(super) async fn get(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Answer> {
        let pairs = query.iter().map(|(name, value)| (*name, value.as_str()));
        let url = Url::parse_with_params(&format!("{}{path}", self.url), pairs);
        let mut url = url.with_context(|| format!("{} is no URL", self.url))?;
        if query.is_empty() {
            url.set_query(None);
        }
        self.send(self.http.request(Method::GET, url)).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send(self.http.post(format!("{}{path}", self.url)).json(body)).await
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Answer> {
        let response =
            request.bearer_auth(self.found.token.reveal()).send().await.map_err(|error| self.unanswered(&error))?;
        let status = response.status();
        let is_problem = is(&response, "application/problem+json");
        let is_ours = is_problem || is(&response, "application/json");
        let text = response.text().await.map_err(|error| self.unanswered(&error))?;
        if status.is_success() && is_ours {
            return Ok(Answer { text });
        }
        Err(self.refused(status, is_problem.then(|| serde_json::from_str(&text).ok()).flatten()).into())
    }

    fn unanswered(&self, error: &reqwest::Error) -> Failure {
        let url = &self.url;
        let message = if error.is_timeout() && !error.is_connect() {
            format!("no whole answer from {url} within 30 s; whether anything was done, `signup saga show` tells")
        } else if error.is_connect() {
            format!("nothing answers at {url}: start `signup serve`, or give --url (SIGNUP_URL)")
        } else {
            format!("no whole answer from {url}: {}", root(error))
        };
        Failure::new(Kind::Failed, message)
    }

    fn refused(&self, status: StatusCode, problem: Option<Problem>) -> Failure {
        let Some(problem) = problem else {
            let message = format!("{} does not answer as this service does (status {})", self.url, status.as_u16());
            return Failure::new(Kind::Failed, message);
        };
        let kind = match status {
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Kind::Usage,
            StatusCode::NOT_FOUND => Kind::NotFound,
            StatusCode::CONFLICT => Kind::Refused,
            _ => Kind::Failed,
        };
        if status == StatusCode::UNAUTHORIZED {
            let Found { source, .. } = &self.found;
            let message = format!(
                "{} does not know the operator's token from {source}; it comes from SIGNUP_OPERATOR_TOKEN, \
                 SIGNUP_OPERATOR_TOKEN_FILE or operator.token in the --data-dir",
                self.url
            );
            return Failure::new(kind, message);
        }
        Failure::new(kind, problem.line())
    }
}

impl Answer {
    /// The document as it came.
    pub(super) fn raw(&self) -> String {
        format!("{}\n", self.text.trim_end())
    }

    /// What the document says.
    pub(super) fn read<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_str(&self.text).context("the service's answer cannot be read: is it of another version?")
    }
}

fn is(response: &Response, media_type: &str) -> bool {
    let value = response.headers().get(reqwest::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.split(';').next().is_some_and(|essence| essence.trim() == media_type))
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What is behind an error, without the URL.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_addresses_are_known() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", true),
            ("http://127.8.8.8", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://localhost.example", false),
            ("https://signup.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
