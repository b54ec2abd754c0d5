//! What is asked of the API so that a point is reached, and asked again until it is done.

use std::sync::{Mutex, PoisonError};

use anyhow::Context;
use saga::testing::crash::Act;
use serde_json::json;

use crate::{Answer, Client, eventually};

/// Which process comes to an act's points.
pub(super) fn role(act: &Act) -> &'static str {
    match act {
        Act::Accept | Act::Hint | Act::Operate => "api",
        Act::Claim | Act::Do(_) | Act::Undo(_) | Act::Acknowledge => "worker",
    }
}

/// A request that may be sent again and again: it is done once.
#[derive(Debug, Clone)]
pub(super) enum Request {
    /// Somebody signs up.
    SignUp { email: String, full_name: String },
    /// An operator has a saga tried again that has just been accepted.
    Retry { id: String, token: String },
}

impl Request {
    pub(super) fn sign_up(email: &str, full_name: &str) -> Self {
        Self::SignUp { email: email.to_owned(), full_name: full_name.to_owned() }
    }

    pub(super) fn retry(id: &str, token: &str) -> Self {
        Self::Retry { id: id.to_owned(), token: token.to_owned() }
    }

    async fn send(&self, client: &Client) -> reqwest::Result<Answer> {
        match self {
            Self::SignUp { email, full_name } => client.sign_up_with_key(email, full_name, email).await,
            Self::Retry { id, token } => {
                let bearer = format!("Bearer {token}");
                let headers = [("content-type", "application/json"), ("authorization", &*bearer)];
                let body = json!({"reason": "to see what becomes of it", "seq": 0}).to_string();
                client.post(&format!("/v1/admin/sagas/{id}/retry"), &headers, body).await
            }
        }
    }

    /// Sends it until it is done: accepted, or, for an operator, found done already.
    pub(super) async fn insist(&self, client: &Client) -> anyhow::Result<Answer> {
        let last = Mutex::new(None);
        let done = eventually("it is done", || async {
            let answer = self.send(client).await;
            if answer.as_ref().is_ok_and(is_done) {
                return answer.ok();
            }
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
            None
        });
        done.await.with_context(|| format!("{last:?}"))
    }
}

/// Accepted, or carried out, or found to be carried out already.
fn is_done(answer: &Answer) -> bool {
    matches!(answer.status, 200 | 202) || answer.status == 409 && answer.body.get("seq").is_some()
}
