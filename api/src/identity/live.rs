//! Sessions that were seen to be live a moment ago.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use accounts::{Holder, SessionId, Sessions};
use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use moka::sync::Cache;
use saga::Clock;
use signup::UserId;

use crate::problem::Problem;

/// How many sessions a process knows at most.
const MOST: u64 = 100_000;
/// For how long what was seen is believed: a session that another process ends is ended here after this.
const FRESH: SignedDuration = SignedDuration::from_secs(20);

/// Sessions that were seen to be live a moment ago, and whom they stand for.
///
/// An access token says who somebody was when it was issued. What holds now is asked here: a session that is ended, a
/// user who is disabled, another role or password count within 20 s, and in this process at once.
pub(crate) struct LiveSessions {
    sessions: Arc<dyn Sessions>,
    clock: Arc<dyn Clock>,
    seen: Cache<SessionId, (Holder, Timestamp)>,
}

impl LiveSessions {
    /// None has been seen yet.
    pub(super) fn new(sessions: Arc<dyn Sessions>, clock: Arc<dyn Clock>) -> Self {
        // The clock decides; this frees what nobody asks for again.
        let forgotten = Duration::try_from(FRESH).unwrap_or_default();
        let seen = Cache::builder().max_capacity(MOST).time_to_live(forgotten).support_invalidation_closures().build();
        Self { sessions, clock, seen }
    }

    /// Whom a session stands for, if it is live.
    pub(crate) async fn holder(&self, session: SessionId) -> Result<Option<Holder>, Problem> {
        let now = self.clock.now();
        let fresh = self.seen.get(&session).filter(|(_, at)| now.duration_since(*at) < FRESH);
        let outcome = if fresh.is_some() { "hit" } else { "miss" };
        counter!("signup_cache_lookups_total", "cache" => "sessions", "outcome" => outcome).increment(1);
        if let Some((holder, _)) = fresh {
            return Ok(Some(holder));
        }
        let holder = self.sessions.holder(session).await.map_err(|error| Problem::unread(&error))?;
        match &holder {
            Some(holder) => self.seen.insert(session, (holder.clone(), now)),
            None => self.seen.invalidate(&session),
        }
        Ok(holder)
    }

    /// A session is over.
    pub(crate) fn is_over(&self, session: SessionId) {
        self.seen.invalidate(&session);
    }

    /// Sessions of this user are over.
    pub(crate) fn are_over(&self, user: UserId) {
        // It is refused by caches that do not support it alone.
        let _ = self.seen.invalidate_entries_if(move |_, (holder, _)| holder.user == user);
    }
}

impl fmt::Debug for LiveSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LiveSessions({})", self.seen.entry_count())
    }
}
