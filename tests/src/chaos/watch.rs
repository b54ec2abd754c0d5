//! Asking the invariants' queries all the time.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::audit::{Scope, Violation, violations};

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);
/// How long a look may take: the database may be away.
const PATIENCE: Duration = Duration::from_secs(10);
/// What is looked at, besides what is under way.
const RECENT: Duration = Duration::from_secs(30);
/// This much is true only of what is seen twice: after a pause of the server everything in it has idled for long.
const TWICE: &str = "I12";

/// What has been seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    found: Mutex<BTreeSet<Violation>>,
    pub(super) looks: AtomicU64,
    pub(super) ended: AtomicU64,
    stop: AtomicBool,
}

impl Seen {
    pub(super) fn found(&self) -> Vec<String> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).iter().map(ToString::to_string).collect()
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Looks on and on, until told to stop.
pub(super) fn watch(url: String) -> (Arc<Seen>, JoinHandle<()>) {
    let seen = Arc::new(Seen::default());
    let watching = tokio::spawn(look_on(url, Arc::clone(&seen)));
    (seen, watching)
}

async fn look_on(url: String, seen: Arc<Seen>) {
    let mut suspected = BTreeSet::new();
    while !seen.stop.load(Ordering::Relaxed) {
        // The database is away now and then: that is not what is looked for.
        if let Ok(Ok((found, ended))) = timeout(PATIENCE, look(&url)).await {
            let (twice, at_once): (BTreeSet<_>, BTreeSet<_>) =
                found.into_iter().partition(|violation| violation.invariant.starts_with(TWICE));
            let confirmed = suspected.intersection(&twice).cloned();
            seen.found.lock().unwrap_or_else(PoisonError::into_inner).extend(at_once.into_iter().chain(confirmed));
            suspected = twice;
            seen.looks.fetch_add(1, Ordering::Relaxed);
            seen.ended.store(ended, Ordering::Relaxed);
        }
        sleep(PAUSE).await;
    }
}

async fn look(url: &str) -> anyhow::Result<(Vec<Violation>, u64)> {
    let mut database = PgConnection::connect(url).await?;
    let found = violations(&mut database, Scope::Recent(RECENT)).await?;
    let ended: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sagas WHERE ended_at IS NOT NULL").fetch_one(&mut database).await?;
    database.close().await?;
    Ok((found, u64::try_from(ended)?))
}
