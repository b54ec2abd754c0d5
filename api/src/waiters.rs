//! Requests and streams that want to know how sagas go.
//!
//! However many they are, the store is asked for all of them together: [`reader`] reads whatever somebody wants to know
//! in one go, at most once each 25 ms, or at once where there is news of an end. An ended saga never changes, and is
//! remembered.

mod reader;
mod rooms;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::{counter, gauge};
use moka::sync::Cache;
use saga::store::{Error, View};
use saga::{Advanced, Listener, SagaId, State, Store};
use signup::SignUp;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;

use reader::Reader;
use rooms::{Rooms, Round, Seen};

/// How many ended sagas are remembered, the latest asked for.
const REMEMBERED: u64 = 50_000;
/// How long they are remembered.
const MEMORY: Duration = Duration::from_mins(10);
/// How long a look may take, and a reading. The store bounds its own calls; this is for one that does not.
const PATIENCE: Duration = Duration::from_secs(5);

/// Requests and streams that want to know how sagas go.
#[derive(Debug)]
pub struct Waiters {
    desk: Arc<Desk>,
    closed: watch::Sender<bool>,
    _reader: AbortOnDropHandle<()>,
}

/// What they and the reader share.
#[derive(Debug)]
struct Desk {
    rooms: Mutex<Rooms>,
    /// There is more to read, or sooner.
    bell: Notify,
    ended: Cache<SagaId, View>,
}

/// A place in the room of a saga, given up when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    desk: Arc<Desk>,
    saga: SagaId,
    board: watch::Receiver<Option<Seen>>,
    closed: watch::Receiver<bool>,
}

impl Waiters {
    /// Nobody waits yet. What they will want to know is read from this store.
    pub fn begin(store: Arc<dyn Store<SignUp>>) -> Self {
        let ended = Cache::builder().max_capacity(REMEMBERED).time_to_live(MEMORY).build();
        let desk = Arc::new(Desk { rooms: Mutex::default(), bell: Notify::new(), ended });
        let reader = Reader { desk: Arc::clone(&desk), store };
        Self { desk, closed: watch::Sender::new(false), _reader: AbortOnDropHandle::new(tokio::spawn(reader.run())) }
    }

    /// Lets everybody go, and nobody wait any more: the process is about to stop.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// How many requests and streams wait.
    pub fn waiting(&self) -> usize {
        self.desk.rooms().waiting()
    }

    /// How a saga is now, if there is such a saga.
    ///
    /// # Errors
    /// The store's.
    ///
    /// # Cancel safety
    /// Nothing is left of a dropped look.
    pub(crate) async fn look(&self, saga: SagaId) -> Result<Option<View>, Error> {
        let remembered = self.desk.ended.get(&saga);
        let outcome = if remembered.is_some() { "hit" } else { "miss" };
        counter!("signup_cache_lookups_total", "cache" => "ended", "outcome" => outcome).increment(1);
        if remembered.is_some() {
            return Ok(remembered);
        }
        // What is being read already may be older than this question.
        let (mut place, next) = self.enter(saga, Instant::now());
        let seen = timeout(PATIENCE, place.seen_in(next)).await;
        seen.unwrap_or_else(|_| Err(Error::Unavailable("the store did not answer in time".into())))
    }

    /// Waits until the saga has ended, for `limit` at most, and returns how it was seen last. `None` if there is no
    /// waiting any more, for the process is about to stop. An error of the store is a reading without news.
    ///
    /// # Cancel safety
    /// Nothing is left of a dropped wait.
    pub(crate) async fn until_ended(&self, seen: &View, limit: Duration) -> Option<View> {
        let deadline = Instant::now() + limit;
        let (mut place, mut seen) = (self.follow(seen.saga), seen.clone());
        while matches!(seen.state, State::Active(_))
            && let Ok(next) = timeout_at(deadline, place.next()).await
        {
            seen = next?;
        }
        Some(seen)
    }

    /// A place from which a saga is watched.
    pub(crate) fn follow(&self, saga: SagaId) -> Place {
        self.enter(saga, Instant::now() + Rooms::TICK).0
    }

    /// A place in the saga's room, which is read at this time at the latest; and the first round of readings that begins
    /// from now on.
    fn enter(&self, saga: SagaId, at: Instant) -> (Place, Round) {
        let (board, next) = self.desk.rooms().enter(saga, at);
        self.desk.bell.notify_one();
        gauge!("signup_waiters").increment(1);
        (Place { desk: Arc::clone(&self.desk), saga, board, closed: self.closed.subscribe() }, next)
    }
}

impl Listener for Waiters {
    fn advanced(&self, news: &Advanced) {
        if matches!(news.state, State::Ended(_)) && self.desk.rooms().hurry(news.saga) {
            self.desk.bell.notify_one();
        }
    }
}

impl Desk {
    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// How the saga was seen at the next reading that succeeds. `None` if there will be no more, for this process is about
    /// to stop.
    pub(crate) async fn next(&mut self) -> Option<View> {
        loop {
            tokio::select! {
                biased;
                _ = self.closed.wait_for(|closed| *closed) => return None,
                changed = self.board.changed() => changed.ok()?,
            }
            let seen = self.board.borrow_and_update().clone();
            if let Some(Seen { view: Ok(Some(view)), .. }) = seen {
                return Some(view);
            }
        }
    }

    /// How the saga was seen in this round, or in a later one.
    async fn seen_in(&mut self, round: Round) -> Result<Option<View>, Error> {
        let seen = self.board.wait_for(|seen| seen.as_ref().is_some_and(|seen| seen.round >= round)).await;
        match seen.as_deref() {
            Ok(Some(seen)) => seen.view.clone(),
            Ok(None) | Err(_) => Err(Error::Unavailable("nobody reads any more".into())),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.desk.rooms().leave(self.saga);
        gauge!("signup_waiters").decrement(1);
    }
}
