//! How a worker hears that hints may be there.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::Notify;

/// Rung when hints may be there.
///
/// A ring that is heard while the worker waits for Redis' answer may come too late for that answer, and apalis looks
/// again only when it is woken. So such a ring is kept, and rung again once the answer is there.
#[derive(Debug, Default)]
pub(super) struct Ear {
    pub(super) rung: Notify,
    asking: AtomicU32,
    kept: AtomicBool,
}

/// While a question to Redis is open.
pub(super) struct Asking<'a>(&'a Ear);

impl Ear {
    /// Hints may be there.
    pub(super) fn ring(&self) {
        self.rung.notify_one();
    }

    /// The worker has heard a ring, and is about to look.
    pub(super) fn heard(&self) {
        if self.asking.load(Ordering::Acquire) > 0 {
            self.kept.store(true, Ordering::Release);
        }
    }

    pub(super) fn ask(&self) -> Asking<'_> {
        self.asking.fetch_add(1, Ordering::AcqRel);
        Asking(self)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asking.fetch_sub(1, Ordering::AcqRel);
        if self.0.kept.swap(false, Ordering::AcqRel) {
            self.0.ring();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn rings(ear: &Ear) -> bool {
        ear.rung.notified().now_or_never().is_some()
    }

    #[test]
    fn a_ring_that_comes_while_redis_is_asked_is_rung_again_afterwards() {
        let ear = Ear::default();
        ear.ring();
        assert!(rings(&ear));
        ear.heard();
        // Whoever asks now gets all that was rung for.
        drop(ear.ask());
        assert!(!rings(&ear));
        let asking = ear.ask();
        ear.ring();
        assert!(rings(&ear));
        ear.heard();
        drop(asking);
        assert!(rings(&ear));
        assert!(!rings(&ear));
    }
}
