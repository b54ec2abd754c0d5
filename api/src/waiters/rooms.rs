//! Where requests and streams wait, and what is to be read for them.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use saga::store::{Error, View};
use saga::{SagaId, State};
use tokio::sync::watch;
use tokio::time::Instant;

/// The number of a reading of the store, from 1.
pub(super) type Round = u64;

/// How a saga was seen.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// In which reading.
    pub(super) round: Round,
    /// As what; `None` if there is no such saga.
    pub(super) view: Result<Option<View>, Error>,
}

/// The rooms that there are.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    by_saga: HashMap<SagaId, Room>,
    /// When each is read next, the soonest first.
    schedule: BTreeSet<(Instant, SagaId)>,
    /// Whether something is to be read at once.
    hurried: bool,
    waiting: usize,
    /// How many readings have begun.
    rounds: Round,
}

/// Where some wait for one saga; it exists while there are any.
#[derive(Debug)]
struct Room {
    board: watch::Sender<Option<Seen>>,
    waiting: usize,
    opened: Instant,
    /// Its place in the schedule. None while it is being read.
    due: Option<Instant>,
}

impl Rooms {
    /// How often the store is read at most, but for news.
    pub(super) const TICK: Duration = Duration::from_millis(25);
    /// How often a saga is read at least that somebody waits for.
    const SLOWEST: Duration = Duration::from_secs(1);
    /// A saga is read each time it has been waited for by this part longer.
    const PART: u32 = 16;
    /// How many are read together at most.
    const TOGETHER: usize = 1000;

    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// One more waits for this saga, which is read at this time at the latest. Returns where it is told of, and the
    /// first reading that has not begun yet.
    pub(super) fn enter(&mut self, saga: SagaId, at: Instant) -> (watch::Receiver<Option<Seen>>, Round) {
        self.waiting += 1;
        let room = self.by_saga.entry(saga).or_insert_with(|| Room {
            board: watch::Sender::new(None),
            waiting: 0,
            opened: Instant::now(),
            due: None,
        });
        room.waiting += 1;
        let board = room.board.subscribe();
        self.read_by(saga, at);
        (board, self.rounds + 1)
    }

    /// One waits no more.
    pub(super) fn leave(&mut self, saga: SagaId) {
        self.waiting -= 1;
        let Some(room) = self.by_saga.get_mut(&saga) else { return };
        room.waiting -= 1;
        if room.waiting == 0
            && let Some(Room { due: Some(due), .. }) = self.by_saga.remove(&saga)
        {
            self.schedule.remove(&(due, saga));
        }
    }

    /// There is news of this saga. Returns whether anybody waits for it.
    pub(super) fn hurry(&mut self, saga: SagaId) -> bool {
        let awaited = self.by_saga.contains_key(&saga);
        if awaited {
            self.hurried = true;
            self.read_by(saga, Instant::now());
        }
        awaited
    }

    /// When the next reading is to begin, if the one before began then. `None` if there is nothing to read.
    pub(super) fn next(&self, before: Option<Instant>) -> Option<Instant> {
        let (due, _) = *self.schedule.first()?;
        let rested = before.filter(|_| !self.hurried).map(|before| before + Self::TICK);
        Some(rested.map_or(due, |rested| rested.max(due)))
    }

    /// Begins a reading of what is due.
    pub(super) fn take_due(&mut self) -> (Round, Vec<SagaId>) {
        let (now, mut sagas) = (Instant::now(), Vec::new());
        while sagas.len() < Self::TOGETHER
            && let Some((due, saga)) = self.schedule.first().copied()
            && due <= now
        {
            self.schedule.pop_first();
            if let Some(room) = self.by_saga.get_mut(&saga) {
                room.due = None;
            }
            sagas.push(saga);
        }
        self.hurried = false;
        self.rounds += 1;
        (self.rounds, sagas)
    }

    /// Tells those who wait how their saga was seen, and when to look again.
    pub(super) fn tell(&mut self, saga: SagaId, seen: Seen) {
        let Some(room) = self.by_saga.get(&saga) else { return };
        let ended = matches!(&seen.view, Ok(Some(View { state: State::Ended(_), .. })));
        room.board.send_replace(Some(seen));
        if ended {
            return;
        }
        let waited = room.opened.elapsed() / Self::PART;
        self.read_by(saga, Instant::now() + waited.clamp(Self::TICK, Self::SLOWEST));
    }

    /// Tells of all of these that they were not seen.
    pub(super) fn tell_all(&mut self, sagas: &[SagaId], round: Round, error: &Error) {
        for saga in sagas {
            self.tell(*saga, Seen { round, view: Err(error.clone()) });
        }
    }

    fn read_by(&mut self, saga: SagaId, at: Instant) {
        let Some(room) = self.by_saga.get_mut(&saga) else { return };
        match room.due {
            Some(due) if due <= at => return,
            Some(due) => {
                self.schedule.remove(&(due, saga));
            }
            None => {}
        }
        room.due = Some(at);
        self.schedule.insert((at, saga));
    }
}

#[cfg(test)]
mod tests {
    use saga::{OsRandom, SystemClock};

    use super::*;

    fn any() -> SagaId {
        SagaId::new(&SystemClock, &OsRandom)
    }

    #[test]
    fn a_room_is_closed_when_the_last_one_leaves() {
        let (mut rooms, saga) = (Rooms::default(), any());
        for expected in [1, 2] {
            rooms.enter(saga, Instant::now());
            assert_eq!((rooms.waiting(), rooms.by_saga.len(), rooms.schedule.len()), (expected, 1, 1));
        }
        rooms.leave(saga);
        assert_eq!((rooms.waiting(), rooms.by_saga.len(), rooms.schedule.len()), (1, 1, 1));
        rooms.leave(saga);
        assert_eq!((rooms.waiting(), rooms.by_saga.len(), rooms.schedule.len()), (0, 0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_due_is_read_together_and_a_tick_after_the_reading_before() {
        let mut rooms = Rooms::default();
        assert_eq!(rooms.next(None), None);
        let (now, mut sagas) = (Instant::now(), [any(), any()]);
        sagas.sort();
        for saga in sagas {
            rooms.enter(saga, now);
        }
        assert_eq!((rooms.next(None), rooms.next(Some(now))), (Some(now), Some(now + Rooms::TICK)));
        let (round, mut read) = rooms.take_due();
        read.sort();
        assert_eq!((round, read, rooms.next(None)), (1, sagas.to_vec(), None));
    }

    #[tokio::test(start_paused = true)]
    async fn news_are_read_at_once() {
        let (mut rooms, saga, now) = (Rooms::default(), any(), Instant::now());
        rooms.enter(saga, now + Rooms::TICK);
        assert!(!rooms.hurry(any()), "nobody waits for it");
        assert_eq!(rooms.next(Some(now)), Some(now + Rooms::TICK));
        assert!(rooms.hurry(saga));
        assert_eq!(rooms.next(Some(now)), Some(now));
        rooms.take_due();
        assert_eq!(rooms.next(Some(now)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_longer_one_waits_the_longer_is_it_to_the_next_look() {
        let (mut rooms, saga) = (Rooms::default(), any());
        rooms.enter(saga, Instant::now());
        for (waited, expected) in [(0, 25), (1600, 100), (100_000, 1000)] {
            tokio::time::advance(Duration::from_millis(waited)).await;
            let (round, _) = rooms.take_due();
            rooms.tell(saga, Seen { round, view: Ok(None) });
            assert_eq!(rooms.next(None).map(|next| next - Instant::now()), Some(Duration::from_millis(expected)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_while_a_saga_is_read_has_it_read_again() {
        let (mut rooms, saga) = (Rooms::default(), any());
        let (_, first) = rooms.enter(saga, Instant::now());
        let (round, _) = rooms.take_due();
        let (_, second) = rooms.enter(saga, Instant::now());
        assert_eq!((first, round, second), (1, 1, 2));
        rooms.tell(saga, Seen { round, view: Ok(None) });
        assert_eq!(rooms.take_due(), (2, vec![saga]));
    }
}
