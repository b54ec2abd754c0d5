//! Requests that wait for a saga to end.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use saga::store::View;
use saga::{Advanced, Listener, SagaId, State, Store};
use signup::SignUp;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tracing::debug;

/// Requests that wait for a saga to end.
///
/// News of an end wake them at once. News may be lost, so each of them also reads the saga again every 250 ms: in a
/// process without workers that is how it learns of anything.
#[derive(Debug, Default)]
pub struct Waiters {
    rooms: Mutex<Rooms>,
    closed: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Rooms {
    by_saga: HashMap<SagaId, Room>,
    waiting: usize,
}

/// Where requests wait for one saga; it exists while there are any.
#[derive(Debug)]
struct Room {
    bell: watch::Sender<()>,
    waiting: usize,
}

/// A place in a room, given up when dropped.
struct Place<'w> {
    waiters: &'w Waiters,
    saga: SagaId,
    bell: watch::Receiver<()>,
}

impl Waiters {
    /// How many requests may wait at once; each reads its saga four times a second.
    const LIMIT: usize = 4096;
    const REREAD: Duration = Duration::from_millis(250);

    /// Nobody waits yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets everybody go, and nobody wait any more: the process is about to stop.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// How many requests wait.
    pub fn waiting(&self) -> usize {
        self.rooms().waiting
    }

    /// Waits until the saga has ended, for `limit` at most, and returns how it was seen last. `None` if too many wait
    /// already. An error of the store is a reading without news.
    ///
    /// # Cancel safety
    /// Nothing is left of a dropped wait.
    pub(crate) async fn until_ended(&self, store: &dyn Store<SignUp>, seen: &View, limit: Duration) -> Option<View> {
        let deadline = Instant::now() + limit;
        // First the place, then the reading: news of an end in between are not missed.
        let mut place = self.enter(seen.saga)?;
        let (mut seen, mut closed) = (seen.clone(), self.closed.subscribe());
        while !matches!(seen.state, State::Ended(_)) && Instant::now() < deadline {
            match timeout_at(deadline, store.load(seen.saga)).await {
                Ok(Ok(Some(view))) => seen = view,
                Ok(Ok(None)) | Err(_) => {}
                Ok(Err(error)) => debug!(%error, "not read while waiting, trying again"),
            }
            if matches!(seen.state, State::Active(_)) {
                let reread = deadline.min(Instant::now() + Self::REREAD);
                tokio::select! {
                    // News or not, the saga is read again.
                    _ = timeout_at(reread, place.news()) => {}
                    _ = closed.wait_for(|closed| *closed) => break,
                }
            }
        }
        Some(seen)
    }

    fn enter(&self, saga: SagaId) -> Option<Place<'_>> {
        let mut rooms = self.rooms();
        if rooms.waiting >= Self::LIMIT {
            return None;
        }
        rooms.waiting += 1;
        let room = rooms.by_saga.entry(saga).or_insert_with(|| Room { bell: watch::Sender::new(()), waiting: 0 });
        room.waiting += 1;
        Some(Place { waiters: self, saga, bell: room.bell.subscribe() })
    }

    fn leave(&self, saga: SagaId) {
        let mut rooms = self.rooms();
        rooms.waiting -= 1;
        if let Some(room) = rooms.by_saga.get_mut(&saga) {
            room.waiting -= 1;
            if room.waiting == 0 {
                rooms.by_saga.remove(&saga);
            }
        }
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for Waiters {
    fn advanced(&self, news: &Advanced) {
        if matches!(news.state, State::Ended(_))
            && let Some(room) = self.rooms().by_saga.get(&news.saga)
        {
            room.bell.send_replace(());
        }
    }
}

impl Place<'_> {
    async fn news(&mut self) {
        if self.bell.changed().await.is_err() {
            // Nobody can ring any more.
            pending::<()>().await;
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiters.leave(self.saga);
    }
}

#[cfg(test)]
mod tests {
    use saga::{End, OsRandom, SystemClock};

    use super::*;

    #[test]
    fn a_room_is_closed_when_the_last_one_leaves() {
        let (waiters, saga) = (Waiters::new(), SagaId::new(&SystemClock, &OsRandom));
        let (first, second) = (waiters.enter(saga), waiters.enter(saga));
        assert_eq!((waiters.waiting(), waiters.rooms().by_saga.len()), (2, 1));
        drop(first);
        assert_eq!((waiters.waiting(), waiters.rooms().by_saga.len()), (1, 1));
        drop(second);
        assert_eq!((waiters.waiting(), waiters.rooms().by_saga.len()), (0, 0));
    }

    #[test]
    fn there_is_a_limit_to_those_who_wait() {
        let (waiters, saga) = (Waiters::new(), SagaId::new(&SystemClock, &OsRandom));
        let places: Vec<_> = std::iter::from_fn(|| waiters.enter(saga)).collect();
        assert_eq!(places.len(), Waiters::LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn news_of_an_end_wake_all_who_wait_for_it_and_nobody_else() {
        let waiters = Waiters::new();
        let (ours, other) = (SagaId::new(&SystemClock, &OsRandom), SagaId::new(&SystemClock, &OsRandom));
        let [mut first, mut second, mut third] = [ours, ours, other].map(|saga| waiters.enter(saga).unwrap());
        waiters.advanced(&Advanced::to(ours, State::Ended(End::Completed)));
        let soon = Instant::now() + Duration::from_secs(1);
        assert!(timeout_at(soon, first.news()).await.is_ok());
        assert!(timeout_at(soon, second.news()).await.is_ok());
        assert!(timeout_at(soon, third.news()).await.is_err());
    }
}
