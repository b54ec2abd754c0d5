//! What clients have asked and heard.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Answer;

/// What clients have asked and heard, and what of it cannot be.
#[derive(Debug, Default)]
pub struct Book {
    pages: Mutex<Pages>,
    ok: AtomicU64,
    fail: AtomicU64,
    info: AtomicU64,
}

#[derive(Debug, Default)]
struct Pages {
    requests: Vec<Request>,
    /// Each accepted sign-up, in order.
    ids: Vec<String>,
    /// How each was seen last.
    seen: BTreeMap<String, String>,
    wrong: BTreeSet<String>,
}

/// Somebody who wants to sign up, however often they asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Their e-mail.
    pub email: String,
    /// The name they gave, which may carry faults.
    pub name: String,
    /// Their idempotency key.
    pub key: String,
    /// The sign-up, if they ever heard of it.
    pub id: Option<String>,
    /// Whether they ever got no answer, so that there may be a sign-up.
    pub in_doubt: bool,
    /// Whether they heard that the e-mail is taken.
    pub taken: bool,
}

/// What a sending has led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// There is a sign-up: its id.
    SignUp(String),
    /// Somebody else has the e-mail, or is about to.
    Taken,
    /// The key was used for something else.
    KeyReused,
    /// It was not written: it may be sent again.
    PutOff,
    /// It may have been written.
    Unknown,
}

impl Request {
    /// One that is not sent yet.
    pub fn new(email: &str, name: &str, key: &str) -> Self {
        let [email, name, key] = [email, name, key].map(str::to_owned);
        Self { email, name, key, id: None, in_doubt: false, taken: false }
    }
}

impl Book {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the answer to a request that was sent, or sent again.
    pub fn heard(&self, request: &mut Request, answer: &reqwest::Result<Answer>) -> Heard {
        let heard = self.count(answer);
        match &heard {
            Heard::SignUp(id) => match &request.id {
                Some(known) if known != id => {
                    self.is_wrong(format!("C3 same key and body, same sign-up: {known} became {id}"));
                }
                Some(_) => {}
                None => {
                    request.id = Some(id.clone());
                    self.pages().ids.push(id.clone());
                }
            },
            Heard::Taken | Heard::KeyReused => {
                request.taken |= heard == Heard::Taken;
                if let Some(known) = &request.id {
                    self.is_wrong(format!("C3 same key and body, same sign-up: {known} became {}", said(answer)));
                }
            }
            Heard::PutOff => {}
            Heard::Unknown => request.in_doubt = true,
        }
        heard
    }

    /// Notes the answer to the key of a sign-up that was sent again with another body.
    pub fn heard_of_another_body(&self, key: &str, answer: &reqwest::Result<Answer>) {
        match self.count(answer) {
            Heard::KeyReused | Heard::PutOff | Heard::Unknown => {}
            Heard::SignUp(_) | Heard::Taken => {
                self.is_wrong(format!("C4 same key and another body are refused: {key} answered {}", said(answer)));
            }
        }
    }

    /// Counts an answer, which must be one that there is.
    fn count(&self, answer: &reqwest::Result<Answer>) -> Heard {
        let heard = read(answer);
        let count = match &heard {
            Heard::SignUp(_) => &self.ok,
            Heard::Taken | Heard::KeyReused | Heard::PutOff => &self.fail,
            Heard::Unknown => &self.info,
        };
        count.fetch_add(1, Ordering::Relaxed);
        if heard == Heard::Unknown && answer.as_ref().is_ok_and(|answer| answer.status != 503) {
            self.is_wrong(format!("C8 every answer is one of the document's: {}", said(answer)));
        }
        heard
    }

    /// Notes that nobody waited for the answer to a request.
    pub fn heard_nothing(&self, request: &mut Request) -> Heard {
        self.info.fetch_add(1, Ordering::Relaxed);
        request.in_doubt = true;
        Heard::Unknown
    }

    /// Notes a request that nothing more becomes of.
    pub fn keep(&self, request: Request) {
        self.pages().requests.push(request);
    }

    /// How a sign-up has ended, as far as anybody has heard.
    pub fn end_of(&self, id: &str) -> Option<String> {
        self.pages().seen.get(id).filter(|seen| is_end(seen)).cloned()
    }

    /// Notes how a sign-up was seen by somebody who asked when this was known of its end. Of two who ask at the same
    /// time, either may hear the older news.
    pub fn seen(&self, id: &str, end: Option<&str>, answer: &reqwest::Result<Answer>) {
        let Ok(answer) = answer else { return };
        match answer.status {
            200 => {
                let now = answer.text("status");
                if let Some(end) = end.filter(|end| *end != now) {
                    self.is_wrong(format!("C2 an end is for ever: {id} was {end} and became {now}"));
                }
                let mut pages = self.pages();
                let seen = pages.seen.entry(id.to_owned()).or_default();
                if !is_end(seen) {
                    now.clone_into(seen);
                }
            }
            503 => {}
            404 if answer.text("type") == ELSEWHERE => {}
            status => self.is_wrong(format!("C1 a sign-up once accepted answers for ever: {id} answered {status}")),
        }
    }

    /// Notes something that cannot be.
    pub fn is_wrong(&self, what: String) {
        self.pages().wrong.insert(what);
    }

    /// What cannot be.
    pub fn wrong(&self) -> BTreeSet<String> {
        self.pages().wrong.clone()
    }

    /// Each accepted sign-up, in order.
    pub fn ids(&self) -> Vec<String> {
        self.pages().ids.clone()
    }

    /// How many were accepted.
    pub fn accepted(&self) -> usize {
        self.pages().ids.len()
    }

    /// One that was accepted, counted back from the latest.
    pub fn latest(&self, back: usize) -> Option<String> {
        self.pages().ids.iter().rev().nth(back).cloned()
    }

    /// Takes out the requests.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.pages().requests)
    }

    /// How each sign-up was seen last.
    pub fn statuses(&self) -> BTreeMap<String, String> {
        self.pages().seen.clone()
    }

    /// Requests that were ok, that failed, and whose outcome nobody heard.
    pub fn counts(&self) -> [u64; 3] {
        [&self.ok, &self.fail, &self.info].map(|count| count.load(Ordering::Relaxed))
    }
}

/// What somebody answers who does not know of sign-ups.
const ELSEWHERE: &str = "/problems/not_found";

/// Whether a status is an end.
pub(super) fn is_end(status: &str) -> bool {
    matches!(status, "completed" | "failed")
}

fn read(answer: &reqwest::Result<Answer>) -> Heard {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.is_connect() => return Heard::PutOff,
        Err(_) => return Heard::Unknown,
    };
    let id = answer.text("workflow_id");
    match (answer.status, answer.text("type")) {
        (201 | 202 | 409, _) if !id.is_empty() => Heard::SignUp(id.to_owned()),
        (409, _) => Heard::Taken,
        (422, "/problems/idempotency_key_reused") => Heard::KeyReused,
        // The last is of a process that has the port of another that is gone.
        (503, "/problems/unavailable" | "/problems/not_ready") | (404, ELSEWHERE) => Heard::PutOff,
        (_, _) => Heard::Unknown,
    }
}

fn said(answer: &reqwest::Result<Answer>) -> String {
    match answer {
        Ok(answer) => format!("{} {}", answer.status, answer.text("type")),
        Err(error) => error.to_string(),
    }
}
