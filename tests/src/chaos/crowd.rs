//! The people of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::book::{Book, Heard, Request};
use super::person::{Doors, Person};

/// Names that people give, and of so many how many give each. Compensation runs at each of the four steps, and some
/// steps are given up, so that it is not known whether they happened.
const NAMES: [(&str, u32); 13] = [
    ("Ada Lovelace", 60),
    ("sabotage create_user:refuse", 4),
    ("sabotage create_organization:refuse", 4),
    ("sabotage create_profile:refuse", 4),
    ("sabotage update_claims:refuse", 4),
    ("sabotage update_claims:refuse create_profile:fail2:undo", 3),
    ("sabotage create_user:fail", 1),
    ("sabotage create_organization:fail", 1),
    ("sabotage create_profile:fail", 1),
    ("sabotage update_claims:fail", 1),
    ("sabotage create_profile:fail2", 4),
    ("sabotage create_organization:lose2", 4),
    ("sabotage create_profile:hang1", 3),
];
/// Between two sign-ups of somebody, in milliseconds.
const PAUSE: std::ops::Range<u64> = 20..150;
/// People who sign up with one e-mail at once.
const CROWD: usize = 6;
/// People who only look how sign-ups go.
const LOOKERS: usize = 2;
/// The latest sign-ups, which are looked at more often.
const LATEST: usize = 50;

/// The people of a run.
pub(super) struct Crowd {
    stop: Arc<AtomicBool>,
    people: Vec<JoinHandle<()>>,
}

impl Crowd {
    pub(super) fn begin(size: usize, seed: u64, book: &Arc<Book>, doors: &Arc<Doors>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let person = |number: usize| {
            let random = StdRng::seed_from_u64(seed ^ ((number as u64 + 1) << 32));
            Person { book: Arc::clone(book), doors: Arc::clone(doors), random }
        };
        let askers = (0..size).map(|number| tokio::spawn(ask_on(person(number), number, Arc::clone(&stop))));
        let lookers = (size..size + LOOKERS).map(|number| tokio::spawn(look_on(person(number), Arc::clone(&stop))));
        Self { people: askers.chain(lookers).collect(), stop }
    }

    /// Nobody signs up any more; whoever waits for an answer gets it.
    pub(super) async fn end(self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        for person in self.people {
            person.await?;
        }
        Ok(())
    }
}

async fn ask_on(mut person: Person, who: usize, stop: Arc<AtomicBool>) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let email = format!("person{who}-{number}@chaos.example");
        let name = NAMES.choose_weighted(&mut person.random, |(_, weight)| *weight).map_or("Ada", |(name, _)| *name);
        if person.random.random_ratio(1, 25) {
            person.crowd(&email, name, CROWD).await;
        } else {
            alone(&mut person, Request::new(&email, name, &format!("{who}-{number}"))).await;
        }
        sleep(Duration::from_millis(person.random.random_range(PAUSE))).await;
    }
}

async fn alone(person: &mut Person, mut request: Request) {
    let heard = person.sign_up(&mut request).await;
    if let Some(Heard::SignUp(id)) = heard {
        if person.random.random_ratio(1, 8) {
            person.send(&mut request).await;
        }
        if person.random.random_ratio(1, 16) {
            person.send_another_body(&request).await;
        }
        person.look(&id).await;
    }
    person.book.keep(request);
}

async fn look_on(mut person: Person, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let accepted = person.book.accepted();
        let among = if person.random.random_ratio(2, 3) { accepted.min(LATEST) } else { accepted };
        let one = (among > 0).then(|| person.random.random_range(0..among));
        if let Some(id) = one.and_then(|back| person.book.latest(back)) {
            person.look(&id).await;
        }
        sleep(Duration::from_millis(30)).await;
    }
}
