//! Somebody who signs people up.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use tokio::time::{sleep, timeout};

use super::book::{Book, Heard, Request};
use crate::Client;

/// Where requests go: to any that is open.
#[derive(Debug, Default)]
pub struct Doors(Mutex<Vec<Option<Client>>>);

/// Somebody who signs people up, and looks what becomes of them.
#[derive(Debug)]
pub struct Person {
    /// What they note.
    pub book: Arc<Book>,
    /// Where they ask.
    pub doors: Arc<Doors>,
    /// What they do by chance.
    pub random: StdRng,
}

/// How often somebody asks who is put off or hears nothing.
const SENDINGS: u32 = 20;
/// Before they ask again.
const PAUSE: Duration = Duration::from_millis(150);
/// Of so many requests, one is hung up on before its answer comes: after so many milliseconds at most.
const HURRIED: u32 = 30;
const HURRY: u64 = 30;
/// Of so many who hear nothing, one leaves it at that.
const LEAVE: u32 = 8;

impl Doors {
    /// Opens the door of this number to another server, or shuts it.
    pub fn set(&self, number: usize, client: Option<Client>) {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = doors.len().max(number + 1);
        doors.resize(count, None);
        if let Some(door) = doors.get_mut(number) {
            *door = client;
        }
    }

    /// One of those that are open.
    pub(super) fn any(&self, random: &mut impl Rng) -> Option<Client> {
        let doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open: Vec<_> = doors.iter().flatten().collect();
        open.choose(random).copied().cloned()
    }
}

impl Person {
    /// Signs somebody up: asks until they hear of it, or have no patience any more.
    pub async fn sign_up(&mut self, request: &mut Request) -> Option<Heard> {
        for _ in 0..SENDINGS {
            match self.send(request).await {
                None | Some(Heard::PutOff) => {}
                Some(Heard::Unknown) => {
                    if self.random.random_ratio(1, LEAVE) {
                        return Some(Heard::Unknown);
                    }
                }
                known @ Some(Heard::SignUp(_) | Heard::Taken | Heard::KeyReused) => return known,
            }
            sleep(PAUSE).await;
        }
        None
    }

    /// Sends the request once, if a door is open.
    pub async fn send(&mut self, request: &mut Request) -> Option<Heard> {
        let door = self.doors.any(&mut self.random)?;
        let hurry = self.random.random_ratio(1, HURRIED).then(|| self.random.random_range(0..HURRY));
        let patience = hurry.map_or(Duration::MAX, Duration::from_millis);
        match timeout(patience, door.sign_up_with_key(&request.email, &request.name, &request.key)).await {
            Ok(answer) => Some(self.book.heard(request, &answer)),
            Err(_) => Some(self.book.heard_nothing(request)),
        }
    }

    /// Sends the key of a sign-up with another body, which must be refused.
    pub async fn send_another_body(&mut self, request: &Request) {
        let Some(door) = self.doors.any(&mut self.random) else { return };
        let answer = door.sign_up_with_key(&request.email, "Somebody Else", &request.key).await;
        self.book.heard_of_another_body(&request.key, &answer);
    }

    /// Several people sign up with one e-mail at once, each with a key of their own.
    pub async fn crowd(&mut self, email: &str, name: &str, size: usize) {
        let people = (0..size).map(|number| {
            let random = rand::SeedableRng::seed_from_u64(self.random.random());
            let mut person = Self { book: Arc::clone(&self.book), doors: Arc::clone(&self.doors), random };
            let mut request = Request::new(email, name, &format!("{email}-{number}"));
            async move {
                person.sign_up(&mut request).await;
                person.book.keep(request);
            }
        });
        join_all(people).await;
    }

    /// Looks how a sign-up goes.
    pub async fn look(&mut self, id: &str) {
        if let Some(door) = self.doors.any(&mut self.random) {
            let end = self.book.end_of(id);
            let answer = door.get(&format!("/v1/signups/{id}")).await;
            self.book.seen(id, end.as_deref(), &answer);
        }
    }
}
