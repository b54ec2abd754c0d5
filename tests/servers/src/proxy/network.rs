//! All connections of a proxy.

use std::net::Shutdown;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::link::{Fate, Link};
use super::state::{Connection, LOOK, State};
use super::trap::Trap;
use super::{Mode, Traffic};

/// How long connections may take to end.
const PATIENCE: Duration = Duration::from_secs(10);

/// All connections, each served by a thread for each way. One lock is held for each decision, none while anything is
/// read or written.
#[derive(Debug)]
pub(super) struct Network {
    state: Mutex<State>,
    changed: Condvar,
}

impl Network {
    pub(super) fn new(target: u16) -> Self {
        Self { state: Mutex::new(State::new(target)), changed: Condvar::new() }
    }

    /// Counts a connection in, unless the proxy is gone.
    pub(super) fn add(&self, link: &Arc<Link>) -> Option<u64> {
        let mut state = self.lock();
        let (fate, pumps) = if link.server.is_some() { (Fate::Well, 2) } else { (Fate::Dead, 1) };
        if state.closed {
            link.cut(true);
            return None;
        }
        state.next += 1;
        state.traffic.connections += u64::from(link.server.is_some());
        let id = state.next;
        state.connections.insert(id, Connection { link: Arc::clone(link), fate, pumps });
        Some(id)
    }

    /// Counts one of its threads out.
    pub(super) fn leave(&self, id: u64) {
        let mut state = self.lock();
        if let Some(connection) = state.connections.get_mut(&id) {
            connection.pumps -= 1;
            if connection.pumps == 0 {
                state.connections.remove(&id);
            }
        }
        self.changed.notify_all();
    }

    pub(super) fn reset(&self) {
        let (begun, mut state) = (Instant::now(), self.lock());
        let ids: Vec<_> = state.connections.keys().copied().collect();
        for id in &ids {
            state.cut(*id, true);
        }
        self.changed.notify_all();
        while begun.elapsed() < PATIENCE && ids.iter().any(|id| state.connections.contains_key(id)) {
            state = self.wait_for(state, LOOK);
        }
    }

    pub(super) fn half_close(&self) {
        for connection in self.lock().connections.values_mut().filter(|connection| connection.fate == Fate::Well) {
            connection.fate = Fate::HalfClosed;
            let _ = connection.link.client.shutdown(Shutdown::Write);
        }
    }

    pub(super) fn set(&self, mode: Mode) {
        self.lock().mode = mode;
        self.changed.notify_all();
    }

    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake();
    }

    /// Has whoever waits look again.
    pub(super) fn wake(&self) {
        self.changed.notify_all();
    }

    /// Waits until something has changed, or for a moment.
    pub(super) fn wait(&self) {
        drop(self.wait_for(self.lock(), LOOK));
    }

    pub(super) fn redirect(&self, target: u16) {
        self.lock().target = target;
    }

    pub(super) fn arm(&self, trap: Trap) {
        self.lock().traps.push(trap);
    }

    pub(super) fn disarm(&self) {
        self.lock().traps.clear();
    }

    pub(super) fn sprung(&self) -> u64 {
        self.lock().sprung
    }

    pub(super) fn held(&self) -> Vec<Vec<String>> {
        self.lock().held.values().cloned().collect()
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.lock().traffic
    }

    pub(super) fn connections(&self) -> usize {
        self.lock().connections.len()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    pub(super) fn wait_for<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
