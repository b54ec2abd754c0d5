//! Both counts together.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::own::{self, Own};
use crate::{Bucket, Decision, Shared};

/// How long Redis is left alone that did not decide.
const PAUSE: Duration = Duration::from_secs(1);

/// Decides what may be done.
///
/// This process' own count refuses what it knows to be too much; for the rest the count of all processes decides. While
/// that is away the own count, which goes on all the time, is all there is: each process then allows as many as all did
/// together.
#[derive(Debug)]
pub struct Limiter {
    own: Own,
    shared: Option<Shared>,
    /// Until when the shared count is left alone, where it is away.
    away_until: Mutex<Option<Instant>>,
}

/// What was taken, so that it can be given back.
#[derive(Debug)]
pub struct Taken {
    buckets: Vec<Bucket>,
    own: own::Taken,
    /// When, by Redis' clock, where Redis counted it.
    shared: Option<u64>,
}

impl Limiter {
    /// With a count of all processes, where there are several.
    pub fn new(shared: Option<Shared>) -> Self {
        Self { own: Own::default(), shared, away_until: Mutex::new(None) }
    }

    /// Takes from all of these buckets, if each has something left: nothing is taken where it is not allowed.
    pub async fn take(&self, buckets: &[Bucket]) -> (Decision, Option<Taken>) {
        let (decision, own) = self.own.take(buckets);
        let Some(own) = own else { return (decision, None) };
        let taken = |shared| Some(Taken { buckets: buckets.to_vec(), own, shared });
        match self.ask(buckets).await {
            None => (decision, taken(None)),
            Some((decision, Some(at))) => (decision, taken(Some(at))),
            Some((decision, None)) => {
                self.own.give_back(buckets, own);
                (decision, None)
            }
        }
    }

    /// Gives back what was taken for nothing. Where Redis does not answer, it stays taken there until its time is over.
    pub async fn give_back(&self, taken: Taken) {
        self.own.give_back(&taken.buckets, taken.own);
        if let (Some(shared), Some(at)) = (&self.shared, taken.shared)
            && let Err(error) = shared.give_back(&taken.buckets, at).await
        {
            debug!(%error, "not given back");
        }
    }

    /// What the count of all processes says, if it says anything.
    async fn ask(&self, buckets: &[Bucket]) -> Option<(Decision, Option<u64>)> {
        let shared = self.shared.as_ref().filter(|_| self.may_ask())?;
        match shared.take(buckets).await {
            Ok(answer) => {
                if self.away_until().take().is_some() {
                    info!("limits are counted over all processes again");
                }
                Some(answer)
            }
            Err(error) => {
                if self.away_until().replace(Instant::now() + PAUSE).is_none() {
                    warn!(%error, "limits are counted by each process alone while Redis does not decide");
                }
                None
            }
        }
    }

    /// Whether the shared count is worth asking: where it was away, one asks after a while, and the others go on without.
    fn may_ask(&self) -> bool {
        let (mut away_until, now) = (self.away_until(), Instant::now());
        match &mut *away_until {
            None => true,
            Some(until) if *until <= now => {
                *until = now + PAUSE;
                true
            }
            Some(_) => false,
        }
    }

    fn away_until(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.away_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
