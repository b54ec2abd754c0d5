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
/// Looks that come less often than this find too little.
const SELDOM: Duration = Duration::from_secs(10);
/// What is looked at, besides what is under way.
const RECENT: Duration = Duration::from_secs(30);
/// This much is true only of what is seen twice: after a pause of the server everything in it has idled for long.
const TWICE: &str = "I12";

/// Somebody who looks on and on, and what they have seen.
#[derive(Debug, Default)]
pub(super) struct Watch {
    found: Mutex<BTreeSet<Violation>>,
    pub(super) looks: AtomicU64,
    pub(super) ended: AtomicU64,
    /// Why the last look that failed did.
    failure: Mutex<String>,
    stop: AtomicBool,
}

impl Watch {
    /// Looks on and on, until told to stop.
    pub(super) fn begin(url: String) -> (Arc<Self>, JoinHandle<()>) {
        let watch = Arc::new(Self::default());
        let watching = tokio::spawn(look_on(url, Arc::clone(&watch)));
        (watch, watching)
    }

    pub(super) fn found(&self) -> Vec<String> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).iter().map(ToString::to_string).collect()
    }

    fn takes(&self, found: Vec<Violation>, ended: u64, suspected: &mut BTreeSet<Violation>) {
        let (twice, at_once): (BTreeSet<_>, BTreeSet<_>) =
            found.into_iter().partition(|violation| violation.invariant.starts_with(TWICE));
        let confirmed = suspected.intersection(&twice).cloned();
        self.found.lock().unwrap_or_else(PoisonError::into_inner).extend(at_once.into_iter().chain(confirmed));
        *suspected = twice;
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.ended.store(ended, Ordering::Relaxed);
    }

    /// What is wrong with a run of this length that was looked at so seldom.
    pub(super) fn too_seldom(&self, length: Duration) -> Option<String> {
        let looks = self.looks.load(Ordering::Relaxed);
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        (looks < length.as_secs() / SELDOM.as_secs()).then(|| {
            format!("T1 the test's own tools work: looked at the invariants {looks} times, the last failure: {failure}")
        })
    }

    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

async fn look_on(url: String, watch: Arc<Watch>) {
    let mut suspected = BTreeSet::new();
    while !watch.stop.load(Ordering::Relaxed) {
        // The database is away now and then: that is not what is looked for.
        let failure = match timeout(PATIENCE, look(&url)).await {
            Ok(Ok((found, ended))) => {
                watch.takes(found, ended, &mut suspected);
                None
            }
            Ok(Err(error)) => Some(format!("{error:#}")),
            Err(late) => Some(late.to_string()),
        };
        if let Some(failure) = failure {
            *watch.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
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
