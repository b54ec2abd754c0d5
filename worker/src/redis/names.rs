//! Names of workers: each is used once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::queues::Queue;

/// The names that this process has used, and what apalis-redis has noted under them.
#[derive(Debug, Default)]
pub(super) struct Names {
    used: AtomicU64,
    /// By key; whether the worker lives.
    noted: Mutex<BTreeMap<String, bool>>,
}

impl Names {
    /// A name that nobody had before: the process' own name is never used twice.
    pub(super) fn fresh(&self, process: &str, queue: &Queue) -> String {
        let name = format!("{}-{process}-{}", queue.step, self.used.fetch_add(1, Ordering::Relaxed));
        self.lock().insert(queue.worker(&name), true);
        name
    }

    /// The worker has ended.
    pub(super) fn ended(&self, name: &str, queue: &Queue) {
        if let Some(lives) = self.lock().get_mut(&queue.worker(name)) {
            *lives = false;
        }
    }

    /// The keys that are to be kept for a while more. Those of workers that have ended are named for the last time.
    pub(super) fn keys(&self) -> Vec<String> {
        let mut noted = self.lock();
        let keys = noted.keys().cloned().collect();
        noted.retain(|_, lives| *lives);
        keys
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, bool>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
