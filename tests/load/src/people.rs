//! People who sign up as clients should: they ask, and follow their sign-up to its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use tests::{Answer, Client, PASSWORD};
use tokio::time::{Instant, sleep};

/// Somebody with nothing about them.
pub(crate) const ADA: &str = "Ada Lovelace";
/// Where sign-ups are asked for.
pub(crate) const SIGN_UPS: &str = "/v1/signups";
/// What a request with a body says of it.
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");
/// How long a sign-up is followed.
const PATIENCE: Duration = Duration::from_mins(3);
/// As `Retry-After` says.
const PAUSE: Duration = Duration::from_secs(1);

/// A request for a sign-up, and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) begun: Instant,
    pub(crate) took: Duration,
    /// None where no answer came.
    pub(crate) status: Option<u16>,
    id: String,
}

/// A sign-up.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) asked: Asked,
    /// After how long its client saw it completed, counted from the request.
    pub(crate) completed: Option<Duration>,
}

/// An address that nobody else has. They come in no order, as addresses do.
pub(crate) fn email() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // An odd factor is a permutation of all numbers: 2⁶⁴ by the golden ratio scatters them (Knuth, TAOCP 3, 6.4).
    format!("{:016x}@example.com", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// A request's body.
pub(crate) fn body(email: &str, name: &str) -> String {
    json!({"email": email, "password": PASSWORD, "full_name": name}).to_string()
}

/// Asks for a sign-up, without waiting for its end.
pub(crate) async fn ask(client: &Client, name: &str) -> Asked {
    let begun = Instant::now();
    let answer = client.post(SIGN_UPS, &[JSON], body(&email(), name)).await.ok();
    let id = answer.as_ref().map(|answer| answer.text("workflow_id").to_owned()).unwrap_or_default();
    Asked { begun, took: begun.elapsed(), status: answer.map(|answer| answer.status), id }
}

/// Asks for a sign-up, and follows it to its end if it is accepted.
pub(crate) async fn sign_up(client: &Client, name: &str) -> Story {
    follow(client, ask(client, name).await).await
}

/// Follows a sign-up to its end, if it is accepted.
pub(crate) async fn follow(client: &Client, asked: Asked) -> Story {
    let is_well = asked.is_accepted() && completes(client, &asked.id).await;
    let completed = is_well.then(|| asked.begun.elapsed());
    Story { asked, completed }
}

async fn completes(client: &Client, id: &str) -> bool {
    let (begun, path) = (Instant::now(), format!("{SIGN_UPS}/{id}"));
    while begun.elapsed() < PATIENCE {
        let seen = client.get_with(&path, &[("prefer", "wait=30")]).await;
        match seen.as_ref().map(|answer| (answer.status, answer.text("status"))) {
            Ok((200, "completed")) => return true,
            Ok((200, "failed")) => return false,
            _ => {}
        }
        // Where the wait was not as preferred, as when the database is away, the answer comes at once.
        if !seen.is_ok_and(|answer| has_waited(&answer)) {
            sleep(PAUSE).await;
        }
    }
    false
}

fn has_waited(answer: &Answer) -> bool {
    answer.header("preference-applied").contains("wait")
}

impl Asked {
    pub(crate) fn is_accepted(&self) -> bool {
        self.status == Some(202)
    }

    /// The id of the sign-up, if it was accepted.
    pub(crate) fn id(&self) -> Option<&str> {
        self.is_accepted().then_some(&*self.id)
    }

    /// Whether it is accepted, or told to come again.
    pub(crate) fn is_answered(&self) -> bool {
        self.is_accepted() || self.status == Some(503)
    }
}

/// How long those took that completed.
pub(crate) fn times(stories: &[Story]) -> Vec<Duration> {
    stories.iter().filter_map(|story| story.completed).collect()
}
