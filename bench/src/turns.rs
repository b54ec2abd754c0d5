//! Many who take turns.

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;

/// Many who take turns, over and over.
pub(crate) struct Turns<T> {
    all: Vec<T>,
    next: AtomicUsize,
}

impl<T> Turns<T> {
    pub(crate) fn of(all: Vec<T>) -> Self {
        Self { all, next: AtomicUsize::new(0) }
    }

    /// Whose turn it is.
    pub(crate) fn take(&self) -> anyhow::Result<&T> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.all.get(turn % self.all.len().max(1)).context("there is nobody")
    }
}
