//! People who sign up all the time.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tests::{Answer, Client, eventually};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep};

/// Between two requests of somebody: a load that leaves the machine room.
const PACE: Duration = Duration::from_millis(30);

/// Where requests go, one after the other.
pub(crate) struct Rota {
    open: Mutex<Vec<Client>>,
    next: AtomicUsize,
}

/// A request, and what became of it.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) email: String,
    pub(crate) at: Instant,
    pub(crate) took: Duration,
    pub(crate) answer: reqwest::Result<Answer>,
}

/// Several people, each of whom signs somebody up after the other, until they are told to stop. What is not accepted
/// they send again, the same, until it is.
pub(crate) struct Load {
    told: Arc<Told>,
    people: Vec<JoinHandle<()>>,
}

struct Told {
    rota: Arc<Rota>,
    stop: AtomicBool,
    story: Mutex<Vec<Sent>>,
}

impl Rota {
    pub(crate) fn to(clients: impl IntoIterator<Item = Client>) -> Arc<Self> {
        let open = clients.into_iter().collect();
        Arc::new(Self { open: Mutex::new(open), next: AtomicUsize::default() })
    }

    /// From now on requests go to these.
    pub(crate) fn are(&self, clients: &[&Client]) {
        *self.open.lock().unwrap() = clients.iter().copied().cloned().collect();
    }

    fn next(&self) -> Client {
        let open = self.open.lock().unwrap();
        open[self.next.fetch_add(1, Ordering::Relaxed) % open.len()].clone()
    }
}

impl Sent {
    /// The id of the sign-up, if it was accepted; it may have completed since then.
    pub(crate) fn id(&self) -> Option<&str> {
        let accepted = self.answer.as_ref().ok().filter(|answer| matches!(answer.status, 202 | 201));
        accepted.map(|answer| answer.text("workflow_id"))
    }

    /// Whether it was told to come again later.
    pub(crate) fn is_put_off(&self) -> bool {
        self.answer.as_ref().is_ok_and(|answer| answer.status == 503 && !answer.header("retry-after").is_empty())
    }
}

impl Load {
    pub(crate) fn begin(people: usize, rota: &Arc<Rota>) -> Self {
        let told = Arc::new(Told { rota: Arc::clone(rota), stop: AtomicBool::default(), story: Mutex::default() });
        let people = (0..people).map(|who| tokio::spawn(sign_up_on_and_on(who, Arc::clone(&told)))).collect();
        Self { told, people }
    }

    /// Waits until so many more are accepted, whose requests were sent from now on: how long that took.
    pub(crate) async fn goes_on(&self, by: usize) -> Duration {
        let begun = Instant::now();
        let since = || async {
            let story = self.told.story.lock().unwrap();
            let accepted = story.iter().filter(|sent| sent.at >= begun && sent.id().is_some());
            (accepted.count() >= by).then_some(())
        };
        eventually("sign-ups are accepted", since).await.unwrap();
        begun.elapsed()
    }

    /// How many requests were told to come again later, of those that were sent since then.
    pub(crate) fn put_off_since(&self, then: Instant) -> usize {
        self.told.story.lock().unwrap().iter().filter(|sent| sent.at >= then && sent.is_put_off()).count()
    }

    /// Nobody signs anybody else up. Whoever is not accepted yet goes on until they are: every request, in the order of
    /// their answers.
    pub(crate) async fn end(self) -> Vec<Sent> {
        self.told.stop.store(true, Ordering::Relaxed);
        let done = || async { self.people.iter().all(JoinHandle::is_finished).then_some(()) };
        let ended = eventually("all are accepted", done).await;
        let story = std::mem::take(&mut *self.told.story.lock().unwrap());
        assert!(ended.is_ok(), "{ended:?}: {:?}", story.last());
        for person in self.people {
            person.await.unwrap();
        }
        story
    }
}

/// The ids of all that were accepted.
pub(crate) fn accepted(story: &[Sent]) -> BTreeSet<&str> {
    story.iter().filter_map(Sent::id).collect()
}

async fn sign_up_on_and_on(who: usize, told: Arc<Told>) {
    for number in 0.. {
        let (email, key) = (format!("person{who}-{number}@example.com"), format!("{who}-{number}"));
        let mut accepted = false;
        while !accepted {
            let at = Instant::now();
            let answer = told.rota.next().sign_up_with_key(&email, "Ada", &key).await;
            let sent = Sent { email: email.clone(), at, took: at.elapsed(), answer };
            accepted = sent.id().is_some();
            told.story.lock().unwrap().push(sent);
            sleep(PACE).await;
        }
        if told.stop.load(Ordering::Relaxed) {
            return;
        }
    }
}
